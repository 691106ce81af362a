import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { enrolPhone, listPhones, type PhoneMeans, presentPhone } from "../../../src/cli/phone.ts";
import { keepPhone, readPhones } from "../../../src/cli/phone-file.ts";
import type { PhoneRadio } from "../../../src/cli/phone-session.ts";
import { CommandFailed } from "../../../src/cli/terminal.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { siteKeyText } from "../../../src/protocols/mobile-pass/phone-state.ts";
import { content } from "../controller/door-rig.ts";
import {
  anotherSite,
  openMobile,
  phoneOn,
  phonePassOf,
  withPhones,
} from "../controller/mobile-rig.ts";

/** A door that knows Ada's phone, and a technician who has Ada's phone, and nobody's, in a file. */
function openDoor(t: Test, { knows = true } = {}) {
  const clock = new SimClock();
  const ada = phoneOn(clock);
  const passes = knows ? [phonePassOf("ada-phone", "ada", ada)] : [];
  const world = openMobile(withPhones(passes, content()), { clock });
  const file = join(t.testdir(), "phones.json");
  keepPhone(file, "ada", ada.state);
  let opened = 0;
  const said = { out: "", err: "" };
  const radio = (): PhoneRadio => world.radio.central({ address: "c0:00:00:00:00:01", rssi: -50 });
  const means = (part: Partial<PhoneMeans> = {}) => ({
    terminal: {
      out: (text: string) => {
        said.out += text;
      },
      err: (text: string) => {
        said.err += text;
      },
    },
    file,
    json: false,
    clock,
    entropy: (byteCount: number) => randomBytes(byteCount),
    withinMs: 5_000,
    openRadio: async () => {
      opened += 1;
      return radio();
    },
    pause: async (forMs: number) => {
      await clock.elapse(forMs);
    },
    ...part,
  });
  const siteKey = siteKeyText(ada.state.siteKey);
  return { world, ada, file, said, means, siteKey, opened: () => opened };
}

async function refusalOf(action: Promise<unknown>): Promise<CommandFailed> {
  try {
    await action;
  } catch (error) {
    if (error instanceof CommandFailed) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

const once = { name: "ada", times: 1, pauseMs: 0, form: "fastest" } as const;

t.test("a technician sees how far a phone came, and the door opens", async (t) => {
  const { world, means, said } = openDoor(t);
  await presentPhone(means(), once);
  const [front] = world.strikes();
  t.equal(front, "released");
  const lines = said.out.trimEnd().split("\n");
  for (const [index, line] of [
    /^in range +-50 dBm$/,
    /^connecting$/,
    /^reader +front of one$/,
    /^sent +full form$/,
    /^granted +\d+ ms after connecting$/,
  ].entries()) {
    t.match(lines[index], line);
  }
  t.equal(lines.length, 5);
});

t.test("the second time is in the fast form, unless the full one is asked for", async (t) => {
  const { means, said } = openDoor(t);
  await presentPhone(means({ json: true }), { ...once, times: 3, pauseMs: 2_000 });
  await presentPhone(means({ json: true }), { ...once, form: "full" });
  const forms = said.out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { result: string; form: string; phone: string });
  t.match(forms, [
    { phone: "ada", result: "granted", form: "full", reader: "front", controller: "one" },
    { result: "granted", form: "fast" },
    { result: "granted", form: "fast" },
    { result: "granted", form: "full" },
  ]);
});

t.test("several times are summed up for people", async (t) => {
  const { means, said } = openDoor(t);
  await presentPhone(means(), { ...once, times: 4, pauseMs: 2_000 });
  t.match(said.out, /^4 of 4 granted, 3 in the fast form; connected to answered p50 \d+ ms, p95/m);
});

t.test("a phone that the door does not know is denied, and the command fails", async (t) => {
  const { world, means, said } = openDoor(t, { knows: false });
  const { exitCode, message } = await refusalOf(presentPhone(means(), once));
  t.equal(exitCode, 1);
  t.match(message, /^denied/);
  t.match(said.out, /^denied/m);
  t.same(world.strikes(), ["secured", "secured"]);
});

t.test("a phone of another site says nothing to the reader, and why", async (t) => {
  const { world, means, file } = openDoor(t);
  const stranger = phoneOn(world.clock, anotherSite().siteKey);
  keepPhone(file, "stranger", stranger.state);
  const { message } = await refusalOf(presentPhone(means(), { ...once, name: "stranger" }));
  t.match(message, /not signed by this phone's site: do not trust it/);
  t.same(world.strikes(), ["secured", "secured"]);
});

t.test(
  "a new phone needs its site's key, and is enrolled where a reader waits for it",
  async (t) => {
    const { world, means, file, siteKey, said, opened } = openDoor(t);
    const keyless = await refusalOf(enrolPhone(means(), { name: "bob" }));
    t.equal(keyless.exitCode, 2);
    t.match(keyless.message, /^--site-key: expected/);
    const wrong = await refusalOf(enrolPhone(means(), { name: "bob", siteKey: "abc" }));
    t.equal(wrong.exitCode, 2);
    t.match(wrong.message, /^--site-key: expected an Ed25519 public key/);
    t.equal(opened(), 0, "the radio was not needed to say so");
    const unasked = await refusalOf(enrolPhone(means(), { name: "bob", siteKey }));
    t.equal(unasked.exitCode, 1);
    t.match(unasked.message, /waits for no phone/);
    const bob = readPhones(file).get("bob");
    t.ok(bob, "its keys are kept: it is the same phone the next time");
    t.match(
      said.err,
      /^bob is phone:[0-9a-f]{32} of site test, whose mobile key has the fingerprint/m,
    );
    const denied = await refusalOf(presentPhone(means(), { ...once, name: "bob" }));
    t.match(denied.message, /^denied/);
    t.same(world.strikes(), ["secured", "secured"]);
  },
);

t.test("no key is made for a reader that the site's key does not certify", async (t) => {
  const { means, file } = openDoor(t);
  const siteKey = siteKeyText(anotherSite().siteKey);
  const { exitCode, message } = await refusalOf(enrolPhone(means(), { name: "bob", siteKey }));
  t.equal(exitCode, 1);
  t.match(message, /do not trust it/);
  t.same([...readPhones(file).keys()], ["ada"]);
});

t.test("a phone keeps to its site: another's key is refused", async (t) => {
  const { means, file } = openDoor(t);
  const siteKey = siteKeyText(anotherSite().siteKey);
  const { exitCode, message } = await refusalOf(enrolPhone(means(), { name: "ada", siteKey }));
  t.equal(exitCode, 1);
  t.match(message, /^ada belongs to site test/);
  t.ok(readPhones(file).has("ada"));
});

t.test("where no reader is heard, or none can be connected to, that is said", async (t) => {
  const { world, means } = openDoor(t);
  world.radio.fail("no_adapter");
  const unheard = refusalOf(presentPhone(means(), once));
  await world.clock.elapse(6_000);
  t.match((await unheard).message, /^no reader was heard/);
  const radio: PhoneRadio = {
    scan: async () => [{ id: "1", rssi: -40 }],
    connect: async () => {
      throw new HalError("disconnected", "no answer\u001b[2J within 10 s");
    },
    close: async () => undefined,
  };
  const openRadio = async () => radio;
  const refused = await refusalOf(presentPhone(means({ openRadio }), once));
  t.equal(refused.message, "not connected: no answer?[2J within 10 s");
});

t.test("the strongest of several readers is chosen, where none is near", async (t) => {
  const { world, means } = openDoor(t);
  const tried: string[] = [];
  const real = world.radio.central({ address: "c0:00:00:00:00:02" });
  const openRadio = async (): Promise<PhoneRadio> => ({
    scan: async () => [
      { id: "near", rssi: -70 },
      { id: "far", rssi: -90 },
    ],
    connect: async ({ id }, withinMs) => {
      tried.push(id);
      const [reader] = await real.scan({ forMs: 1_000, isEnough: () => true });
      if (reader === undefined) throw new Error("no reader");
      return await real.connect(reader, withinMs);
    },
    close: async () => undefined,
  });
  await presentPhone(means({ openRadio }), once);
  t.same(tried, ["near"]);
});

t.test("a list tells of phones what is not secret", async (t) => {
  const { means, said, file, ada } = openDoor(t);
  await presentPhone(means(), once);
  said.out = "";
  listPhones(means());
  t.match(
    said.out,
    /^NAME +SITE +PHONE +SITE KEY +KNOWS CONTROLLERS\nada +test +phone:[0-9a-f]{32} .* one$/m,
  );
  said.out = "";
  listPhones(means({ json: true }));
  t.match(JSON.parse(said.out), [{ name: "ada", site: "test", controllers: ["one"] }]);
  t.notMatch(said.out, String(ada.state.deviceKey.export({ format: "jwk" }).d));
  const { message } = await refusalOf(presentPhone(means(), { ...once, name: "carol" }));
  t.equal(message, `there is no carol in ${file}`);
  writeFileSync(file, "{}");
  t.throws(() => listPhones(means()), { message: /version: expected 1/ });
});

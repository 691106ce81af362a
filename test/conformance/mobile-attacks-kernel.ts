// What somebody with a radio can do at a door, with real radios: root, a controller that has hci0, and two
// adapters beside it. The rig's guest runs it: `node test/conformance/mobile-attacks-kernel.ts ATTACK FILE`,
// where FILE has the keys of the phone `ada`, which the door knows.
import { randomBytes } from "node:crypto";
import t from "tap";
import type { BleCentral, CentralLink } from "../../hal/ble-central.ts";
import { openLinuxCentral } from "../../hal/linux/ble/central.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { readPhones } from "../../src/cli/phone-file.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { mobilePassService } from "../../src/protocols/mobile-pass/gatt.ts";
import type { PhoneState } from "../../src/protocols/mobile-pass/phone-state.ts";
import { runPhone } from "../../src/protocols/mobile-pass/run-phone.ts";

const [attack = "", file = ""] = process.argv.slice(2);
const clock = createSystemClock({ quality: () => "unknown" });
const entropy = (byteCount: number) => randomBytes(byteCount);
const readerMsMax = 20_000;

/** What the reader promises of a phone that says nothing, and half a second for radios. */
const idleMsMax = 1_500 + 500;

/** The strike is secured again by then, of whose next move the scenario makes sure that there is none. */
const securedMs = 1_500;

const pass = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    clock.alarm(monotonicMs(clock.monotonic() + ms), resolve);
  });

const openPhone = (adapter: number): Promise<BleCentral> =>
  openLinuxCentral({ driver: "stoprocent", adapter, service: mobilePassService, clock });

async function connect(phone: BleCentral): Promise<CentralLink> {
  const [reader] = await phone.scan({ forMs: readerMsMax, isEnough: () => true });
  if (reader === undefined) throw new Error("no reader was heard");
  return await phone.connect(reader, readerMsMax);
}

function ada(): PhoneState {
  const phone = readPhones(file).get("ada");
  if (phone === undefined) throw new Error(`no ada in ${file}`);
  return phone;
}

/** With every frame that it wrote. */
async function present(link: CentralLink, phone: PhoneState) {
  const written: Uint8Array[] = [];
  const { frameBytesMax, gone } = link;
  const recorded: CentralLink = {
    frameBytesMax,
    gone,
    readHello: () => link.readHello(),
    subscribe: (listener) => link.subscribe(listener),
    write: (frame) => {
      written.push(Uint8Array.from(frame));
      return link.write(frame);
    },
    disconnect: () => link.disconnect(),
  };
  const outcome = await runPhone({ link: recorded, phone, action: "present", entropy, clock });
  return { outcome, written };
}

const stamp = (what: string) => `${what} at ${clock.monotonic().toFixed(3)} ms`;

if (attack === "replay") {
  t.test(
    "frames of a session that was granted open nothing when they are sent again",
    async (t) => {
      const phone = await openPhone(1);
      t.teardown(() => phone.close());
      let state = ada();
      for (const form of ["full", "fast"]) {
        const { outcome, written } = await present(await connect(phone), state);
        if (outcome.kind !== "answered") throw new Error(`not answered: ${outcome.fault}`);
        t.equal(outcome.answer, "granted", form);
        t.equal(outcome.form, form);
        state = outcome.phone;
        t.ok(written.length > 0);
        await pass(securedMs);
        t.comment(stamp("replay"));
        const link = await connect(phone);
        const heard: Uint8Array[] = [];
        await link.readHello();
        await link.subscribe((frame) => heard.push(frame));
        for (const frame of written) await link.write(frame).catch(() => undefined);
        await link.gone;
        const answerBytes = heard.reduce((sum, { length }) => sum + length, 0);
        t.ok(answerBytes <= 3, `what it hears is no sealed answer: ${answerBytes} bytes`);
        await pass(securedMs);
        t.comment(stamp("over"));
      }
    },
  );
} else if (attack === "idle") {
  t.test("a phone that says nothing is dropped, and the next one is served", async (t) => {
    const silent = await openPhone(1);
    const other = await openPhone(2);
    t.teardown(() => Promise.all([silent.close(), other.close()]));
    const idle = await connect(silent);
    const from = clock.monotonic();
    const served = connect(other).then(async (link) => present(link, ada()));
    await idle.gone;
    const droppedMs = clock.monotonic() - from;
    t.ok(droppedMs <= idleMsMax, `it was dropped after ${droppedMs.toFixed(0)} ms`);
    const { outcome } = await served;
    t.equal(outcome.kind === "answered" ? outcome.answer : outcome.fault, "granted");
    const servedMs = clock.monotonic() - from;
    t.comment(
      `dropped after ${droppedMs.toFixed(0)} ms, the next granted after ${servedMs.toFixed(0)} ms`,
      "at worst; one try",
    );
  });
} else {
  throw new Error("expected replay or idle");
}

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { keepPhone, readPhones } from "../../../src/cli/phone-file.ts";
import { CommandFailed } from "../../../src/cli/terminal.ts";
import { siteId } from "../../../src/domain/ids.ts";
import {
  newPhone,
  type PhoneState,
  phoneOf,
} from "../../../src/protocols/mobile-pass/phone-state.ts";

const aPhone = (site = "hq"): PhoneState =>
  newPhone({
    site: siteId(site),
    siteKey: generateKeyPairSync("ed25519").publicKey,
    deviceSeed: randomBytes(48),
  });

const fileIn = (t: Test) => join(t.testdir(), "phones.json");

function refusalOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CommandFailed) return error.message;
    throw error;
  }
  return "was not refused";
}

t.test("phones are kept by name, and nobody else may read them", async (t) => {
  const file = fileIn(t);
  t.equal(readPhones(file).size, 0, "there are none where there is no file");
  const [ada, bob] = [aPhone(), aPhone("lab")];
  keepPhone(file, "ada", ada);
  keepPhone(file, "bob-work", bob);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.same(readdirSync(join(file, "..")), ["phones.json"], "nothing is left beside it");
  const kept = readPhones(file);
  t.same([...kept.keys()], ["ada", "bob-work"]);
  for (const [name, phone] of [
    ["ada", ada],
    ["bob-work", bob],
  ] as const) {
    const read = kept.get(name);
    t.equal(read?.site, phone.site);
    t.equal(read && phoneOf(read.deviceKey), phoneOf(phone.deviceKey));
    t.ok(read?.siteKey.equals(phone.siteKey));
  }
});

t.test("a file that others can read is refused, and not mended in silence", async (t) => {
  const file = fileIn(t);
  keepPhone(file, "ada", aPhone());
  for (const mode of [0o604, 0o640, 0o660, 0o602]) {
    chmodSync(file, mode);
    t.match(
      refusalOf(() => readPhones(file)),
      /others can read it/,
      mode.toString(8),
    );
    t.match(
      refusalOf(() => keepPhone(file, "ada", aPhone())),
      /others can read it/,
    );
    t.equal(statSync(file).mode & 0o777, mode, "as it was");
  }
});

t.test(
  "a file that is not whole is refused by the field, and nothing secret is said",
  async (t) => {
    const file = fileIn(t);
    const phone = aPhone();
    keepPhone(file, "ada", phone);
    const whole = readFileSync(file, "utf8");
    const secret = String(phone.deviceKey.export({ format: "jwk" }).d);
    t.ok(whole.includes(secret), "it is in the file");
    const damaged: readonly (readonly [string, RegExp])[] = [
      [whole.slice(0, -20), /expected JSON/],
      ["[]", /version: expected 1/],
      [whole.replace('"version": 1', '"version": 2'), /version: expected 1/],
      ['{"version": 1, "phones": []}', /phones: expected an object/],
      [whole.replace('"ada"', '"Ada"'), /phones: expected names/],
      [whole.replace('"device_key"', '"device"'), /phones\.ada\./],
      [whole.replace(secret, `${secret}AA`), /phones\.ada\.device_key: expected/],
    ];
    for (const [text, said] of damaged) {
      writeFileSync(file, text);
      const refusal = refusalOf(() => readPhones(file));
      t.match(refusal, said);
      t.notMatch(refusal, secret);
      refusalOf(() => keepPhone(file, "bob", aPhone()));
      t.equal(readFileSync(file, "utf8"), text, "and it is not written over");
    }
  },
);

t.test("what cannot be written leaves the file as it was, and nothing beside it", async (t) => {
  const file = join(t.testdir({ folder: {} }), "folder");
  t.match(
    refusalOf(() => keepPhone(file, "ada", aPhone())),
    /--keys: .*folder: expected a file/,
  );
  t.same(readdirSync(join(file, "..")), ["folder"]);
});

import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { openSiteKeyStore } from "../../../src/controller/site-key-store.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { temporaryFolder } from "./journal-records.ts";
import { provision, SignedTables } from "./tables.ts";

const pem = (key: { export(options: { type: "spki"; format: "pem" }): string | Buffer }): string =>
  key.export({ type: "spki", format: "pem" }).toString();

/** What a controller does that has followed one hand-over, and where it keeps the key. */
async function followed(t: Parameters<typeof temporaryFolder>[0]) {
  const folder = temporaryFolder(t);
  const site = new SignedTables();
  const { message } = site.rotate();
  const store = await openSiteKeyStore({ folder, provision });
  t.same(await store.take(message), { ok: true, value: "followed" });
  return { folder, site, message, key: pem(store.current()) };
}

t.test("a key that was handed over is in force at once, and after a restart", async (t) => {
  const folder = temporaryFolder(t);
  const site = new SignedTables();
  const store = await openSiteKeyStore({ folder, provision });
  t.equal(pem(store.current()), provision.sitePublicKey);
  const taken = store.take(site.rotate().message);
  t.not(pem(store.current()), provision.sitePublicKey, "before the disk has it");
  t.same(await taken, { ok: true, value: "followed" });
  const again = await openSiteKeyStore({ folder, provision });
  t.equal(pem(again.current()), pem(store.current()));
  t.equal(again.damage(), undefined);
});

t.test("hand-overs that were missed are followed from whichever key is known", async (t) => {
  const { folder, site } = await followed(t);
  for (let count = 0; count < 5; count += 1) site.rotate();
  const { message } = site.rotate();
  const store = await openSiteKeyStore({ folder, provision });
  t.same(await store.take(message), { ok: true, value: "followed" });
  const { ino } = statSync(join(folder, "site-key"));
  t.same(await store.take(message), { ok: true, value: "known" });
  t.equal(statSync(join(folder, "site-key")).ino, ino, "what is known is not written again");
});

t.test("a chain that does not begin at the key in force is refused", async (t) => {
  const { folder, key } = await followed(t);
  const store = await openSiteKeyStore({ folder, provision });
  // Whoever has stolen the first key can hand it over to his own, and comes too late.
  const thief = new SignedTables().rotate().message;
  t.match(await store.take(thief), { ok: false, fault: { reason: "unknown_key" } });
  t.match(await store.take(Buffer.from("a key")), { ok: false });
  t.equal(pem(store.current()), key);
});

t.test("a key file with any byte changed, or cut anywhere, is not believed", async (t) => {
  const { folder, message, key } = await followed(t);
  const file = join(folder, "site-key");
  const whole = readFileSync(file);
  for (let at = 0; at < whole.length; at += 1) {
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
    for (const bytes of [flipped, whole.subarray(0, at)]) {
      writeFileSync(file, bytes);
      const store = await openSiteKeyStore({ folder, provision });
      if (pem(store.current()) !== provision.sitePublicKey) t.fail(`believed, byte ${at}`);
      if (store.damage() === undefined) t.fail(`not said, byte ${at}`);
    }
  }
  const store = await openSiteKeyStore({ folder, provision });
  await store.take(message);
  t.equal(pem(store.current()), key, "and it follows again");
  t.equal(store.damage(), undefined);
});

t.test("a controller that is provisioned anew begins at its new key", async (t) => {
  const { folder } = await followed(t);
  const sitePublicKey = pem(generateKeyPairSync("ed25519").publicKey);
  const store = await openSiteKeyStore({ folder, provision: { ...provision, sitePublicKey } });
  t.equal(pem(store.current()), sitePublicKey);
});

t.test("a key that cannot be written counts, and is written when it comes again", async (t) => {
  const folder = temporaryFolder(t);
  const { message } = new SignedTables().rotate();
  const inTheWay = join(folder, "site-key.new");
  mkdirSync(join(inTheWay, "in the way"), { recursive: true });
  const store = await openSiteKeyStore({ folder, provision });
  const taken = await store.take(message);
  t.ok(!taken.ok && taken.fault instanceof HalError);
  t.not(pem(store.current()), provision.sitePublicKey);
  rmSync(inTheWay, { recursive: true });
  t.same(await store.take(message), { ok: true, value: "known" });
  const again = await openSiteKeyStore({ folder, provision });
  t.equal(pem(again.current()), pem(store.current()));
});

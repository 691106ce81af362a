import { createPublicKey } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { controllerId, siteId } from "../../../src/domain/ids.ts";
import { type EpochMs, epochMs } from "../../../src/domain/time.ts";
import { pointOf } from "../../../src/protocols/mobile-pass/p256.ts";
import { openReaderCertificate } from "../../../src/protocols/mobile-pass/reader-certificate.ts";
import { deriveKeys } from "../../../src/protocols/sync/provision.ts";
import { openSiteKeys, type SiteKeys } from "../../../src/site/site-keys.ts";
import { openStateFolder } from "../../../src/site/state-folder.ts";
import { one, type SiteRig, site, siteFile, startSite, temporaryFolder } from "./site-rig.ts";
import { TableTaker } from "./table-taker.ts";

const two = controllerId("two");
const now = epochMs(1_800_000_000_000);

/** What a phone reads in it that trusts these keys. */
function opened(keys: Pick<SiteKeys, "mobileKey">, certificate: Uint8Array | undefined) {
  const said = openReaderCertificate(keys.mobileKey(), certificate ?? new Uint8Array());
  return said.ok ? said.value : said.fault;
}

function issued(keys: SiteKeys, controller = one, at: EpochMs = now) {
  const { certificate } = keys.mobileRecordOf(controller, at);
  return opened(keys, new Uint8Array(Buffer.from(certificate, "base64url")));
}

const pointFrom = (controllerKey: Uint8Array): Uint8Array =>
  pointOf(createPublicKey(deriveKeys(controllerKey).mobileKey));

const keysOf = (rig: SiteRig) => openSiteKeys(openStateFolder(join(rig.folder, "site")), site);

t.test("a certificate names the key that the controller makes of its provision", async (t) => {
  const keys = openSiteKeys(openStateFolder(temporaryFolder(t)), site);
  for (const controller of [one, two]) {
    const readerKey = pointFrom(keys.provisionFor(controller).controllerKey);
    t.match(issued(keys, controller), { site, controller, issuedAt: now });
    t.same(issued(keys, controller), { site, controller, issuedAt: now, readerKey });
  }
  t.not(keys.mobileRecordOf(one, now).certificate, keys.mobileRecordOf(two, now).certificate);
});

t.test("one that was issued is the same ever after, whatever time it is", async (t) => {
  const path = temporaryFolder(t);
  const open = () => openSiteKeys(openStateFolder(path), site);
  const keys = open();
  const first = keys.mobileRecordOf(one, now);
  t.same(keys.mobileRecordOf(one, epochMs(now + 1)), first);
  t.same(open().mobileRecordOf(one, epochMs(now + 86_400_000)), first);
  keys.rotate();
  t.same(open().mobileRecordOf(one, now), first, "and whatever key its tables are signed with");
  t.ok(open().mobileKey().equals(keys.mobileKey()));
});

t.test("another key of a controller's readers is certified anew, and later", async (t) => {
  const path = temporaryFolder(t);
  const open = () => openSiteKeys(openStateFolder(path), site);
  const first = issued(open());
  const other = issued(open(), two);
  rmSync(join(path, "controllers/one.key"));
  const again = open();
  // A site whose clock was put back meanwhile: phones would go by the key that was lost.
  t.match(issued(again, one, epochMs(1_000)), { controller: one, issuedAt: now + 1 });
  t.notSame(issued(again), first);
  t.same(issued(again, two), other);
});

t.test("a site that lost its mobile key certifies all readers by the new one", async (t) => {
  const path = temporaryFolder(t);
  const open = () => openSiteKeys(openStateFolder(path), site);
  const old = open();
  const before = old.mobileRecordOf(one, now);
  rmSync(join(path, "mobile.key"));
  const keys = open();
  t.notOk(keys.mobileKey().equals(old.mobileKey()));
  t.match(issued(keys), { controller: one, issuedAt: now + 1 });
  const made = new Uint8Array(Buffer.from(before.certificate, "base64url"));
  t.equal(opened(keys, made), "certificate_not_authentic");
});

t.test("what stands in a certificate's file is not believed unseen", async (t) => {
  const path = temporaryFolder(t);
  const open = () => openSiteKeys(openStateFolder(path), site);
  const fileOf = (controller: string) => join(path, `controllers/${controller}.certificate`);
  open().mobileRecordOf(one, now);
  open().mobileRecordOf(two, now);
  const elsewhere = temporaryFolder(t);
  const stranger = openSiteKeys(openStateFolder(elsewhere), siteId("other"));
  for (const text of [
    "",
    "no certificate",
    readFileSync(fileOf("two"), "utf8"),
    `${stranger.mobileRecordOf(one, now).certificate}\n`,
  ]) {
    writeFileSync(fileOf("one"), text, { mode: 0o600 });
    const readerKey = pointFrom(open().provisionFor(one).controllerKey);
    t.match(issued(open(), one, epochMs(now + 5)), { site, controller: one, readerKey }, text);
  }
});

t.test("the mobile key is for its owner alone, and made when it is needed", async (t) => {
  const path = temporaryFolder(t);
  const keys = openSiteKeys(openStateFolder(path), site);
  t.notOk(readdirSync(path).includes("mobile.key"), "so that older sites can be provisioned from");
  t.equal(keys.mobileKey().type, "public");
  const file = join(path, "mobile.key");
  t.equal((statSync(file).mode & 0o777).toString(8), "600");
  writeFileSync(file, readFileSync(file).subarray(0, 30));
  const reopened = openSiteKeys(openStateFolder(path), site);
  t.throws(() => reopened.mobileKey(), { name: "StateError", kind: "damaged", message: /mobile/ });
});

t.test("every controller's table brings what its own readers show to phones", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  for (const controller of [one, two]) {
    const table = new TableTaker(rig, controller).follow();
    const readerKey = pointFrom(rig.service.provisionFor(controller).controllerKey);
    const said = opened(keysOf(rig), table.mobileCertificate());
    t.same(said, { site, controller, issuedAt: rig.now, readerKey });
  }
});

t.test("a site that is started again tells nobody anything new", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const marks = [one, two].map((of) => new TableTaker(rig, of).head().mark);
  rig.service.close();
  const again = await startSite(t, { folder: rig.folder, now: rig.now + 86_400_000 });
  again.service.apply(siteFile(), "x.toml");
  t.same(
    [one, two].map((of) => new TableTaker(again, of).head().mark),
    marks,
  );
});

t.test("a controller that gets another key is told so, and no other is", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const [, before] = [one, two].map((of) => new TableTaker(rig, of).head().mark);
  rig.service.close();
  rmSync(join(rig.folder, "site/controllers/one.key"));
  const again = await startSite(t, { folder: rig.folder });
  again.service.apply(siteFile(), "x.toml");
  const table = new TableTaker(again, one).follow();
  t.match(table.mark, { version: 2 });
  const readerKey = pointFrom(again.service.provisionFor(one).controllerKey);
  t.match(opened(keysOf(again), table.mobileCertificate()), { controller: one, readerKey });
  t.same(new TableTaker(again, two).head().mark, before);
});

t.test("a door of another name goes out with the same certificate, in one delta", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const taker = new TableTaker(rig, one);
  const { frame } = taker.follow();
  rig.service.apply(siteFile().replace('name = "Front"', 'name = "Gate"'), "x.toml");
  const [delta, ...others] = taker.deltas();
  t.same(others, []);
  t.match(delta?.changes, [{ kind: "frame", frame: { mobile: frame.mobile } }]);
});

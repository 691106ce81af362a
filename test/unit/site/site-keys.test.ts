import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import t, { type Test } from "tap";
import { followHandOvers, handOversMax } from "../../../src/protocols/sync/key-hand-over.ts";
import { openTableHead } from "../../../src/protocols/sync/table-head.ts";
import { siteKeyTopic } from "../../../src/protocols/sync/topics.ts";
import { openSiteKeys, type SiteKeys } from "../../../src/site/site-keys.ts";
import { openStateFolder, type StateFolder } from "../../../src/site/state-folder.ts";
import { paperFolder } from "./paper-folder.ts";
import { one, site, siteFile, startSite, temporaryFolder } from "./site-rig.ts";
import { TableTaker } from "./table-taker.ts";

function openKeys(t: Test) {
  const path = temporaryFolder(t);
  return { path, open: () => openSiteKeys(openStateFolder(path), site) };
}

/** The key that a controller comes to which was provisioned with `from`. */
function keyFrom(from: string, { handOvers }: SiteKeys) {
  const followed = handOvers && followHandOvers(site, from, handOvers);
  return followed?.ok ? followed.value : undefined;
}

t.test("a site that never changed its key hands nothing over", async (t) => {
  t.equal(openKeys(t).open().handOvers, undefined);
});

t.test(
  "controllers come from each key the site ever had to the one that it signs with",
  async (t) => {
    const { open } = openKeys(t);
    const keys = open();
    const known = [keys.publicKeyPem];
    for (const serial of [1, 2, 3]) {
      t.equal(keys.rotate(), serial);
      t.notOk(known.includes(keys.publicKeyPem));
      t.equal(keys.provisionFor(one).sitePublicKey, keys.publicKeyPem, "also in new provisions");
      for (const from of known) t.same(keyFrom(from, keys), { key: keys.publicKeyPem, serial });
      known.push(keys.publicKeyPem);
    }
    const reopened = open();
    t.equal(reopened.publicKeyPem, keys.publicKeyPem);
    t.same(reopened.handOvers, keys.handOvers);
    t.same(keyFrom(known[0] ?? "", reopened)?.key, keys.publicKeyPem);
  },
);

t.test("the oldest hand-overs are forgotten once there are too many", async (t) => {
  const keys = openSiteKeys(paperFolder(), site);
  const first = keys.publicKeyPem;
  keys.rotate();
  const second = keys.publicKeyPem;
  for (let count = 0; count < handOversMax; count += 1) keys.rotate();
  t.equal(keyFrom(first, keys), undefined);
  t.match(keyFrom(second, keys), { key: keys.publicKeyPem, serial: handOversMax + 1 });
});

/** The files of the signing key as a rotation leaves them behind, write by write. */
const names = ["site-signing-key.next.pem", "site-key-hand-overs.cbor", "site-signing-key.pem"];

t.test(
  "a rotation that power cut off has happened or has not, and can be made again",
  async (t) => {
    for (const written of [0, 1, 2, 3]) {
      for (const earlierCount of [0, 1]) {
        const { path, open } = openKeys(t);
        const keys = open();
        const provisioned = keys.publicKeyPem;
        for (let count = 0; count < earlierCount; count += 1) keys.rotate();
        const before = { key: keys.publicKeyPem, files: read(path) };
        keys.rotate();
        const after = { key: keys.publicKeyPem, files: read(path) };
        for (const [at, name] of names.entries()) {
          const bytes = (at < written ? after : before).files[at];
          if (bytes === undefined) rmSync(join(path, name), { force: true });
          else writeFileSync(join(path, name), bytes, { mode: 0o600 });
        }
        const reopened = open();
        t.equal(reopened.publicKeyPem, (written < 2 ? before : after).key, `${written} written`);
        if (reopened.handOvers !== undefined) {
          t.equal(keyFrom(provisioned, reopened)?.key, reopened.publicKeyPem);
        }
        reopened.rotate();
        t.equal(keyFrom(provisioned, reopened)?.key, reopened.publicKeyPem, "and once more");
        t.equal(open().publicKeyPem, reopened.publicKeyPem);
      }
    }
  },
);

function read(path: string): readonly (Uint8Array | undefined)[] {
  return names.map((name) => {
    const file = join(path, name);
    return existsSync(file) ? readFileSync(file) : undefined;
  });
}

t.test("rotations that a full disk broke off, one after the other, lose no key", async (t) => {
  for (const first of names) {
    for (const second of names) {
      const folder = paperFolder();
      let failing: string | undefined;
      const write: StateFolder["write"] = (name, bytes) => {
        if (name === failing) throw new Error("disk full");
        folder.write(name, bytes);
      };
      const keys = openSiteKeys({ ...folder, write }, site);
      const provisioned = keys.publicKeyPem;
      for (failing of [first, second]) {
        t.throws(() => keys.rotate(), /disk full/);
        t.equal(openSiteKeys(copyOf(folder), site).publicKeyPem, keys.publicKeyPem);
      }
      failing = undefined;
      keys.rotate();
      t.equal(keyFrom(provisioned, keys)?.key, keys.publicKeyPem, `${first}, ${second}`);
      t.equal(openSiteKeys(copyOf(folder), site).publicKeyPem, keys.publicKeyPem);
    }
  }
});

t.test("a rotation whose disk broke a promise late loses no key either", async (t) => {
  for (const first of names) {
    for (const second of [undefined, ...names]) {
      const folder = paperFolder();
      let failing: string | undefined;
      // The name is there, and then its folder could not be synced.
      const write: StateFolder["write"] = (name, bytes) => {
        folder.write(name, bytes);
        if (name === failing) throw new Error("disk failed");
      };
      const keys = openSiteKeys({ ...folder, write }, site);
      const provisioned = keys.publicKeyPem;
      for (failing of [first, second]) {
        if (failing !== undefined) t.throws(() => keys.rotate(), /disk failed/);
        t.equal(keys.publicKeyPem, openSiteKeys(copyOf(folder), site).publicKeyPem, "as on disk");
      }
      // A kill between any two writes of the next one finds each key that is named.
      const cut: StateFolder["write"] = (name, bytes) => {
        t.ok(openSiteKeys(copyOf(folder), site).publicKeyPem);
        folder.write(name, bytes);
      };
      openSiteKeys({ ...folder, write: cut }, site).rotate();
      const reopened = openSiteKeys(copyOf(folder), site);
      t.equal(keyFrom(provisioned, reopened)?.key, reopened.publicKeyPem, `${first}, ${second}`);
    }
  }
});

/** As it would be found by a site that starts now, whatever that writes. */
function copyOf(folder: StateFolder): StateFolder {
  const copy = paperFolder();
  for (const name of [...names, "pin.key"]) {
    const bytes = folder.read(name);
    if (bytes !== undefined) copy.write(name, bytes);
  }
  return copy;
}

t.test("hand-overs to a key that is not there stop the site", async (t) => {
  const { path, open } = openKeys(t);
  const keys = open();
  const file = join(path, "site-signing-key.pem");
  const before = readFileSync(file);
  keys.rotate();
  writeFileSync(file, before, { mode: 0o600 });
  rmSync(join(path, "site-signing-key.next.pem"));
  t.throws(open, { name: "StateError", kind: "damaged" });
  writeFileSync(join(path, "site-key-hand-overs.cbor"), "nonsense", { mode: 0o600 });
  t.throws(open, { name: "StateError", kind: "damaged" });
});

t.test("after a hand-over everything is signed with the new key, and it is said how", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const taker = new TableTaker(rig, one);
  const provisioned = rig.service.provisionFor(one).sitePublicKey;
  const table = taker.follow();
  rig.service.apply(siteFile().replace('"Front"', '"Main"'), "x.toml");
  t.match(taker.head(), { deltasFrom: 2 });
  rig.broker.published.length = 0;
  t.equal(rig.service.rotateKey(), 1);
  const [keyMessage, ...heads] = rig.broker.published;
  t.match(keyMessage, { topic: siteKeyTopic(site), retain: true, qos: 1 });
  t.equal(heads.length, 2);
  const handOvers = keyMessage?.payload ?? new Uint8Array();
  const followed = followHandOvers(site, provisioned, handOvers);
  t.match(followed, { ok: true, value: { key: rig.service.provisionFor(one).sitePublicKey } });
  t.match(taker.head(), { mark: { version: 2 }, deltasFrom: 3 }, "old deltas are of no use");
  t.equal(taker.ask({ want: "deltas", after: table.mark })[0]?.topic, taker.topics.tableManifest);
  t.match(taker.follow().frame.doors, [{ name: "Main" }]);
  rig.service.apply(siteFile(), "x.toml");
  t.match(taker.follow().mark, { version: 3 });
  rig.broker.published.length = 0;
  rig.broker.cut();
  rig.broker.restore();
  t.equal(rig.broker.published[0]?.topic, siteKeyTopic(site), "first, each time the link is up");
  rig.service.close();
  const restarted = await startSite(t, { folder: rig.folder });
  t.match(new TableTaker(restarted, one).head(), { mark: { version: 3 }, deltasFrom: 3 });
});

t.test("a rotation goes all the way though the disk of the tables fails meanwhile", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const taker = new TableTaker(rig, one);
  const { mark } = taker.follow();
  rig.service.apply(siteFile().replace('"Front"', '"Main"'), "x.toml");
  const disk = new Database(join(rig.folder, "site", "tables.sqlite3"));
  t.teardown(() => disk.close());
  disk.exec("BEGIN IMMEDIATE");
  rig.broker.published.length = 0;
  t.equal(rig.service.rotateKey(), 1);
  const heads = rig.broker.payloadsOn(taker.topics.tableHead);
  t.ok(openTableHead(taker.opener, heads.at(-1) ?? new Uint8Array()).ok, "under the new key");
  t.match(taker.head(), { mark: { version: 2 }, deltasFrom: 3 });
  const answers = taker.ask({ want: "deltas", after: mark });
  t.same(
    answers.map(({ topic }) => topic),
    [taker.topics.tableManifest],
    "what the old one signed is for nobody",
  );
  t.match(taker.follow().frame.doors, [{ name: "Main" }]);
  disk.exec("ROLLBACK");
  rig.service.apply(siteFile(), "x.toml");
  t.match(taker.follow().mark, { version: 3 });
});

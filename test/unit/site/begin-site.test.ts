import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { digestPin } from "../../../src/protocols/sync/provision.ts";
import { beginSite } from "../../../src/site/begin-site.ts";
import { openIssuer } from "../../../src/site/open-issuer.ts";
import { openSiteEngine } from "../../../src/site/open-site-engine.ts";
import { openSiteKeys } from "../../../src/site/site-keys.ts";
import { openSiteFolder } from "../../../src/site/state-folder.ts";
import { openSiteStore } from "../../../src/site/store/open-site-store.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { LogText, one, site, siteFile, startSite, temporaryFolder } from "./site-rig.ts";
import { TableTaker } from "./table-taker.ts";
import { textFile } from "./text-site.ts";

const kept = (folder: string) => join(folder, "site", "applied-site.json");
const renamed = (name: string) => siteFile().replace('name = "Front"', `name = "${name}"`);

/** As a process does at its start, until `stop`. */
async function begin(t: Test, folder: string, firstFile = renamed("Configured")) {
  const clock = new SimClock({ wallAt: 1_800_000_000_000 });
  const broker = new MemoryBroker();
  const log = new LogText();
  const siteFolder = openSiteFolder(folder);
  const store = await openSiteStore({
    database: { kind: "sqlite", file: join(siteFolder.path, "site.sqlite3") },
    clock,
  });
  const engine = await openSiteEngine(
    { stateFolder: folder, site, link: broker, clock, log },
    { events: () => undefined, controllerChanged: () => undefined },
  );
  const issuer = openIssuer({ store, engine, clock, log });
  const stop = async () => {
    issuer.close();
    await engine.close();
    await store.close();
  };
  t.teardown(stop);
  const keys = openSiteKeys(siteFolder, site);
  const begun = await beginSite({
    site,
    issuer,
    digestPin: (digits) => digestPin(keys.pinKey, digits),
    folder: siteFolder,
    log,
    firstFile: () => ({ text: firstFile, name: "configured.toml" }),
  });
  const doors = () => new TableTaker({ broker, service: keys }, one).follow().frame.doors;
  return { begun, broker, keys, log, stop, doors, store };
}

/** What an earlier version leaves behind that applied this file. */
async function leftBehind(t: Test, text: string): Promise<string> {
  const rig = await startSite(t);
  t.ok(rig.service.apply(text, "applied.toml").ok);
  rig.service.close();
  const old = { format: 1, file: "applied.toml", text };
  writeFileSync(kept(rig.folder), JSON.stringify(old), { mode: 0o600 });
  rmSync(textFile(rig.folder));
  return rig.folder;
}

t.test("a site that has nothing begins with its configured file, and with no other", async (t) => {
  const folder = temporaryFolder(t);
  const first = await begin(t, folder);
  t.match(first.begun, { ok: true });
  t.match(first.doors(), [{ name: "Configured" }]);
  await first.stop();
  const second = await begin(t, folder, renamed("Edited since"));
  t.match(second.doors(), [{ name: "Configured" }]);
});

t.test("what was applied before is in the store, with its tables, and its PINs go", async (t) => {
  const folder = await leftBehind(t, renamed("Applied"));
  const marks = async () => {
    const { begun, broker, keys, stop, doors, log } = await begin(t, folder);
    t.match(begun, { ok: true });
    t.match(doors(), [{ name: "Applied" }]);
    t.notMatch(log.text, /246810/);
    const { mark } = new TableTaker({ broker, service: keys }, one).head();
    await stop();
    return mark;
  };
  t.match(await marks(), { epoch: 1_800_000_000, version: 1 }, "as they were");
  t.notOk(existsSync(kept(folder)));
  for (const file of ["site.sqlite3", "site.sqlite3-wal", "doors.json"]) {
    const path = join(folder, "site", file);
    if (existsSync(path)) t.notOk(readFileSync(path, "latin1").includes("246810"), file);
  }
  t.match(await marks(), { version: 1 }, "and over further starts");
});

t.test("a start that was cut off before the old file went takes nothing of it", async (t) => {
  const folder = await leftBehind(t, renamed("Applied"));
  const old = readFileSync(kept(folder), "utf8");
  await (await begin(t, folder)).stop();
  writeFileSync(kept(folder), old.replace("Applied", "Stale"), { mode: 0o600 });
  const { doors } = await begin(t, folder);
  t.match(doors(), [{ name: "Applied" }]);
  t.notOk(existsSync(kept(folder)));
});

t.test("where what was applied before is of no use, the configured file is applied", async (t) => {
  const text = renamed("Applied").replace('"246810"', '"2468x"');
  for (const broken of ["{", JSON.stringify({ format: 1, file: "kept.toml", text })]) {
    const folder = await leftBehind(t, renamed("Applied"));
    writeFileSync(kept(folder), broken, { mode: 0o600 });
    const { begun, doors, log } = await begin(t, folder);
    t.match(begun, { ok: true });
    t.match(doors(), [{ name: "Configured" }]);
    t.match(log.text, /applied last does not pass/);
    t.notMatch(log.text, /2468/);
    t.notOk(existsSync(kept(folder)));
  }
});

t.test("a configured file with faults begins nothing, and leaves what there was", async (t) => {
  const folder = temporaryFolder(t);
  const wrong = siteFile().replace('"246810"', '"1"');
  const { begun, store, stop } = await begin(t, folder, wrong);
  t.match(begun, { ok: false, fault: [{ file: "configured.toml", key: "passes[1].pin" }] });
  t.equal(await store.revision(), 0);
  await stop();
  const other = await begin(t, folder, siteFile().replace('"test"', '"another"'));
  t.match(other.begun, { ok: false, fault: [{ key: "site" }] });
});

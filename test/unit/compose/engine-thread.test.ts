import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { startEmbeddedBroker } from "../../../src/compose/embedded-broker.ts";
import { startEngineThread } from "../../../src/compose/engine-thread.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { controllerId, passId, siteId, userId } from "../../../src/domain/ids.ts";
import type { ModelChange } from "../../../src/site/model-change.ts";
import { modelDifference } from "../site/model-difference.ts";
import { siteFile, temporaryFolder } from "../site/site-rig.ts";
import { accepted } from "../site/whole-site-file.ts";

const deaf = { events: () => undefined, controllerChanged: () => undefined };
const model = accepted(siteFile());
const site = siteId("test");

async function brokerUrl(t: Test): Promise<string> {
  const broker = await startEmbeddedBroker({ host: "127.0.0.1", port: 0 });
  t.teardown(() => broker.close());
  return broker.url;
}

/** More than one message has room for. */
function crowd(count: number): ModelChange {
  const ids = Array.from({ length: count }, (_, number) => number);
  const users = ids.map((number) => ({
    id: userId(`user-${number}`),
    name: "x",
    suspended: false,
  }));
  const passes = ids.map((number) => ({
    id: passId(`pass-${number}`),
    user: userId(`user-${number}`),
    kind: "csn_card" as const,
    active: true,
    traits: [],
    card: { format: "plain", fields: {} },
    raw: rawFromBits(number.toString(2).padStart(30, "0")),
  }));
  const change = modelDifference(undefined, model, 1);
  return {
    ...change,
    users: [...change.users, ...users.map((to) => ({ id: to.id, to: { ...to, traits: [] } }))],
    passes: [...change.passes, ...passes.map((to) => ({ id: to.id, to }))],
  };
}

t.test("an engine in a thread of its own makes tables, and lets go of everything", async (t) => {
  const stateFolder = temporaryFolder(t);
  const options = { stateFolder, site, brokerUrl: await brokerUrl(t), logLevel: "warn" } as const;
  const { engine } = await startEngineThread(options, deaf);
  t.match(await engine.apply(crowd(2_600)), { ok: true, value: [{ controller: "one" }, {}] });
  const passes = [passId("pass-0"), passId("pass-2599"), passId("pass-2600")];
  const syncs = await engine.syncOf(passes.map((pass) => ({ pass, revision: 1 })));
  t.same(
    syncs.map(({ waitingFor }) => waitingFor),
    [["one", "two"], ["one", "two"], []].map((names) => names.map(controllerId)),
    "all of a change that was brought in pieces, and nothing beside it",
  );
  await engine.close();
  await t.rejects(engine.controllers(), /closed/);
  const again = await startEngineThread(options, deaf);
  t.equal((await again.engine.controllers()).length, 2, "its files are free for the next");
  await again.engine.close();
});

t.test("a site whose files are not fit for use is refused as such", async (t) => {
  const stateFolder = temporaryFolder(t);
  const folder = join(stateFolder, "site");
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, "pin.key"), "x", { mode: 0o644 });
  const options = { stateFolder, site, brokerUrl: await brokerUrl(t), logLevel: "warn" } as const;
  await t.rejects(startEngineThread(options, deaf), {
    name: "StateError",
    kind: "not_private",
    message: /^\S+pin\.key: mode 644/,
  });
  t.notOk(existsSync(join(folder, "tables.sqlite3")));
});

t.test("a thread that dies is heard of, and leaves nobody waiting", async (t) => {
  const stateFolder = temporaryFolder(t);
  const options = { stateFolder, site, brokerUrl: await brokerUrl(t), logLevel: "warn" } as const;
  const { engine, died } = await startEngineThread(options, deaf);
  await engine.apply(modelDifference(undefined, model, 1));
  // What no caller says: a pass that presents nothing at all.
  const broken = { id: passId("x"), to: { id: passId("x"), user: userId("ada"), kind: "mobile" } };
  const asked = engine.apply({ ...crowd(0), passes: [broken] } as unknown as ModelChange);
  await t.rejects(asked, /thread of the site's engine ended/);
  await t.rejects(died, /thread of the site's engine ended/);
  await t.rejects(engine.controllers(), /thread of the site's engine ended/);
  await engine.close();
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { createSystemClock } from "../../../hal/linux/system-clock.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { passId, userId } from "../../../src/domain/ids.ts";
import { succeed } from "../../../src/domain/result.ts";
import { digestPin } from "../../../src/protocols/sync/provision.ts";
import { contains } from "../../../src/site/api/like-pattern.ts";
import { applySiteFile } from "../../../src/site/apply-site-file.ts";
import { openIssuer } from "../../../src/site/open-issuer.ts";
import { parseSiteFile, type SiteFile } from "../../../src/site/site-file.ts";
import { type DatabaseChoice, openSiteStore } from "../../../src/site/store/open-site-store.ts";
import { putRows } from "../../../src/site/store/put-rows.ts";
import type { SiteStore } from "../../../src/site/store/site-store.ts";
import { RecordingEngine } from "../../unit/site/recording-engine.ts";
import { startPostgres } from "../../unit/site/store/postgres-server.ts";
import { userRow } from "../../unit/site/store/store-rig.ts";
import { Readings } from "../readings.ts";

export interface StoreFigure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

/** What one run tells, as JSON on its standard output. */
export interface MeasuredStore {
  readonly figures: readonly StoreFigure[];
}

const [subject = "sqlite", people = 0, changes = 0] = process.argv
  .slice(2)
  .map((word, at) => (at === 0 ? word : Number(word))) as [string, number, number];

const endings: (() => unknown)[] = [];
const figures: StoreFigure[] = [];
const author = { name: "bench" };
const pinKey = new Uint8Array(32);

function note(what: string, value: number, unit: string): void {
  figures.push({ what, value: Math.round(value * 100) / 100, unit });
}

async function seconds(act: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await act();
  return (performance.now() - from) / 1_000;
}

async function database(): Promise<DatabaseChoice> {
  if (subject === "postgres") {
    const teardown = (act: () => unknown) => void endings.unshift(act);
    const server = await startPostgres({ teardown }, { durable: true });
    return { kind: "postgres", url: await server.newDatabase() };
  }
  const folder = mkdtempSync(join(tmpdir(), "postern-store-bench-"));
  endings.unshift(() => rmSync(folder, { recursive: true, force: true }));
  return { kind: "sqlite", file: join(folder, "store.sqlite3") };
}

/** `turn`: which card each has. */
function siteOf(turn: number): SiteFile {
  const parsed = parseSiteFile({
    file: "bench.toml",
    text: 'site = "bench"\nzone = "UTC"\ndoors = [{ id = "front", name = "Front", controller = "one" }]',
  });
  if (!parsed.ok) throw new Error("the bench's own site does not pass");
  const numbers = Array.from({ length: people }, (_, number) => number);
  return {
    ...parsed.value,
    users: numbers.map((number) => ({
      id: userId(`u${number}`),
      name: `User ${number}`,
      suspended: false,
      traits: [],
    })),
    passes: numbers.map((number) => ({
      id: passId(`p${number}`),
      user: userId(`u${number}`),
      kind: "csn_card",
      active: true,
      traits: [],
      card: { format: "H10302", fields: { number: number + turn } },
      raw: rawFromBits((number + turn).toString(2).padStart(37, "0")),
    })),
  };
}

async function measureChanges(store: SiteStore): Promise<void> {
  const readings = new Readings();
  await store.change(author, async ({ rows }) => {
    await rows.insertInto("users").values(userRow("changed")).execute();
    return succeed(undefined);
  });
  const took = await seconds(async () => {
    for (let change = 0; change < changes; change += 1) {
      const from = performance.now();
      await store.change(author, async ({ rows, revision, note: say }) => {
        const part = { name: `User ${change}`, revision };
        await rows.updateTable("users").set(part).where("id", "=", "changed").execute();
        say({ action: "user.update", subject: { kind: "user", id: "changed" } });
        return succeed(undefined);
      });
      readings.add(performance.now() - from);
    }
  });
  note("one change after another", changes / took, "changes/s");
  note("a change, p99", readings.percentile(0.99), "ms");
}

const batchRows = 500;

/** As an import over the API brings them. */
async function measureBatches(store: SiteStore): Promise<void> {
  const count = Math.max(2, Math.floor(changes / 20));
  const took = await seconds(async () => {
    for (let batch = 0; batch < count; batch += 1) {
      await store.change(author, async ({ rows }) => {
        const users = Array.from({ length: batchRows }, (_, at) => userRow(`b${batch}-${at}`));
        await putRows(rows, "users", users);
        return succeed(undefined);
      });
    }
  });
  note("changes of 500 new users each", (count * batchRows) / took, "users/s");
}

async function measureReads(store: SiteStore): Promise<void> {
  const pages = new Readings();
  const searches = new Readings();
  for (let read = 0; read < Math.min(50, changes); read += 1) {
    const middle = `u${Math.floor((people * read) / 50)}`;
    const from = store.rows.selectFrom("users").selectAll().orderBy("createdAt").orderBy("id");
    pages.add(await seconds(() => from.where("id", ">", middle).limit(500).execute()));
    searches.add(
      await seconds(() =>
        from
          .where(({ ref }) => contains(ref("sought"), `ser ${people - 1 - read}`))
          .limit(500)
          .execute(),
      ),
    );
  }
  note("a page of 500 users, p50", pages.percentile(0.5) * 1_000, "ms");
  note("a search that finds one at the end, p50", searches.percentile(0.5) * 1_000, "ms");
}

try {
  const clock = createSystemClock({ quality: () => "trusted" });
  const store = await openSiteStore({ database: await database(), clock });
  endings.unshift(() => store.close());
  await measureChanges(store);
  await measureBatches(store);
  const engine = new RecordingEngine();
  const log = { info: () => undefined, warn: () => undefined };
  const issuer = openIssuer({ store, engine: engine.engine, clock, log });
  const digest = (digits: string) => digestPin(pinKey, digits);
  for (const [what, turn] of [
    ["a site file of all, first", 0],
    ["a site file of all, unchanged", 0],
    ["a site file of all, each with another card", people],
  ] as const) {
    const file = siteOf(turn);
    const of = { name: "bench.toml", file, author, digestPin: digest };
    note(what, await seconds(() => applySiteFile(issuer, of)), "s");
  }
  note("all of it told at a start", await seconds(() => issuer.begin()), "s");
  await measureReads(store);
} finally {
  for (const end of endings) await end();
}
process.stdout.write(JSON.stringify({ figures }));

import { isDeepStrictEqual } from "node:util";
import t, { type Test } from "tap";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { fail, succeed } from "../../../src/domain/result.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { applySiteFile } from "../../../src/site/apply-site-file.ts";
import { openIssuer } from "../../../src/site/open-issuer.ts";
import type { SiteFile } from "../../../src/site/site-file.ts";
import { rowsOfSiteFile } from "../../../src/site/site-file-rows.ts";
import { openSiteStore } from "../../../src/site/store/open-site-store.ts";
import type { SiteStore } from "../../../src/site/store/site-store.ts";
import { drawFile } from "./drawn-file.ts";
import { FaultyStore } from "./faulty-store.ts";
import { ApiMoves, digestOf } from "./issuing-world.ts";
import { RecordingEngine } from "./recording-engine.ts";
import { LogText } from "./site-rig.ts";
import { overBothDatabases, type StoreBench } from "./store/store-rig.ts";
import { toldByRows } from "./told-by-rows.ts";

const author = { name: "test" };

/** A life is hundreds of commits, and a disk that others use takes its time for each. */
const lifeMaxMs = 120_000;

/** Everything but who did it when. */
async function rowsIn({ rows }: SiteStore) {
  return {
    surroundings: await rows
      .selectFrom("surroundings")
      .selectAll()
      .orderBy("kind")
      .orderBy("id")
      .execute(),
    users: await rows.selectFrom("users").selectAll().orderBy("id").execute(),
    passes: await rows.selectFrom("passes").selectAll().orderBy("id").execute(),
    rules: await rows.selectFrom("rules").selectAll().orderBy("id").execute(),
    ruleUsers: await rows
      .selectFrom("ruleUsers")
      .selectAll()
      .orderBy("ruleId")
      .orderBy("userId")
      .execute(),
    zone: await rows.selectFrom("facts").selectAll().where("key", "=", "zone").execute(),
  };
}

type SiteRows = Awaited<ReturnType<typeof rowsIn>>;

async function openRig(t: Test, bench: StoreBench) {
  const clock = new SimClock();
  const store = new FaultyStore(
    await openSiteStore({ database: await bench.newDatabase(), clock }),
  );
  t.teardown(() => store.close());
  const engine = new RecordingEngine();
  const log = new LogText();
  const issuer = openIssuer({ store, engine: engine.engine, clock, log });
  t.teardown(() => issuer.close());
  /** Until nothing is to be tried again. */
  const settle = async () => {
    for (let round = 0; round < 20; round += 1) {
      await store.record(async () => undefined).catch(() => undefined);
      if (clock.alarmCount === 0) return;
      clock.advance(monotonicMs(60_000));
    }
    t.fail("the issuer never comes to rest");
  };
  return { store, engine, log, issuer, settle };
}

type Rig = Awaited<ReturnType<typeof openRig>>;

t.setTimeout(lifeMaxMs * 4);

overBothDatabases(t, async (t, bench) => {
  const lives = Number(process.env["POSTERN_RUNS"] ?? (bench.kind === "sqlite" ? 4 : 1));
  t.setTimeout(lifeMaxMs * lives);
  t.test("whatever is issued, the doors know what the rows say", async (t) => {
    t.setTimeout(lifeMaxMs * lives);
    const seed = seedFor(process.env["POSTERN_SEED"]);
    t.comment(`POSTERN_SEED=${seed}`);
    for (let life = 0; life < lives; life += 1) await live(t, bench, seed + life);
  });
});

const moveCount = 40;

/** One life of a site: each move leaves store and engine in step, or both as they were. */
async function live(t: Test, bench: StoreBench, seed: number): Promise<void> {
  const random = new Seeded(seed);
  const rig = await openRig(t, bench);
  const moves = new ApiMoves(random);
  for (let move = 0; move < moveCount; move += 1) {
    const before = await rowsIn(rig.store);
    const told = await toldByRows(rig.store);
    const answer = draw(random, ["refuse", "fail", "fail_afterwards"], "apply");
    rig.engine.next = answer;
    const intended = draw(random, ["lost", "unanswered"], "kept");
    rig.store.next = intended;
    rig.store.awayCount = random.chance(0.05) ? random.between(1, 3) : 0;
    const did = random.chance(0.25)
      ? await applyDrawn(rig, random, before)
      : await issueDrawn(rig, random, moves);
    await rig.settle();
    rig.engine.next = "apply";
    rig.store.next = "kept";
    rig.store.awayCount = 0;
    const after = await rowsIn(rig.store);
    const at = `POSTERN_SEED=${seed} move ${move} (${did.what})`;
    const isKept =
      did.outcome === "done" || (did.outcome === "failed" && intended === "unanswered");
    const now = await toldByRows(rig.store);
    if (!isKept) sameOrSay(t, after, before, `${at}: left as it was`);
    if (did.outcome === "refused") sameOrSay(t, now, told, `${at}: as told before`);
    // Nothing is told of a store in which nothing was changed yet.
    if (rig.engine.applyCount > 0) {
      if (!sameOrSay(t, rig.engine.told, now, `${at}: told what the rows say`)) return;
    }
    if (did.outcome === "failed" && answer === "apply" && intended === "kept") {
      t.fail(`${at}: nothing was in its way`);
      return;
    }
    for (const wrong of did.wrong(after)) {
      t.fail(`${at}: ${wrong}`);
      return;
    }
  }
  const anew = new RecordingEngine();
  const { store } = rig;
  const log = new LogText();
  const clock = new SimClock();
  const restarted = openIssuer({ store, engine: anew.engine, clock, log });
  t.match(await restarted.begin(), { ok: true });
  sameOrSay(t, anew.told, await toldByRows(store), `POSTERN_SEED=${seed}: told at the start`);
  t.equal(anew.revision, await store.revision());
}

function draw<const Fault extends string, Well extends string>(
  random: Seeded,
  faults: readonly [Fault, ...Fault[]],
  well: Well,
): Fault | Well {
  return random.chance(0.15) ? random.pick(faults) : well;
}

/** Forty moves a life: only what fails is worth a line. */
function sameOrSay(t: Test, found: unknown, wanted: unknown, what: string): boolean {
  return isDeepStrictEqual(found, wanted) || t.same(found, wanted, what);
}

interface Done {
  readonly what: string;
  readonly outcome: "done" | "refused" | "failed";
  /** What is not as it should be afterwards. */
  readonly wrong: (after: SiteRows) => readonly string[];
}

const nothingWrong = () => [];

async function issueDrawn({ issuer }: Rig, random: Seeded, moves: ApiMoves): Promise<Done> {
  const names: string[] = [];
  const isGivenUp = random.chance(0.1);
  try {
    const made = await issuer.change(author, async (change) => {
      const count = random.between(1, 4);
      for (let move = 0; move < count; move += 1) names.push(await moves.make(change));
      return isGivenUp ? fail("given up") : succeed(undefined);
    });
    return {
      what: names.join(", "),
      outcome: made.ok ? "done" : "refused",
      wrong: nothingWrong,
    };
  } catch (error) {
    const what = `${names.join(", ")}: ${String(error)}`;
    return { what, outcome: "failed", wrong: nothingWrong };
  }
}

async function applyDrawn({ issuer }: Rig, random: Seeded, before: SiteRows): Promise<Done> {
  const file = drawFile(random);
  const of = { name: "site.toml", file, author, digestPin: digestOf };
  try {
    const applied = await applySiteFile(issuer, of);
    if (applied.ok) {
      return {
        what: "a file",
        outcome: "done",
        wrong: (after) => wrongAfterFile(file, before, after),
      };
    }
    const found = applied.fault.map(({ key, found: said }) => `${key}: ${said}`).join(", ");
    const isConflict = applied.fault.some(({ key }) => key !== "");
    const wrong = () =>
      isConflict && conflictsOf(file, before).length === 0 ? [`refused for ${found}`] : [];
    return { what: `a file, refused for ${found}`, outcome: "refused", wrong };
  } catch (error) {
    return { what: `a file: ${String(error)}`, outcome: "failed", wrong: nothingWrong };
  }
}

/** What is there already apart from the file, and cannot be beside it. */
function conflictsOf(file: SiteFile, before: SiteRows): readonly string[] {
  const wanted = rowsOfSiteFile(file, digestOf);
  const passes = before.passes.filter(
    ({ id, origin }) => origin === "api" && !wanted.passes.has(id),
  );
  const isDuress = (traits: string) => traits.includes("duress");
  const taken = [...wanted.passes.values()].filter((said) =>
    passes.some(
      (pass) =>
        (pass.raw !== null && pass.raw === said.raw) ||
        (pass.pinDigest !== null && pass.pinDigest === said.pinDigest) ||
        (pass.kind === "pin" &&
          said.kind === "pin" &&
          pass.userId === said.userId &&
          isDuress(pass.traits) === isDuress(said.traits)),
    ),
  );
  const schedules = new Set<string>(file.schedules.map(({ id }) => id));
  const unscheduled = before.rules.filter(
    ({ id, origin, schedule }) =>
      origin === "api" && !wanted.rules.has(id) && schedule !== null && !schedules.has(schedule),
  );
  return [...taken, ...unscheduled].map(({ id }) => id);
}

function wrongAfterFile(file: SiteFile, before: SiteRows, after: SiteRows): readonly string[] {
  const wanted = rowsOfSiteFile(file, digestOf);
  const wrong = conflictsOf(file, before).map((id) => `${id} was not refused`);
  for (const table of ["users", "passes", "rules"] as const) {
    const known = new Map<string, object>(after[table].map((row) => [row.id, row]));
    for (const [id, said] of wanted[table]) {
      const row = { ...known.get(id) };
      const isSo = JSON.stringify({ ...row, ...said, origin: "file" }) === JSON.stringify(row);
      if (!isSo) wrong.push(`${table} ${id} is not as the file says`);
    }
    for (const { id, origin } of after[table]) {
      if (origin === "file" && !wanted[table].has(id)) wrong.push(`${table} ${id} is still there`);
    }
    for (const row of before[table]) {
      if (row.origin !== "api" || wanted[table].has(row.id)) continue;
      const isGranted = "grantedDoor" in row && row.grantedDoor !== null;
      if (!known.has(row.id) && !isGranted) wrong.push(`${table} ${row.id} was taken away`);
    }
  }
  const members = new Set(after.ruleUsers.map(({ ruleId, userId }) => `${ruleId} ${userId}`));
  for (const { id, users } of file.rules) {
    for (const user of users) if (!members.has(`${id} ${user}`)) wrong.push(`${user} not in ${id}`);
  }
  for (const { ruleId, userId } of after.ruleUsers) {
    const said = wanted.members.get(ruleId);
    if (said !== undefined && wanted.users.has(userId) && !said.has(userId)) {
      wrong.push(`${userId} is still in ${ruleId}`);
    }
  }
  for (const { ruleId, userId } of before.ruleUsers) {
    const isOfFile = wanted.rules.has(ruleId) && wanted.users.has(userId);
    const isThere =
      after.rules.some(({ id }) => id === ruleId) && after.users.some(({ id }) => id === userId);
    if (!isOfFile && isThere && !members.has(`${ruleId} ${userId}`)) {
      wrong.push(`${userId} is no longer in ${ruleId}`);
    }
  }
  if (after.zone[0]?.value !== file.zone) wrong.push("its zone is not the file's");
  return wrong;
}

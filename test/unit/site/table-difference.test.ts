import { isDeepStrictEqual } from "node:util";
import t, { type Test } from "tap";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import type { PassRecord } from "../../../src/domain/access.ts";
import type { PassId } from "../../../src/domain/ids.ts";
import type { TableChange, TableUser } from "../../../src/domain/table-change.ts";
import { changesOf, frameChange, revocationsOf } from "../../../src/site/revocations-first.ts";
import { SiteIndex } from "../../../src/site/site-index.ts";
import type { SiteModel } from "../../../src/site/site-model.ts";
import { SiteView } from "../../../src/site/site-view.ts";
import type { SpentUses } from "../../../src/site/spent-uses.ts";
import { type TableDifference, tableDifferences } from "../../../src/site/table-difference.ts";
import { Fingerprinter } from "../../../src/site/table-fingerprint.ts";
import { drawSite, everyController } from "./drawn-site.ts";
import { applied, type NaiveTable, naivePeople, naivePinKey } from "./naive-table.ts";

interface State {
  readonly model: SiteModel;
  readonly spent: SpentUses;
  readonly view: SiteView;
}

function stateOf(model: SiteModel, uses: ReadonlyMap<PassId, number>): State {
  const spent: SpentUses = (pass) => {
    const count = uses.get(pass);
    const [controller] = everyController;
    return count === undefined || controller === undefined ? [] : [{ controller, spent: count }];
  };
  const index = new SiteIndex(model);
  return { model, spent, view: new SiteView({ index, spent, pinKey: naivePinKey }) };
}

function drawUses(random: Seeded, { passes }: SiteModel): ReadonlyMap<PassId, number> {
  return new Map(
    passes.filter(() => random.chance(0.3)).map(({ id }) => [id, random.between(1, 5)]),
  );
}

const tableOf = ({ model, spent, view }: State, controller: (typeof everyController)[number]) => ({
  frame: view.at(controller).frame,
  ...naivePeople(model, { controller, spent }),
});

const sorted = <Key extends string, Item>(items: ReadonlyMap<Key, Item>) =>
  [...items].sort(([one], [other]) => (one < other ? -1 : 1));

const comparable = ({ frame, users, passes }: NaiveTable) => ({
  frame,
  users: sorted(users),
  passes: sorted(passes),
});

/** Two states of one site, and what is different at each of its controllers. */
function* revisions(runs: number, seed: number) {
  for (let run = 0; run < runs; run += 1) {
    const random = new Seeded(seed + run);
    const model = drawSite(random);
    const uses = drawUses(random, model);
    const before = stateOf(model, uses);
    const revised = random.chance(0.2) ? model : drawSite(random, model);
    const usesAfter = random.chance(0.5) ? uses : drawUses(random, revised);
    const after = stateOf(revised, usesAfter);
    const spent = [...uses.keys(), ...usesAfter.keys()];
    const differences = tableDifferences({
      before: before.view,
      after: after.view,
      controllers: everyController,
      spent,
    });
    yield { before, after, differences, random, name: `SEED=${seed + run}` };
  }
}

/** Says nothing where all is well: so many assertions would take longer than what they assert. */
function agree(t: Test, name: string, said: unknown, truth: unknown): boolean {
  return isDeepStrictEqual(said, truth) || t.same(said, truth, name);
}

/** Why changes cannot be applied, or undefined. */
function faultOf(table: NaiveTable, changes: readonly TableChange[]): string | undefined {
  try {
    applied(table, changes);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

const seed = seedFor(process.env["SEED"]);
const runs = process.env["SEED"] === undefined ? 2_000 : 1;

t.test(`each controller is told of its own people, and of nobody else [${seed}]`, async (t) => {
  for (const { after, name } of revisions(runs, seed)) {
    for (const controller of everyController) {
      const view = after.view.at(controller);
      const users = new Map([...view.users()].map((user) => [user.id, user]));
      const passes = new Map([...view.passes()].map((pass) => [pass.id, pass]));
      const said = comparable({ frame: view.frame, users, passes });
      const truth = comparable(tableOf(after, controller));
      if (!agree(t, `${name} ${controller}`, said, truth)) return;
    }
  }
  t.pass("of all that were drawn");
});

t.test(`a table and its difference make the next table [${seed}]`, async (t) => {
  const fingerprints = new Fingerprinter(naivePinKey);
  let changedCount = 0;
  for (const { before, after, differences, name } of revisions(runs, seed)) {
    for (const controller of everyController) {
      const difference = differences.get(controller);
      const changes = difference === undefined ? [] : changesOf(difference);
      const made = applied(tableOf(before, controller), changes);
      const truth = comparable(tableOf(after, controller));
      if (!agree(t, `${name} ${controller}`, comparable(made), truth)) return;
      const fingerprint = fingerprints.of(before.view.at(controller));
      const next = difference ? fingerprints.after(fingerprint, difference) : fingerprint;
      if (!agree(t, name, next, fingerprints.of(after.view.at(controller)))) return;
      // Nobody is told nothing.
      if (!agree(t, name, difference !== undefined, next !== fingerprint)) return;
      if (difference !== undefined) changedCount += 1;
    }
  }
  t.ok(changedCount > 0 || runs === 1);
});

/**
 * Whether `interim` gives nobody anything that he has not in `after`, of what he had in `before`.
 */
function isTaken(
  interim: NaiveTable,
  { before, after }: { readonly before: NaiveTable; readonly after: NaiveTable },
): boolean {
  const isPassFine = (pass: PassRecord) => {
    const next = after.passes.get(pass.id);
    const was = before.passes.get(pass.id);
    if (next === undefined || was === undefined) return false;
    const left = ({ usesMax = Infinity, spentHere = 0, spentElsewhere = 0 }: PassRecord) =>
      usesMax - spentHere - spentElsewhere;
    return (
      pass.user === next.user &&
      JSON.stringify(pass.presents) === JSON.stringify(next.presents) &&
      (!pass.active || next.active) &&
      (pass.startsAt ?? 0) >= (next.startsAt ?? 0) &&
      (pass.endsAt ?? Infinity) <= (next.endsAt ?? Infinity) &&
      left(pass) <= left(next)
    );
  };
  const isUserFine = (user: TableUser) => {
    const next = after.users.get(user.id);
    if (next === undefined || !before.users.has(user.id)) return false;
    const rules = new Set(after.frame.rules.map(({ id }) => id));
    const kept = user.rules.filter((rule) => rules.has(rule));
    return (user.suspended || !next.suspended) && kept.every((rule) => next.rules.includes(rule));
  };
  return (
    [...interim.passes.values()].every(isPassFine) && [...interim.users.values()].every(isUserFine)
  );
}

t.test(`revocations alone take all that is taken, however many have room [${seed}]`, async (t) => {
  for (const { before, after, differences, random, name } of revisions(runs, seed)) {
    for (const [controller, difference] of differences) {
      const tables = { before: tableOf(before, controller), after: tableOf(after, controller) };
      const revocations = revocationsOf(difference);
      const first = revocations.slice(0, random.between(0, revocations.length));
      const withFrame = [...frameChange(difference), ...first];
      const faults = [faultOf(tables.before, first), faultOf(tables.before, withFrame)];
      if (!agree(t, name, faults, [undefined, undefined])) return;
      const interim = applied(tables.before, revocations);
      if (!agree(t, `${name} ${controller}`, isTaken(interim, tables), true)) return;
    }
  }
  t.pass("of all that were drawn");
});

t.test(`in a difference nothing is given before all is taken [${seed}]`, async (t) => {
  const isGift = (
    change: ReturnType<typeof changesOf>[number],
    { users, passes }: TableDifference,
  ) => {
    if (change.kind === "user") {
      return users.some(({ before, after }) => after === change.user && before === undefined);
    }
    if (change.kind !== "pass") return false;
    return passes.some(({ before, after }) => after === change.pass && before === undefined);
  };
  for (const { differences, name } of revisions(runs, seed)) {
    for (const difference of differences.values()) {
      const changes = changesOf(difference);
      const firstGift = changes.findIndex((change) => isGift(change, difference));
      const behind = firstGift === -1 ? [] : changes.slice(firstGift);
      const late = behind.filter(({ kind }) => kind === "user_gone" || kind === "pass_gone");
      if (!agree(t, name, late, [])) return;
    }
  }
  t.pass("of all that were drawn");
});

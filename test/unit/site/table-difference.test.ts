import { isDeepStrictEqual } from "node:util";
import t, { type Test } from "tap";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import type { PassRecord } from "../../../src/domain/access.ts";
import type { ControllerId, PassId } from "../../../src/domain/ids.ts";
import { ControllerView } from "../../../src/site/controller-view.ts";
import type { ModelChange } from "../../../src/site/model-change.ts";
import {
  changesOf,
  frameChange,
  giftsOf,
  revocationsOf,
} from "../../../src/site/revocations-first.ts";
import type { SiteModel } from "../../../src/site/site-model.ts";
import { SiteView } from "../../../src/site/site-view.ts";
import type { SpentUses } from "../../../src/site/spent-uses.ts";
import { type TableDifference, tableDifferences } from "../../../src/site/table-difference.ts";
import { Fingerprinter } from "../../../src/site/table-fingerprint.ts";
import { drawSite, everyController } from "./drawn-site.ts";
import { indexOf } from "./index-of.ts";
import { modelDifference } from "./model-difference.ts";
import { applied, type NaiveTable, naivePeople, naivePinKey } from "./naive-table.ts";

interface State {
  readonly model: SiteModel;
  readonly spent: SpentUses;
  readonly view: SiteView;
}

const mobileOf = (controller: ControllerId) => ({ certificate: controller });

function spentOf(uses: ReadonlyMap<PassId, number>): SpentUses {
  return (pass) => {
    const count = uses.get(pass);
    const [controller] = everyController;
    return count === undefined || controller === undefined ? [] : [{ controller, spent: count }];
  };
}

function drawUses(random: Seeded, { passes }: SiteModel): ReadonlyMap<PassId, number> {
  return new Map(
    passes.filter(() => random.chance(0.3)).map(({ id }) => [id, random.between(1, 5)]),
  );
}

/** What a controller is to have, from the model as a whole and nothing else. */
function tableOf({ model, spent }: State, controller: ControllerId): NaiveTable {
  const { frame } = new ControllerView({ state: indexOf(model), spent, mobileOf }, controller);
  return { frame, ...naivePeople(model, { controller, spent }) };
}

function seen({ view }: State, controller: ControllerId): NaiveTable {
  const at = view.at(controller);
  return {
    frame: at.frame,
    users: new Map([...at.users()].map((user) => [user.id, user])),
    passes: new Map([...at.passes()].map((pass) => [pass.id, pass])),
  };
}

const sorted = <Key extends string, Item>(items: ReadonlyMap<Key, Item>) =>
  [...items].sort(([one], [other]) => (one < other ? -1 : 1));

const comparable = ({ frame, users, passes }: NaiveTable) => ({
  frame,
  users: sorted(users),
  passes: sorted(passes),
});

/** Who goes leaves every rule, whether that is said or not. */
function withoutTheObvious(change: ModelChange): ModelChange {
  const gone = new Set(change.users.flatMap(({ id, to }) => (to === undefined ? [id] : [])));
  const members = change.members.filter(({ user, is }) => is === "in" || !gone.has(user));
  return { ...change, members };
}

/**
 * One index that is changed again and again: at each change the two states of the site, and what is
 * different at each of its controllers.
 */
function* revisions(runs: number, seed: number) {
  for (let run = 0; run < runs; run += 1) {
    const random = new Seeded(seed + run);
    let model = drawSite(random);
    let uses = drawUses(random, model);
    const index = indexOf(model);
    for (let step = 1; step <= revisionsPerRun; step += 1) {
      const revised = random.chance(0.2) ? model : drawSite(random, model);
      const usesAfter = random.chance(0.5) ? uses : drawUses(random, revised);
      const change = modelDifference(model, revised, step);
      const said = random.chance(0.5) ? change : withoutTheObvious(change);
      const { before: changed, undo } = index.change(said);
      const [spent, spentAfter] = [spentOf(uses), spentOf(usesAfter)];
      const before = { model, spent, view: new SiteView({ state: changed, spent, mobileOf }) };
      const view = new SiteView({ state: index, spent: spentAfter, mobileOf });
      const after = { model: revised, spent: spentAfter, view };
      const differences = tableDifferences({
        before: before.view,
        after: after.view,
        changed,
        controllers: everyController,
        spent: [...uses.keys(), ...usesAfter.keys()],
      });
      const redo = () => void index.change(said);
      const name = `SEED=${seed + run}, step ${step}`;
      yield { before, after, differences, random, name, undo, redo };
      model = revised;
      uses = usesAfter;
    }
  }
}

/** Says nothing where all is well: so many assertions would take longer than what they assert. */
function agree(t: Test, name: string, said: unknown, truth: unknown): boolean {
  return isDeepStrictEqual(said, truth) || t.same(said, truth, name);
}

const seed = seedFor(process.env["SEED"]);
const runs = process.env["SEED"] === undefined ? 200 : 1;
const revisionsPerRun = 4;

t.test(`each controller is told of its own people, and of nobody else [${seed}]`, async (t) => {
  for (const { after, name } of revisions(runs, seed)) {
    for (const controller of everyController) {
      const truth = comparable(tableOf(after, controller));
      if (!agree(t, `${name} ${controller}`, comparable(seen(after, controller)), truth)) return;
    }
  }
  t.pass("of all that were drawn");
});

t.test(`what was before a change is seen as it was, until the next [${seed}]`, async (t) => {
  for (const { before, name } of revisions(runs, seed)) {
    for (const controller of everyController) {
      const truth = comparable(tableOf(before, controller));
      if (!agree(t, `${name} ${controller}`, comparable(seen(before, controller)), truth)) return;
    }
  }
  t.pass("of all that were drawn");
});

t.test(`a change that is undone has never been [${seed}]`, async (t) => {
  for (const { before, after, undo, redo, name } of revisions(runs, seed)) {
    undo();
    for (const controller of everyController) {
      const state = after.view.state;
      const undone = { ...before, view: new SiteView({ state, spent: before.spent, mobileOf }) };
      const truth = comparable(tableOf(before, controller));
      if (!agree(t, `${name} ${controller}`, comparable(seen(undone, controller)), truth)) return;
    }
    redo();
  }
  t.pass("of all that were drawn");
});

t.test(`a table and its difference make the next table [${seed}]`, async (t) => {
  const fingerprints = new Fingerprinter(naivePinKey);
  let changedCount = 0;
  for (const { before, after, differences, name } of revisions(runs, seed)) {
    const all = fingerprints.ofAll(before.view, everyController);
    for (const controller of everyController) {
      const difference = differences.get(controller);
      const changes = difference === undefined ? [] : changesOf(difference);
      const made = applied(tableOf(before, controller), changes);
      const truth = comparable(tableOf(after, controller));
      if (!agree(t, `${name} ${controller}`, comparable(made), truth)) return;
      const fingerprint = all.get(controller) ?? 0n;
      const next = difference ? fingerprints.after(fingerprint, difference) : fingerprint;
      if (!agree(t, name, next, fingerprints.of(after.view.at(controller)))) return;
      // Nobody is told nothing.
      if (!agree(t, name, difference !== undefined, next !== fingerprint)) return;
      if (difference !== undefined) changedCount += 1;
    }
  }
  t.ok(changedCount > 0 || runs === 1);
});

/** What a table opens: of each pass and rule of its user that count, when, where and how often. */
function* openings({ frame, users, passes }: NaiveTable) {
  for (const { id, user, presents, kind, active, traits, ...pass } of passes.values()) {
    const holder = users.get(user);
    if (!active || holder === undefined || holder.suspended) continue;
    const { startsAt = -Infinity, endsAt = Infinity, usesMax = Infinity } = pass;
    const { spentHere = 0, spentElsewhere = 0 } = pass;
    const as = { id, user, presents, kind, traits, userTraits: holder.traits };
    const allowed = usesMax - spentElsewhere;
    // A free door asks for no rule.
    for (const rule of [undefined, ...holder.rules]) {
      const admits = frame.rules.find((each) => each.id === rule);
      yield { key: JSON.stringify([as, rule, admits]), startsAt, endsAt, allowed, spentHere };
    }
  }
}

/** Whether everything that `interim` opens, `table` opens too, at each moment and as often. */
function opensNoMore(interim: NaiveTable, table: NaiveTable): boolean {
  const all = new Map([...openings(table)].map((opening) => [opening.key, opening]));
  return [...openings(interim)].every(({ key, startsAt, endsAt, allowed, spentHere }) => {
    const other = all.get(key);
    if (startsAt > endsAt) return true;
    return (
      other !== undefined &&
      startsAt >= other.startsAt &&
      endsAt <= other.endsAt &&
      allowed <= other.allowed &&
      // Whatever the controller has spent itself, which is never less than it is told.
      allowed - spentHere <= other.allowed - other.spentHere
    );
  });
}

t.test(`between two tables nobody has what neither gives him [${seed}]`, async (t) => {
  let interimCount = 0;
  for (const { before, after, differences, random, name } of revisions(runs, seed)) {
    for (const [controller, difference] of differences) {
      const tables = { before: tableOf(before, controller), after: tableOf(after, controller) };
      const taken = revocationsOf(difference);
      const given = giftsOf(difference);
      const cut = {
        taken: random.between(0, taken.length),
        given: random.between(0, given.length),
      };
      const label = `${name} ${controller}`;
      const some = applied(tables.before, taken.slice(0, cut.taken));
      const most = applied(some, taken.slice(cut.taken));
      const framed = applied(most, frameChange(difference));
      const fuller = applied(framed, given.slice(0, cut.given));
      const made = applied(fuller, given.slice(cut.given));
      if (
        !agree(
          t,
          label,
          [some, most].map((interim) => opensNoMore(interim, tables.before)),
          [true, true],
        )
      )
        return;
      if (
        !agree(
          t,
          label,
          [framed, fuller].map((interim) => opensNoMore(interim, tables.after)),
          [true, true],
        )
      )
        return;
      if (!agree(t, label, comparable(made), comparable(tables.after))) return;
      // Whoever stays on record stays at the controller: its count of his uses goes with his pass.
      const isClaimed = ({ presents }: PassRecord) =>
        [...tables.after.passes.values()].some((pass) =>
          isDeepStrictEqual(pass.presents, presents),
        );
      for (const [id, pass] of tables.before.passes) {
        const stays = tables.after.passes.has(id) && !isClaimed(pass);
        if (stays && !agree(t, label, framed.passes.has(id), true)) return;
      }
      if (taken.length > 0 && given.length > 0) interimCount += 1;
    }
  }
  t.ok(interimCount > 0 || runs === 1);
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

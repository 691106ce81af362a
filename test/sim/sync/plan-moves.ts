import type { Seeded } from "../../../hal/sim/seeded.ts";
import {
  cardNumbers,
  controllerNames,
  doorPlaces,
  type Plan,
  type PlannedPass,
  passNames,
  ruleNames,
  userNames,
} from "./plan.ts";

/** What people at the site want next. `at`: wall time. */
export type PlanMove = (plan: Plan, random: Seeded, at: number) => Plan;

const minuteMs = 60_000;

export const planMoves: Readonly<Record<string, PlanMove>> = {
  passIsMade: (plan, random, at) => withPass(plan, random, at, free(passNames, plan.passes)),
  passIsChanged: (plan, random, at) => withPass(plan, random, at, [...plan.passes.keys()]),
  passIsSwitched: (plan, random) => {
    const [id, pass] = pickOf(random, [...plan.passes]) ?? [];
    if (id === undefined || pass === undefined) return plan;
    return { ...plan, passes: put(plan.passes, id, { ...pass, isActive: !pass.isActive }) };
  },
  passIsDeleted: (plan, random) => {
    const id = pickOf(random, [...plan.passes.keys()]);
    return id === undefined ? plan : { ...plan, passes: without(plan.passes, [id]) };
  },
  userComes: (plan, random) => {
    const id = pickOf(random, free(userNames, plan.users));
    return id === undefined
      ? plan
      : { ...plan, users: put(plan.users, id, { isSuspended: false }) };
  },
  userIsSuspendedOrNot: (plan, random) => {
    const [id, user] = pickOf(random, [...plan.users]) ?? [];
    if (id === undefined || user === undefined) return plan;
    return { ...plan, users: put(plan.users, id, { isSuspended: !user.isSuspended }) };
  },
  userGoes: (plan, random) => {
    const id = pickOf(random, [...plan.users.keys()]);
    if (id === undefined) return plan;
    const passes = [...plan.passes].flatMap(([pass, { user }]) => (user === id ? [pass] : []));
    return withoutLooseEnds({
      ...plan,
      users: without(plan.users, [id]),
      passes: without(plan.passes, passes),
    });
  },
  ruleIsMade: (plan, random) => {
    const id = pickOf(random, ruleNames);
    const users = [...plan.users.keys()].filter(() => random.chance(0.4));
    const doors = [...plan.doors.keys()].filter(() => random.chance(0.4));
    if (id === undefined || users.length === 0 || doors.length === 0) return plan;
    const schedule = random.chance(0.4) ? { schedule: "day" } : {};
    return { ...plan, rules: put(plan.rules, id, { users, doors, ...schedule }) };
  },
  ruleIsDeleted: (plan, random) => {
    const id = pickOf(random, [...plan.rules.keys()]);
    return id === undefined ? plan : { ...plan, rules: without(plan.rules, [id]) };
  },
  doorIsChanged: (plan, random) => {
    const [id, door] = pickOf(random, [...plan.doors]) ?? [];
    if (id === undefined || door === undefined) return plan;
    const posture = random.pick(["locked", "locked", "locked", "free_access", "disabled"]);
    const isLockdown = random.chance(0.1);
    const name = `${id} ${random.between(1, 100)}`;
    const changed = { ...door, name, posture: isLockdown ? "lockdown" : posture } as const;
    return { ...plan, doors: put(plan.doors, id, changed) };
  },
  doorGoesOrComes: (plan, random) => {
    const id = pickOf(random, Object.keys(doorPlaces)) ?? "";
    const controller = doorPlaces[id] ?? controllerNames[0];
    if (!plan.doors.has(id)) {
      const door = { controller, posture: "locked", name: id } as const;
      return { ...plan, doors: put(plan.doors, id, door) };
    }
    if (plan.doors.size === 1) return plan;
    return withoutLooseEnds({ ...plan, doors: without(plan.doors, [id]) });
  },
  hoursAreChanged: (plan, random) => {
    const fromHour = random.between(0, 20);
    const hours = { fromHour, toHour: random.between(fromHour + 1, 23) };
    return { ...plan, schedules: put(plan.schedules, "day", hours) };
  },
};

/** More than a delta carries, there or gone. */
export function withCrowd(plan: Plan): Plan {
  return { ...plan, crowdCount: plan.crowdCount === 0 ? 5_500 : 0 };
}

export function anyOf(random: Seeded): PlanMove {
  return pickOf(random, Object.values(planMoves)) ?? ((plan) => plan);
}

function withPass(plan: Plan, random: Seeded, at: number, ids: readonly string[]): Plan {
  const id = pickOf(random, ids);
  const user = pickOf(random, [...plan.users.keys()]);
  if (id === undefined || user === undefined) return plan;
  const before = plan.passes.get(id);
  const taken = new Set([...plan.passes.values()].map((pass) => pass.number));
  const number =
    before !== undefined && random.chance(0.6)
      ? before.number
      : pickOf(
          random,
          cardNumbers.filter((card) => !taken.has(card)),
        );
  if (number === undefined) return plan;
  const uses = usesOf(id);
  const pass: PlannedPass = {
    user: before !== undefined && random.chance(0.7) ? before.user : user,
    number,
    isActive: random.chance(0.85),
    ...drawTimes(random, at),
    ...(uses !== undefined && { uses }),
  };
  return { ...plan, passes: put(plan.passes, id, pass) };
}

/** Every other pass has a count, which stays: uses that were spent are never given back. */
function usesOf(id: string): number | undefined {
  return Number(id.slice(-1)) % 2 === 0 ? undefined : 3;
}

function drawTimes(
  random: Seeded,
  at: number,
): { readonly startsAt?: number; readonly endsAt?: number } {
  const near = (from: number, to: number) =>
    Math.floor(at / 1_000) * 1_000 + random.between(from, to) * minuteMs;
  const startsAt = random.chance(0.25) ? near(-60, 30) : undefined;
  const endsAt = random.chance(0.4) ? near(31, 600) : undefined;
  return { ...(startsAt !== undefined && { startsAt }), ...(endsAt !== undefined && { endsAt }) };
}

/** Rules name who and what is there, and somebody and something. */
function withoutLooseEnds(plan: Plan): Plan {
  const rules = [...plan.rules].flatMap(([id, rule]) => {
    const users = rule.users.filter((user) => plan.users.has(user));
    const doors = rule.doors.filter((door) => plan.doors.has(door));
    return users.length === 0 || doors.length === 0
      ? []
      : [[id, { ...rule, users, doors }] as const];
  });
  return { ...plan, rules: new Map(rules) };
}

function free(names: readonly string[], taken: ReadonlyMap<string, unknown>): readonly string[] {
  return names.filter((name) => !taken.has(name));
}

function put<Item>(
  items: ReadonlyMap<string, Item>,
  id: string,
  item: Item,
): ReadonlyMap<string, Item> {
  return new Map([...items, [id, item]]);
}

function without<Item>(
  items: ReadonlyMap<string, Item>,
  ids: readonly string[],
): ReadonlyMap<string, Item> {
  return new Map([...items].filter(([id]) => !ids.includes(id)));
}

export function pickOf<Item>(random: Seeded, items: readonly Item[]): Item | undefined {
  return items[random.between(0, items.length - 1)];
}

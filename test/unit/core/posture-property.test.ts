import fc from "fast-check";
import t from "tap";
import {
  afterGrant,
  clearOverride,
  nextPostureChangeAt,
  type PosturePlace,
  type PostureState,
  postureAt,
  setOverride,
  settle,
  type UnlockRule,
} from "../../../src/core/posture.ts";
import type { CompiledSchedule } from "../../../src/core/schedule.ts";
import { doorPostures } from "../../../src/domain/access.ts";
import { passId } from "../../../src/domain/ids.ts";
import { epochMs, type WallTime } from "../../../src/domain/time.ts";
import { PostureDiary } from "./posture-diary.ts";
import { checkProperty } from "./property.ts";

const hourMs = 3_600_000;
const hoursMax = 48;
const known = (hour: number): WallTime => ({ at: epochMs(hour * hourMs), quality: "trusted" });

/** Open in the hours that say so, and in none after the last. */
function scheduleOf(hours: readonly boolean[]): CompiledSchedule {
  const isOpen = (at: number): boolean => hours[Math.floor(at / hourMs)] ?? false;
  return {
    isOpen,
    nextChangeAt: (at) => {
      for (let hour = Math.floor(at / hourMs) + 1; hour <= hoursMax; hour += 1) {
        if (isOpen(hour * hourMs) !== isOpen(at)) return epochMs(hour * hourMs);
      }
      return undefined;
    },
  };
}

/** Runs of hours, as schedules have them: each number is how many until the next change. */
const hoursArbitrary = fc
  .tuple(fc.boolean(), fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 12 }))
  .map(([first, runs]) =>
    runs
      .flatMap((length, index) => Array<boolean>(length).fill(first === (index % 2 === 0)))
      .slice(0, hoursMax),
  );

const ruleArbitrary = fc.record({
  kind: fc.constantFrom("auto_unlock" as const, "first_person_in" as const),
  hours: fc.option(hoursArbitrary, { nil: undefined, freq: 8 }),
  users: fc.subarray([0, 1]),
});

const placeArbitrary = fc
  .record({
    posture: fc.oneof(fc.constant("locked" as const), fc.constantFrom(...doorPostures)),
    rules: fc.array(ruleArbitrary, { maxLength: 4 }),
  })
  .map(
    ({ posture, rules }): PosturePlace => ({
      settings: { posture },
      rules: rules.map(
        ({ kind, hours, users }): UnlockRule => ({
          kind,
          schedule: hours === undefined ? undefined : scheduleOf(hours),
          isFor: (user) => users.length === 0 || users.some((one) => one === user),
        }),
      ),
    }),
  );

type Move =
  | { readonly kind: "wait"; readonly hours: number }
  | { readonly kind: "grant"; readonly user: number; readonly toggles: boolean }
  | {
      readonly kind: "override";
      readonly posture: (typeof doorPostures)[number];
      readonly until: "cleared" | "next_change";
    }
  | { readonly kind: "clear" | "settle" | "lose_clock" };

const moveArbitrary: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ kind: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant("grant" as const), user: fc.nat(1), toggles: fc.boolean() }),
  fc.record({
    kind: fc.constant("override" as const),
    posture: fc.constantFrom(...doorPostures),
    until: fc.constantFrom("cleared" as const, "next_change" as const),
  }),
  fc.record({ kind: fc.constantFrom("clear" as const, "settle" as const, "lose_clock" as const) }),
);

const pass = (user: number) => passId(`pass-${user}`);

interface World {
  readonly place: PosturePlace;
  readonly state: PostureState;
  readonly wall: WallTime;
}

function moved({ place, state, wall }: World, move: Move): World {
  switch (move.kind) {
    case "wait":
      return { place, state, wall: known(wall.at / hourMs + move.hours) };
    case "lose_clock":
      return { place, state, wall: { at: wall.at, quality: "unknown" } };
    case "grant": {
      const { user, toggles } = move;
      const after = afterGrant(place, state, { user, toggles, pass: pass(user) }, wall);
      return { place, state: after, wall };
    }
    case "override": {
      const set = setOverride(place, state, move, wall);
      return { place, state: set.ok ? set.value : state, wall };
    }
    case "clear":
      return { place, state: clearOverride(state), wall };
    default:
      return { place, state: settle(place, state, wall), wall };
  }
}

function said({ place, state, wall }: World): string {
  const { posture, cause } = postureAt(place, state, wall);
  return `${posture} by ${cause}`;
}

const movesArbitrary = fc.array(moveArbitrary, { maxLength: 14 });

t.test("whatever is done to a door, it stands as a diary of it says", async (t) => {
  const property = fc.property(placeArbitrary, movesArbitrary, (place, moves) => {
    // A site's own lockdown forgets at the next settling, which a diary does not know of.
    fc.pre(place.settings.posture !== "lockdown" && place.settings.posture !== "disabled");
    const diary = new PostureDiary(place, hoursMax);
    let world: World = { place, state: {}, wall: known(0) };
    for (const move of moves) {
      if (move.kind === "clear") diary.clear();
      if (move.kind === "settle") diary.settle(world.wall);
      if (move.kind === "override") diary.override(move, world.wall);
      if (move.kind === "grant") diary.grant({ ...move, pass: pass(move.user) }, world.wall);
      world = moved(world, move);
      const expected = diary.posture(world.wall);
      if (said(world) !== expected) throw new Error(`is ${said(world)}, should be ${expected}`);
    }
  });
  checkProperty(t, 2_000, property);
  t.pass("all agreed");
});

t.test("nothing but an operator weakens an operator's lockdown", async (t) => {
  const property = fc.property(
    placeArbitrary,
    movesArbitrary,
    movesArbitrary,
    (place, before, after) => {
      let world = before.reduce(moved, { place, state: {}, wall: known(0) });
      world = moved(world, { kind: "override", posture: "lockdown", until: "cleared" });
      for (const move of after) {
        if (move.kind === "clear" || move.kind === "override") continue;
        world = moved(world, move);
        if (said(world) !== "lockdown by operator") throw new Error(said(world));
        const next = nextPostureChangeAt(place, world.state, world.wall);
        if (next !== undefined) throw new Error("time alone would end it");
      }
    },
  );
  checkProperty(t, 500, property);
  t.pass("it held");
});

t.test("the next posture change is the first hour in which the door is another", async (t) => {
  const property = fc.property(placeArbitrary, movesArbitrary, (place, moves) => {
    const lived = moves.reduce(moved, { place, state: {}, wall: known(0) });
    const now = lived.wall.at / hourMs;
    const world: World = { ...lived, wall: known(now) };
    const during = (hour: number, state = world.state): string =>
      said({ place, state, wall: known(hour) });

    let counted: number | undefined;
    for (let hour = hoursMax; hour > now; hour -= 1)
      if (during(hour) !== during(now)) counted = hour;
    const next = nextPostureChangeAt(place, world.state, world.wall);
    // What never ends is written down as ending in the year 9999.
    const nextHour = next === undefined || next > hoursMax * hourMs ? undefined : next / hourMs;
    if (nextHour !== counted) throw new Error(`said ${nextHour}, counted ${counted}`);

    const settled = settle(place, world.state, world.wall);
    if (settle(place, settled, world.wall) !== settled) throw new Error("settles twice");
    for (let hour = now; hour <= hoursMax; hour += 1) {
      if (during(hour, settled) !== during(hour)) throw new Error(`settling changed hour ${hour}`);
    }
  });
  checkProperty(t, 2_000, property);
  t.pass("all agreed");
});

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
import { compileSchedule } from "../../../src/core/schedule.ts";
import { type DoorPosture, doorPostures } from "../../../src/domain/access.ts";
import { passId } from "../../../src/domain/ids.ts";
import type { ClockQuality, WallTime } from "../../../src/domain/time.ts";
import { at, schedule } from "./sample-table.ts";

const ada = 0;
const bob = 1;
const toggle = passId("ada-toggle");
const other = passId("bob-toggle");
const workdays = [1, 2, 3, 4, 5] as const;

function hours(from: number, to: number): UnlockRule["schedule"] {
  const interval = { days: workdays, fromMinute: from * 60, toMinute: to * 60 };
  return compileSchedule(schedule("s", [interval]), "UTC");
}

const autoUnlock = (from: number, to: number): UnlockRule => ({
  kind: "auto_unlock",
  schedule: hours(from, to),
  isFor: () => false,
});
const firstPersonIn = (from: number, to: number, ...users: readonly number[]): UnlockRule => ({
  kind: "first_person_in",
  schedule: hours(from, to),
  isFor: (user) => users.length === 0 || users.includes(user),
});

const place = (posture: DoorPosture, ...rules: readonly UnlockRule[]): PosturePlace => ({
  rules,
  settings: { posture },
});
const plain = place("locked");
const shop = place("locked", autoUnlock(9, 17));
const lobby = place("locked", firstPersonIn(9, 17));

/** Monday 2026-03-02, or the time of another day that `time` names in full. */
function on(time: string, quality: ClockQuality = "trusted"): WallTime {
  return { at: at(time.includes("T") ? `${time}:00Z` : `2026-03-02T${time}:00Z`), quality };
}

function said(of: PosturePlace, state: PostureState, wall: WallTime): string {
  const { posture, cause } = postureAt(of, state, wall);
  return `${posture} by ${cause}`;
}

function overridden(
  of: PosturePlace,
  state: PostureState,
  posture: DoorPosture,
  until: "cleared" | "next_change",
  wall: WallTime,
): PostureState {
  const set = setOverride(of, state, { posture, until }, wall);
  if (!set.ok) throw new Error(set.fault.expected);
  return set.value;
}

/** The next change on the wall clock of UTC, as 02T17:00; none. */
function nextChange(of: PosturePlace, state: PostureState, wall: WallTime): string {
  const next = nextPostureChangeAt(of, state, wall);
  return next === undefined ? "none" : new Date(next).toISOString().slice(8, 16);
}

const grantTo = (user: number, pass = passId(`pass-${user}`)) => ({ pass, user, toggles: false });
const toggling = (pass = toggle) => ({ pass, user: ada, toggles: true });

t.test("a door that nothing unlocks is as its site has it", async (t) => {
  for (const posture of doorPostures) {
    t.equal(said(place(posture), {}, on("12:00")), `${posture} by site`);
    t.equal(nextChange(place(posture), {}, on("12:00")), "none");
  }
});

t.test("a schedule unlocks a locked door and locks it again, to the millisecond", async (t) => {
  t.equal(said(shop, {}, on("08:59")), "locked by site");
  t.equal(said(shop, {}, on("09:00")), "unlocked by schedule");
  const lastMoment = { at: at("2026-03-02T16:59:59.999Z"), quality: "holdover" } as const;
  t.equal(said(shop, {}, lastMoment), "unlocked by schedule");
  t.equal(said(shop, {}, on("17:00")), "locked by site");
  t.equal(nextChange(shop, {}, on("08:00")), "02T09:00");
  t.equal(nextChange(shop, {}, on("09:00")), "02T17:00");
  t.equal(nextChange(shop, {}, on("2026-03-06T17:00")), "09T09:00", "over the weekend");
});

t.test("a schedule unlocks no door that the site has in another posture", async (t) => {
  for (const posture of ["disabled", "free_access", "lockdown"] as const) {
    const door = place(posture, autoUnlock(9, 17), firstPersonIn(9, 17));
    const state = { firstIn: { until: on("17:00").at }, toggledBy: toggle };
    t.equal(said(door, state, on("12:00")), `${posture} by site`);
    t.equal(nextChange(door, state, on("12:00")), "none");
  }
});

t.test("a rule without a schedule unlocks always, even while the time is not known", async (t) => {
  const door = place("locked", { kind: "auto_unlock", schedule: undefined, isFor: () => false });
  t.equal(said(door, {}, on("03:00")), "unlocked by schedule");
  t.equal(said(door, {}, on("03:00", "unknown")), "unlocked by schedule");
  t.equal(nextChange(door, {}, on("03:00")), "none");
});

t.test("an operator's word goes before the site, schedules and people", async (t) => {
  const people = { firstIn: { until: on("17:00").at }, toggledBy: toggle };
  for (const site of doorPostures) {
    for (const posture of doorPostures) {
      const door = place(site, autoUnlock(9, 17), firstPersonIn(9, 17));
      const state = overridden(door, people, posture, "cleared", on("12:00"));
      t.equal(said(door, state, on("12:00")), `${posture} by operator`);
      t.equal(said(door, state, on("2031-05-05T12:00")), `${posture} by operator`);
      t.equal(said(door, state, on("12:00", "unknown")), `${posture} by operator`);
      t.equal(nextChange(door, state, on("12:00")), "none");
    }
  }
});

t.test("lockdown ends when it is cleared, and then the schedule says what now", async (t) => {
  const state = overridden(shop, {}, "lockdown", "cleared", on("08:00"));
  for (const time of ["08:00", "09:00", "12:00", "17:00", "2026-03-09T12:00"]) {
    t.equal(said(shop, state, on(time)), "lockdown by operator");
    t.same(settle(shop, state, on(time)), state);
  }
  t.equal(said(shop, clearOverride(state), on("12:00")), "unlocked by schedule");
  t.equal(said(shop, clearOverride(state), on("18:00")), "locked by site");
});

t.test("after a lockdown no door springs open by what people began before it", async (t) => {
  const people = { firstIn: { until: on("17:00").at }, toggledBy: toggle };
  for (const posture of ["lockdown", "disabled"] as const) {
    const state = overridden(lobby, people, posture, "cleared", on("10:00"));
    t.equal(said(lobby, clearOverride(state), on("10:01")), "locked by site", "an operator's");
    const site = place(posture, firstPersonIn(9, 17));
    t.equal(
      said(lobby, settle(site, people, on("10:00")), on("10:01")),
      "locked by site",
      "a site's",
    );
  }
  for (const posture of ["locked", "unlocked", "free_access"] as const) {
    const state = overridden(lobby, people, posture, "cleared", on("10:00"));
    t.equal(said(lobby, clearOverride(state), on("10:01")), "unlocked by first_person_in");
  }
});

t.test("a pass-through pass in lockdown neither comes in first nor toggles", async (t) => {
  const state = overridden(lobby, {}, "lockdown", "cleared", on("10:00"));
  const after = afterGrant(lobby, state, { ...grantTo(ada), toggles: true }, on("10:00"));
  t.equal(said(lobby, clearOverride(after), on("10:01")), "locked by site");
  const site = place("lockdown", firstPersonIn(9, 17));
  const inSite = afterGrant(site, {}, { ...grantTo(ada), toggles: true }, on("10:00"));
  t.equal(said(lobby, inSite, on("10:01")), "locked by site");
});

t.test("a temporary override lasts until the schedules change", async (t) => {
  const held = overridden(shop, {}, "unlocked", "next_change", on("20:00"));
  t.equal(said(shop, held, on("2026-03-03T08:59")), "unlocked by operator");
  t.equal(said(shop, held, on("2026-03-03T09:00")), "unlocked by schedule");
  t.equal(nextChange(shop, held, on("20:00")), "03T09:00");
  t.same(settle(shop, held, on("2026-03-03T08:59")), held);
  t.same(settle(shop, held, on("2026-03-03T09:00")), {});

  const shut = overridden(shop, {}, "locked", "next_change", on("12:00"));
  t.equal(said(shop, shut, on("16:59")), "locked by operator");
  t.equal(said(shop, shut, on("2026-03-03T09:00")), "unlocked by schedule");
});

t.test("where schedules overlap only their end together is a change", async (t) => {
  const door = place("locked", autoUnlock(9, 12), autoUnlock(10, 17), firstPersonIn(16, 18));
  t.equal(nextChange(door, {}, on("09:30")), "02T17:00");
  t.equal(
    overridden(door, {}, "locked", "next_change", on("09:30")).override?.until,
    on("17:00").at,
  );
  // From then on the first person would unlock it, which is another thing to say.
  t.equal(
    overridden(door, {}, "locked", "next_change", on("17:30")).override?.until,
    on("18:00").at,
  );
});

t.test("an override that could not end is refused with what would do", async (t) => {
  const never = place("locked", { ...autoUnlock(9, 17), schedule: undefined });
  const refusals: readonly (readonly [PosturePlace, DoorPosture, WallTime, RegExp])[] = [
    [shop, "lockdown", on("12:00"), /a lockdown lasts until it is cleared/],
    [shop, "unlocked", on("12:00", "unknown"), /the time is not known/],
    [plain, "unlocked", on("12:00"), /no schedule of this door is going to change/],
    [never, "locked", on("12:00"), /no schedule of this door is going to change/],
  ];
  for (const [door, posture, wall, why] of refusals) {
    const refused = setOverride(door, {}, { posture, until: "next_change" }, wall);
    t.match(refused, { ok: false, fault: { field: "until", expected: why } });
  }
});

t.test("a second override replaces the first", async (t) => {
  const first = overridden(shop, {}, "unlocked", "next_change", on("20:00"));
  const second = overridden(shop, first, "disabled", "cleared", on("21:00"));
  t.equal(said(shop, second, on("2026-03-03T12:00")), "disabled by operator");
});

t.test("the first person in unlocks until that stretch of the schedule ends", async (t) => {
  t.equal(said(lobby, {}, on("10:00")), "locked by site", "nobody came yet");
  const state = afterGrant(lobby, {}, grantTo(bob), on("10:00"));
  t.equal(said(lobby, state, on("10:00")), "unlocked by first_person_in");
  t.equal(nextChange(lobby, state, on("10:00")), "02T17:00");
  t.equal(said(lobby, state, on("17:00")), "locked by site");
  t.same(settle(lobby, state, on("17:00")), {});
  t.equal(said(lobby, state, on("2026-03-03T10:00")), "locked by site", "nor the next day");
  t.equal(afterGrant(lobby, state, grantTo(ada), on("11:00")), state, "the second changes nothing");
});

t.test("nobody comes in first while the schedule is shut, or its time not known", async (t) => {
  t.same(afterGrant(lobby, {}, grantTo(ada), on("08:59")), {});
  t.same(afterGrant(lobby, {}, grantTo(ada), on("10:00", "unknown")), {});
});

t.test("where the rule has users nobody else comes in first", async (t) => {
  const office = place("locked", firstPersonIn(9, 17, ada));
  t.same(afterGrant(office, {}, grantTo(bob), on("10:00")), {});
  const state = afterGrant(office, {}, grantTo(ada), on("10:00"));
  t.equal(said(office, state, on("10:00")), "unlocked by first_person_in");
});

t.test("a first person unlocks no longer where a new table lacks or shuts the rule", async (t) => {
  const state = afterGrant(lobby, {}, grantTo(ada), on("10:00"));
  t.equal(said(plain, state, on("10:01")), "locked by site");
  t.same(settle(plain, state, on("10:01")), {});
  t.equal(said(place("locked", firstPersonIn(12, 17)), state, on("10:01")), "locked by site");
});

t.test(
  "a first person's unlocking ends when it was to, though a new table says later",
  async (t) => {
    const state = afterGrant(place("locked", firstPersonIn(9, 12)), {}, grantTo(ada), on("10:00"));
    t.equal(nextChange(lobby, state, on("11:00")), "02T12:00");
    t.equal(said(lobby, state, on("12:00")), "locked by site");
  },
);

t.test("a first person in by two rules unlocks until the later one ends", async (t) => {
  const door = place("locked", firstPersonIn(9, 12), firstPersonIn(9, 17, ada));
  const early = afterGrant(door, {}, grantTo(bob), on("10:00"));
  t.equal(said(door, early, on("12:00")), "locked by site");
  const late = afterGrant(door, early, grantTo(ada), on("11:00"));
  t.equal(said(door, late, on("16:59")), "unlocked by first_person_in");
});

t.test("a first person unlocks a schedule that never shuts for good", async (t) => {
  const always = compileSchedule(
    schedule("s", [{ days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 0, toMinute: 1_440 }]),
    "UTC",
  );
  const door = place("locked", { ...firstPersonIn(9, 17), schedule: always });
  const state = afterGrant(door, {}, grantTo(ada), on("10:00"));
  t.equal(said(door, state, on("2040-01-01T00:00")), "unlocked by first_person_in");
  t.same(JSON.parse(JSON.stringify(state)), state, "and is kept over a restart");
});

t.test("a toggle pass unlocks, and locks what it unlocked", async (t) => {
  const unlocked = afterGrant(plain, {}, toggling(), on("10:00"));
  t.equal(said(plain, unlocked, on("2026-03-09T03:00")), "unlocked by toggle");
  t.equal(said(plain, unlocked, on("10:00", "unknown")), "unlocked by toggle");
  t.same(afterGrant(plain, unlocked, toggling(), on("11:00")), {});
});

t.test("a toggle pass never ends what another unlocked", async (t) => {
  const byOther = afterGrant(plain, {}, toggling(other), on("10:00"));
  t.same(afterGrant(plain, byOther, toggling(), on("10:01")), byOther, "another pass");
  t.same(afterGrant(shop, {}, toggling(), on("10:00")), {}, "a schedule");
  const first = { firstIn: { until: on("17:00").at } };
  t.same(afterGrant(lobby, first, toggling(), on("10:00")), first, "a first person");
  for (const posture of ["unlocked", "free_access", "locked"] as const) {
    const state = overridden(plain, {}, posture, "cleared", on("09:00"));
    t.same(afterGrant(plain, state, toggling(), on("10:00")), state, `an operator: ${posture}`);
  }
  for (const posture of ["unlocked", "free_access"] as const) {
    t.same(afterGrant(place(posture), {}, toggling(), on("10:00")), {}, `the site: ${posture}`);
  }
});

t.test("a pass that does not toggle neither begins nor ends a toggle", async (t) => {
  t.same(afterGrant(plain, {}, grantTo(ada), on("10:00")), {});
  const unlocked = afterGrant(plain, {}, toggling(), on("10:00"));
  t.same(afterGrant(plain, unlocked, { ...toggling(), toggles: false }, on("10:01")), unlocked);
});

t.test("who locks the door by toggle does not come in first", async (t) => {
  const unlocked = afterGrant(lobby, {}, toggling(), on("08:00"));
  const locked = afterGrant(lobby, unlocked, toggling(), on("10:00"));
  t.equal(said(lobby, locked, on("10:00")), "locked by site");
});

t.test(
  "who unlocks as the first person in toggles nothing that outlasts the schedule",
  async (t) => {
    const state = afterGrant(lobby, {}, toggling(), on("10:00"));
    t.equal(said(lobby, state, on("10:00")), "unlocked by first_person_in");
    t.equal(said(lobby, state, on("17:00")), "locked by site");
  },
);

t.test("while the time is not known nothing that ends by time unlocks", async (t) => {
  const unknown = on("12:00", "unknown");
  t.equal(said(shop, {}, unknown), "locked by site");
  t.equal(said(lobby, { firstIn: { until: on("17:00").at } }, unknown), "locked by site");
  const held = overridden(shop, {}, "unlocked", "next_change", on("08:00"));
  t.equal(said(shop, held, unknown), "locked by site");
  t.equal(nextPostureChangeAt(shop, held, unknown), undefined);
  t.equal(settle(shop, held, unknown), held, "but it is kept for when the time is known again");
  for (const barring of ["disabled", "locked"] as const) {
    const barred = overridden(shop, {}, barring, "next_change", on("12:00"));
    t.equal(said(shop, barred, unknown), `${barring} by operator`, "what bars people goes on");
  }
  const shut = { ...shop, settings: { posture: "lockdown" } } as const;
  const locked = overridden(shop, {}, "locked", "next_change", on("12:00"));
  t.equal(said(shut, locked, unknown), "lockdown by site", "but it opens nothing");
  t.equal(settle(shop, held, on("2031-01-01T00:00", "unknown")), held);
});

t.test("an override that was set while the clock ran ahead ends with its mistake", async (t) => {
  const ahead = overridden(shop, {}, "unlocked", "next_change", on("2031-03-02T12:00"));
  t.equal(said(shop, settle(shop, ahead, on("12:00")), on("23:00")), "locked by site");
  const bars = overridden(shop, {}, "disabled", "next_change", on("2031-03-02T12:00"));
  t.equal(settle(shop, bars, on("12:00")), bars, "what bars people goes on");
  const now = overridden(shop, {}, "unlocked", "next_change", on("12:30"));
  t.equal(settle(shop, now, on("12:00")), now, "a clock put right by half an hour ends nothing");
});

t.test("clearing ends a toggle, and what the schedules say goes on", async (t) => {
  const people = { toggledBy: toggle, firstIn: { until: on("17:00").at } };
  t.same(clearOverride({ toggledBy: toggle }), {});
  t.equal(said(lobby, clearOverride(people), on("10:00")), "unlocked by first_person_in");
});

t.test("a state in which nothing is over settles to itself", async (t) => {
  const state = { override: { posture: "locked" }, toggledBy: toggle } as const;
  t.equal(settle(shop, state, on("12:00")), state);
  const bare: PostureState = {};
  t.equal(clearOverride(bare), bare);
});

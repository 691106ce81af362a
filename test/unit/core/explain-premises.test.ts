import t from "tap";
import { nextGrantAt } from "../../../src/core/next-grant.ts";
import { doorId, passId } from "../../../src/domain/ids.ts";
import { inside, next, noon, overridden, requestOf, type Said, saw } from "./explained-doors.ts";
import { digestOf } from "./sample-table.ts";

const cases: readonly Said[] = [
  {
    check: "posture",
    door: "shop",
    saw: "passed: Door shop is unlocked, by a schedule.",
    next: noon,
  },
  {
    check: "posture",
    door: "off",
    saw: "failed: Door off is disabled, as its site has it. -> Change the door's posture at the site.",
    next: "never, door_disabled",
  },
  {
    check: "posture",
    premises: overridden("lockdown"),
    saw: "failed: Door front is in lockdown, by an operator's word until it is cleared; pass ada-card is not pass-through. -> Clear the operator's override, or present a pass-through pass.",
    next: "never, lockdown",
  },
  {
    check: "posture",
    pass: "ada-through",
    premises: overridden("lockdown"),
    saw: "passed: Door front is in lockdown, by an operator's word until it is cleared; pass ada-through is pass-through.",
    next: noon,
  },
  {
    check: "posture",
    premises: overridden("disabled", "2026-03-02T17:00:00+01:00"),
    saw: "failed: Door front is disabled, by an operator's word until 2026-03-02T17:00:00+01:00. -> Wait until 2026-03-02T17:00:00+01:00, or clear the operator's override.",
    next: "2026-03-02T16:00:00",
  },
  {
    check: "posture",
    premises: { postureState: () => ({ toggledBy: passId("ada-toggle") }) },
    saw: "passed: Door front is unlocked, by toggle pass ada-toggle.",
    next: noon,
  },
  {
    check: "tamper",
    reader: "front-in",
    premises: { isTampered: () => true },
    saw: "failed: Reader front-in or the enclosure is being tampered with, and then the door says: deny. -> See who is at the reader and the enclosure, and close them.",
    next: "unknown, tampered",
  },
  {
    check: "tamper",
    door: "shop",
    premises: { isTampered: () => true },
    saw: "passed: The enclosure is being tampered with, and then the door says: go on.",
    next: noon,
  },
  {
    check: "credential",
    pass: "nobody",
    saw: "failed: There is no pass nobody. -> Issue pass nobody, or ask about another.",
    next: "never, unknown_credential",
  },
  {
    check: "user_active",
    pass: "bob-card",
    saw: "failed: User bob is suspended. -> Unsuspend user bob.",
    next: "never, user_suspended",
  },
  {
    check: "start",
    pass: "ada-later",
    saw: "failed: Pass ada-later starts at 2026-03-07T00:00:00+01:00. It is 2026-03-02T12:00:00+01:00. -> Wait until 2026-03-07T00:00:00+01:00, or start the pass earlier.",
    next: "2026-03-06T23:00:00",
  },
  {
    check: "start",
    pass: "ada-much-later",
    saw: "failed: Pass ada-much-later starts at 2031-01-01T01:00:00+01:00. It is 2026-03-02T12:00:00+01:00. -> Wait until 2031-01-01T01:00:00+01:00, or start the pass earlier.",
    next: "unknown, not_yet_valid",
  },
  {
    check: "uses",
    pass: "ada-thrice",
    saw: "passed: Pass ada-thrice is good for 3 grants: 1 spent here, 1 elsewhere, 1 left.",
    next: noon,
  },
  {
    check: "uses",
    pass: "ada-thrice",
    premises: { spent: () => 2 },
    saw: "failed: Pass ada-thrice is good for 3 grants: 2 spent here, 1 elsewhere, 0 left. -> Give pass ada-thrice more uses, or issue another.",
    next: "never, over_limit",
  },
  {
    check: "access",
    door: "free",
    saw: "passed: User ada is in 6 rules; door free is in sales-free. The door is free to every valid pass.",
    next: noon,
  },
  {
    check: "access",
    pass: "mia-card",
    door: "lab",
    saw: "failed: User mia is in 2 rules; door lab is in none of them. -> Add user mia and door lab to one rule.",
    next: "never, no_access",
  },
  {
    check: "schedule",
    door: "shop",
    at: "2026-03-06T18:00:00+01:00",
    saw: "failed: For this door, rule sales follows schedule office, which is closed. It is 2026-03-06T18:00:00+01:00. -> Wait until 2026-03-09T09:00:00+01:00, or widen a schedule of these rules.",
    next: "2026-03-09T08:00:00",
  },
  {
    check: "schedule",
    door: "shop",
    clock: "unknown",
    saw: "failed: For this door, rule sales follows schedule office, of which the state is not known. The time is not known and was not counted. -> Give the controller the time, or let the door allow while the time is not known.",
    next: "unknown, clock_unknown",
  },
  {
    check: "factors",
    door: "lab",
    pass: "ada-pin",
    saw: "failed: The door asks for less, but each rule that is in force here for a card and a PIN; a PIN was presented. -> Present a card first, and then the PIN.",
    next: "never, pin_alone_not_allowed",
  },
  {
    check: "factors",
    door: "lab",
    saw: "waiting: The door asks for less, but each rule that is in force here for a card and a PIN; a card was presented. -> Enter the user's PIN now.",
    next: noon,
  },
  {
    check: "factors",
    door: "lab",
    pin: digestOf("a"),
    saw: "passed: The door asks for less, but each rule that is in force here for a card and a PIN; a card and a PIN were presented; the PIN is pass ada-pin.",
    next: noon,
  },
  {
    check: "passback",
    door: "vault",
    now: 1_200_000,
    premises: { ...inside("vault"), managerCount: () => 1 },
    saw: "failed: From outside to area vault (anti-passback: hard, forgiven after 60 min); user ada is recorded in vault for 20 min. -> Let user ada pass the reader that was missed, or forgive them.",
    next: "2026-03-02T11:40:00",
  },
  {
    check: "passback",
    door: "vault",
    pass: "cleo-card",
    premises: { ...inside("vault"), managerCount: () => 1 },
    saw: "passed: From outside to area vault (anti-passback: hard, forgiven after 60 min); user cleo is exempt.",
    next: noon,
  },
  {
    check: "passback",
    door: "vault",
    reader: "vault-out",
    premises: inside(undefined),
    saw: "failed: From area vault (anti-passback: hard, forgiven after 60 min) to outside; user ada is recorded outside of every area for 0 s. -> Let user ada pass the reader that was missed, or forgive them.",
    next: "2026-03-02T12:00:00",
  },
  {
    check: "passback",
    door: "gym",
    now: 60_500,
    premises: inside("gym"),
    saw: "failed: From outside to area gym (anti-passback: timed, forgiven after 10 min); user ada is recorded in gym for 60 s. -> Wait until 2026-03-02T12:09:00+01:00, or forgive user ada.",
    next: "2026-03-02T11:08:59",
  },
  {
    check: "passback",
    door: "vault",
    premises: { isComing: (_, __, besides) => besides !== doorId("gym"), managerCount: () => 1 },
    saw: "failed: From outside to area vault (anti-passback: hard, forgiven after 60 min); user ada was let in by another door just now. -> Let user ada go in by the other door, or wait until that is locked again.",
    next: "unknown, passback",
  },
  {
    check: "interlock",
    door: "mantrap",
    premises: { isShut: (id) => id !== doorId("shop") },
    saw: "failed: Of the interlock, door front is shut, door shop is not shut. -> Shut door shop, and wait until secured.",
    next: "unknown, interlock",
  },
  {
    check: "two_person",
    door: "pair",
    saw: "waiting: The door asks for two persons; nobody waits. -> Let a second person who has access here present theirs now.",
    next: noon,
  },
  {
    check: "two_person",
    door: "pair",
    waiting: "mia-card",
    saw: "passed: The door asks for two persons; user mia waits.",
    next: noon,
  },
  {
    check: "two_person",
    door: "pair",
    waiting: "ada-through",
    saw: "failed: The door asks for two persons; the same one waits. -> Let another person than the one who waits present theirs.",
    next: "unknown, same_person_twice",
  },
  {
    check: "two_person",
    door: "pair",
    waiting: "bob-card",
    saw: "waiting: The door asks for two persons; user bob waits and would not be admitted, user_suspended. -> Let a second person who has access here present theirs now.",
    next: noon,
  },
  {
    check: "escort",
    pass: "cleo-card",
    saw: "waiting: User cleo needs an escort and has none yet. -> Let somebody who may escort present theirs now.",
    next: noon,
  },
  {
    check: "escort",
    pass: "cleo-card",
    isEscorted: true,
    saw: "passed: User cleo needs an escort and has one.",
    next: noon,
  },
  {
    check: "occupancy",
    door: "vault",
    premises: { occupancy: () => 2 },
    saw: "failed: Area vault holds 2 of at most 2; one person would enter. -> Let somebody leave area vault first, or let it hold more.",
    next: "unknown, area_full",
  },
  {
    check: "manager",
    door: "vault",
    saw: "failed: Area vault asks for a manager inside; 0 are recorded there. -> Let a manager enter area vault first.",
    next: "unknown, manager_not_in",
  },
  {
    check: "manager",
    door: "vault",
    pass: "mia-card",
    saw: "passed: Area vault asks for a manager inside; user mia is one.",
    next: noon,
  },
];

t.test("each check says what it saw, and what would have to change", async (t) => {
  for (const one of cases) t.equal(saw(one.check, one), one.saw);
});

t.test("each denial says when it would be a grant, or that time alone makes it none", async (t) => {
  for (const one of cases) t.equal(next(one), one.next, `${one.check}: ${one.saw}`);
});

t.test("a door without a table grants nobody until it has one", async (t) => {
  t.same(nextGrantAt(undefined, requestOf({})), { kind: "never", reason: "no_table" });
});

t.test("the wait for a pass's start ends within the hours of its rule", async (t) => {
  // It starts on a Saturday; the shop's rule opens on the Monday after.
  t.equal(next({ door: "shop", pass: "ada-later" }), "2026-03-09T08:00:00");
});

t.test(
  "a door that asks for company first says all the same what else stands in the way",
  async (t) => {
    const full = { occupancy: () => 2, managerCount: () => 1 };
    t.equal(next({ door: "vault", pass: "cleo-card", premises: full }), "unknown, area_full");
  },
);

t.test("a PIN alone waits for a rule that does with it, and a PIN for its start", async (t) => {
  t.equal(next({ door: "late", pass: "ada-pin" }), "2026-03-02T17:00:00");
  t.equal(next({ door: "lab", pin: digestOf("b") }), "2026-03-04T00:00:00");
  t.equal(next({ door: "lab", pin: digestOf("c") }), "never, wrong_pin");
});

t.test("what only a known time would open is not said to stay shut", async (t) => {
  t.equal(next({ door: "late", pass: "mia-card", clock: "unknown" }), "unknown, clock_unknown");
  t.equal(next({ door: "late", pass: "mia-card" }), noon);
});

t.test("a door that is free when an operator's word ends needs no schedule then", async (t) => {
  const locked = overridden("unlocked", "2026-03-07T20:00:00+01:00");
  const saturday = "2026-03-07T12:00:00+01:00";
  t.equal(next({ door: "free", at: saturday, premises: locked }), "2026-03-07T19:00:00");
});

t.test("a free door that an operator made so is none when that ends", async (t) => {
  const until = "2026-03-02T20:00:00+01:00";
  const free = overridden("free_access", until);
  t.equal(next({ door: "lab", pass: "mia-card", premises: free }), noon, "now");
  const unlocked = overridden("unlocked", until);
  t.equal(next({ door: "free", pass: "mia-card", premises: unlocked }), "2026-03-02T19:00:00");
  t.equal(
    next({ door: "free", pass: "mia-card", premises: unlocked, clock: "unknown" }),
    noon,
    "an override that ends at some time is not in force while the time is not known",
  );
});

import t from "tap";
import { authorize } from "../../../src/core/authorize.ts";
import { checks } from "../../../src/core/checks.ts";
import { unknownPremises } from "../../../src/core/premises.ts";
import { doorId } from "../../../src/domain/ids.ts";
import { denialReasons } from "../../../src/domain/reason.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import {
  adaCard,
  adaSuspended,
  type Case,
  card,
  decisionTable,
  future,
  nightOnMonday,
  noonOnMonday,
  officeAndAlways,
  officeOnly,
  past,
  pin,
  withoutRules,
} from "./decision-case.ts";
import { at, digestOf } from "./sample-table.ts";

decisionTable("each check gives its reason", [
  { name: "a known card", expect: "granted ada-card ada" },
  { name: "a door that the table lacks", where: "cellar", expect: "door_unknown ada-card ada" },
  { name: "an unknown card", shows: card("26:0000001"), expect: "unknown_credential" },
  { name: "an unknown PIN", shows: pin(digestOf("f")), expect: "unknown_credential" },
  { name: "a pass taken away", adaCard: { active: false }, expect: "pass_inactive ada-card ada" },
  { name: "a suspended user", content: adaSuspended, expect: "user_suspended ada-card ada" },
  { name: "a pass of tomorrow", adaCard: future, expect: "not_yet_valid ada-card ada" },
  { name: "a pass of yesterday", adaCard: past, expect: "expired ada-card ada" },
  { name: "no rule at all", content: withoutRules, expect: "no_access ada-card ada" },
  { name: "a rule for another door", where: "lab", expect: "no_access ada-card ada" },
  { name: "a rule in force now", content: officeOnly, expect: "granted ada-card ada" },
  {
    name: "a rule not in force now",
    content: officeOnly,
    at: nightOnMonday,
    expect: "outside_schedule ada-card ada",
  },
  {
    name: "one of two rules in force now",
    content: officeAndAlways,
    at: nightOnMonday,
    expect: "granted ada-card ada",
  },
]);

t.test("without a table every door stays shut", async (t) => {
  const request = {
    door: doorId("front"),
    presented: card(adaCard),
    wall: { at: at(noonOnMonday), quality: "trusted" },
    now: monotonicMs(0),
    premises: unknownPremises,
  } as const;
  t.same(authorize(undefined, request), { kind: "denied", reason: "no_table" });
});

decisionTable("a pass is good from its start up to its end", [
  {
    name: "the last millisecond before its start",
    adaCard: { startsAt: at(noonOnMonday) },
    at: "2026-03-02T10:59:59.999Z",
    expect: "not_yet_valid ada-card ada",
  },
  { name: "at its start", adaCard: { startsAt: at(noonOnMonday) }, expect: "granted ada-card ada" },
  {
    name: "the last millisecond",
    adaCard: { endsAt: at(noonOnMonday) },
    at: "2026-03-02T10:59:59.999Z",
    expect: "granted ada-card ada",
  },
  { name: "at its end", adaCard: { endsAt: at(noonOnMonday) }, expect: "expired ada-card ada" },
]);

/** Each case fails this check and every check after it, so it shows that no later one comes first. */
const everythingWrong: Case = {
  name: "",
  where: "lab",
  at: nightOnMonday,
  door: { factors: "card_and_pin" },
  adaCard: { active: false, ...past },
  content: { ...adaSuspended, ...officeOnly },
  expect: "",
};

decisionTable("the first check that fails gives the reason", [
  {
    ...everythingWrong,
    name: "door before credential",
    where: "cellar",
    shows: card("8:01"),
    expect: "door_unknown",
  },
  {
    ...everythingWrong,
    name: "credential before all of the pass",
    shows: card("8:01"),
    expect: "unknown_credential",
  },
  { ...everythingWrong, name: "pass before user", expect: "pass_inactive ada-card ada" },
  {
    ...everythingWrong,
    name: "user before clock",
    adaCard: past,
    clock: "unknown",
    expect: "user_suspended ada-card ada",
  },
  {
    ...everythingWrong,
    name: "clock before validity",
    adaCard: past,
    clock: "unknown",
    content: officeOnly,
    expect: "clock_unknown ada-card ada",
  },
  {
    ...everythingWrong,
    name: "start before end",
    adaCard: { ...past, ...future },
    content: officeOnly,
    expect: "not_yet_valid ada-card ada",
  },
  {
    ...everythingWrong,
    name: "end before access",
    adaCard: past,
    content: officeOnly,
    expect: "expired ada-card ada",
  },
  {
    ...everythingWrong,
    name: "access before schedule",
    adaCard: {},
    content: officeOnly,
    expect: "no_access ada-card ada",
  },
  {
    ...everythingWrong,
    name: "schedule before factors",
    where: "front",
    adaCard: {},
    content: officeOnly,
    expect: "outside_schedule ada-card ada",
  },
]);

t.test("the list of checks is in the order of the reasons", async (t) => {
  t.same(
    checks.map(({ name }) => name),
    [
      "table",
      "door",
      "posture",
      "tamper",
      "credential",
      "pass_active",
      "user_active",
      "clock",
      "start",
      "end",
      "uses",
      "access",
      "schedule",
      "factors",
      "passback",
      "interlock",
      "two_person",
      "escort",
      "occupancy",
      "manager",
    ],
  );
  const reasons = [
    "no_table",
    "door_unknown",
    "door_disabled",
    "lockdown",
    "tampered",
    "unknown_credential",
    "pass_inactive",
    "user_suspended",
    "clock_unknown",
    "not_yet_valid",
    "expired",
    "over_limit",
    "no_access",
    "outside_schedule",
    "pin_alone_not_allowed",
    "passback",
    "interlock",
    "same_person_twice",
    "area_full",
    "manager_not_in",
  ] as const;
  const places = reasons.map((reason) => denialReasons.indexOf(reason));
  t.same(
    places,
    places.toSorted((left, right) => left - right),
  );
});

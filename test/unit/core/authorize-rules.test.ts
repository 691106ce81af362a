import type { RuleRecord, TableContent, ZoneRecord } from "../../../src/domain/access.ts";
import { doorId, ruleId, scheduleId, zoneId } from "../../../src/domain/ids.ts";
import {
  adaCard,
  adaPin,
  bobPin,
  card,
  decisionTable,
  nightOnMonday,
  officeRule,
  pin,
} from "./decision-case.ts";
import { digestOf } from "./sample-table.ts";

const twoFactorRule = (schedule = "office"): RuleRecord => ({
  ...officeRule,
  id: ruleId("two"),
  kind: "grant_two_factors",
  schedule: scheduleId(schedule),
});

decisionTable("a rule with two factors admits with card and PIN, unless another does without", [
  {
    name: "card alone",
    content: { rules: [twoFactorRule()] },
    expect: "pin_required ada-card ada",
  },
  {
    name: "card and PIN",
    content: { rules: [twoFactorRule()] },
    shows: card(adaCard, adaPin),
    expect: "granted ada-card ada",
  },
  {
    name: "card and a PIN of nobody",
    content: { rules: [twoFactorRule()] },
    shows: card(adaCard, digestOf("f")),
    expect: "wrong_pin ada-card ada",
  },
  {
    name: "card and another's PIN",
    content: { rules: [twoFactorRule()] },
    shows: card(adaCard, bobPin),
    expect: "pin_of_another_user ada-card ada",
  },
  {
    name: "a PIN alone, where the door would let it",
    door: { factors: "card_or_pin" },
    content: { rules: [twoFactorRule()] },
    shows: pin(adaPin),
    expect: "pin_alone_not_allowed ada-pin ada",
  },
  {
    name: "another rule in force admits without",
    content: { rules: [twoFactorRule(), officeRule] },
    expect: "granted ada-card ada",
  },
  {
    name: "in the other order",
    content: { rules: [officeRule, twoFactorRule()] },
    expect: "granted ada-card ada",
  },
  {
    name: "the other rule is not in force now",
    content: {
      rules: [twoFactorRule("late"), officeRule],
      schedules: [
        { id: scheduleId("office"), intervals: [{ days: [1], fromMinute: 540, toMinute: 1020 }] },
        { id: scheduleId("late"), intervals: [{ days: [1], fromMinute: 1020, toMinute: 0 }] },
      ],
    },
    at: nightOnMonday,
    expect: "pin_required ada-card ada",
  },
  {
    name: "the other rule is for another door",
    content: {
      rules: [twoFactorRule(), { ...officeRule, doors: [doorId("lab")] }],
    },
    expect: "pin_required ada-card ada",
  },
  {
    name: "at night there is no rule at all",
    content: { rules: [twoFactorRule()] },
    at: nightOnMonday,
    expect: "outside_schedule ada-card ada",
  },
]);

const zone = (id: string, doors: readonly string[], parent?: string): ZoneRecord => ({
  id: zoneId(id),
  doors: doors.map(doorId),
  ...(parent !== undefined && { parent: zoneId(parent) }),
});
const inZone = (id: string): Partial<TableContent> => ({
  rules: [{ ...officeRule, doors: [], zones: [zoneId(id)] }],
});

decisionTable("doors inherit the rules of their zones and of the zones around those", [
  {
    name: "in the zone",
    content: { ...inZone("floor"), zones: [zone("floor", ["front"])] },
    expect: "granted ada-card ada",
  },
  {
    name: "in a zone within",
    content: {
      ...inZone("house"),
      zones: [zone("room", ["front"], "floor"), zone("floor", [], "house"), zone("house", ["lab"])],
    },
    expect: "granted ada-card ada",
  },
  {
    name: "in the zone around",
    content: {
      ...inZone("room"),
      zones: [zone("room", ["lab"], "floor"), zone("floor", ["front"])],
    },
    expect: "no_access ada-card ada",
  },
  {
    name: "in another zone",
    content: {
      ...inZone("floor"),
      zones: [zone("floor", ["lab"]), zone("other", ["front"])],
    },
    expect: "no_access ada-card ada",
  },
  {
    name: "the zone's rule has a schedule",
    content: { ...inZone("floor"), zones: [zone("floor", ["front"])] },
    at: nightOnMonday,
    expect: "outside_schedule ada-card ada",
  },
]);

const autoUnlock: RuleRecord = { ...officeRule, id: ruleId("day"), kind: "auto_unlock", users: [] };

decisionTable("rules that unlock doors give nobody access", [
  {
    name: "auto-unlock",
    content: { rules: [autoUnlock] },
    expect: "no_access ada-card ada",
  },
  {
    name: "first person in",
    content: { rules: [{ ...officeRule, kind: "first_person_in" }] },
    expect: "no_access ada-card ada",
  },
]);

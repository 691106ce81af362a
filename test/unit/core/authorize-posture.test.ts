import type { PassTrait, RuleRecord } from "../../../src/domain/access.ts";
import { doorId, ruleId } from "../../../src/domain/ids.ts";
import {
  adaPin,
  adaSuspended,
  card,
  decisionTable,
  nightOnMonday,
  noonOnMonday,
  officeOnly,
  officeRule,
  past,
  pin,
  withoutRules,
} from "./decision-case.ts";
import { at } from "./sample-table.ts";

const passThrough = { traits: ["pass_through"] satisfies PassTrait[] };
const stranger = card("26:0000001");
const autoUnlock: RuleRecord = { ...officeRule, id: ruleId("day"), kind: "auto_unlock", users: [] };
const lockdown = { posture: "lockdown" } as const;
const disabled = { posture: "disabled" } as const;
const free = { posture: "free_access" } as const;
const overridden = (posture: "lockdown" | "disabled" | "free_access" | "locked") => ({
  postures: { front: { override: { posture } } },
});

decisionTable("a disabled door grants nobody", [
  { name: "a good card", door: disabled, expect: "door_disabled ada-card ada" },
  { name: "an unknown card", door: disabled, shows: stranger, expect: "door_disabled" },
  {
    name: "a pass-through card",
    door: disabled,
    adaCard: passThrough,
    expect: "door_disabled ada-card ada",
  },
  {
    name: "by an operator",
    premises: overridden("disabled"),
    expect: "door_disabled ada-card ada",
  },
  {
    name: "another door than the operator's",
    content: { rules: [{ ...officeRule, doors: [doorId("lab")] }] },
    where: "lab",
    premises: overridden("disabled"),
    expect: "granted ada-card ada",
  },
]);

decisionTable("lockdown denies all but pass-through passes, which have access anyway", [
  { name: "a good card", door: lockdown, expect: "lockdown ada-card ada" },
  { name: "an unknown card", door: lockdown, shows: stranger, expect: "lockdown" },
  {
    name: "a pass-through card",
    door: lockdown,
    adaCard: passThrough,
    expect: "granted ada-card ada",
  },
  {
    name: "a pass-through card that has ended",
    door: lockdown,
    adaCard: { ...passThrough, ...past },
    expect: "expired ada-card ada",
  },
  {
    name: "a pass-through card that was taken away",
    door: lockdown,
    adaCard: { ...passThrough, active: false },
    expect: "pass_inactive ada-card ada",
  },
  {
    name: "a pass-through card of a suspended user",
    door: lockdown,
    adaCard: passThrough,
    content: adaSuspended,
    expect: "user_suspended ada-card ada",
  },
  {
    name: "a pass-through card with no access",
    door: lockdown,
    adaCard: passThrough,
    content: withoutRules,
    expect: "no_access ada-card ada",
  },
  {
    name: "a pass-through card at night",
    door: lockdown,
    adaCard: passThrough,
    content: officeOnly,
    at: nightOnMonday,
    expect: "outside_schedule ada-card ada",
  },
  { name: "by an operator", premises: overridden("lockdown"), expect: "lockdown ada-card ada" },
  {
    name: "an operator's, though the site says free access",
    door: free,
    premises: overridden("lockdown"),
    expect: "lockdown ada-card ada",
  },
  {
    name: "the time unknown",
    premises: overridden("lockdown"),
    clock: "unknown",
    expect: "lockdown ada-card ada",
  },
  {
    name: "while a schedule would unlock the door",
    door: lockdown,
    content: { rules: [officeRule, autoUnlock] },
    expect: "lockdown ada-card ada",
  },
  {
    name: "that an operator ended: locked again",
    door: lockdown,
    premises: overridden("locked"),
    expect: "granted ada-card ada",
  },
]);

decisionTable("free access admits every valid pass, whatever rules and schedules say", [
  { name: "no rule", door: free, content: withoutRules, expect: "granted ada-card ada" },
  {
    name: "at night",
    door: free,
    content: officeOnly,
    at: nightOnMonday,
    expect: "granted ada-card ada",
  },
  {
    name: "by an operator, the time unknown",
    premises: overridden("free_access"),
    content: officeOnly,
    clock: "unknown",
    expect: "granted ada-card ada",
  },
  { name: "an unknown card", door: free, shows: stranger, expect: "unknown_credential" },
  { name: "a pass of yesterday", door: free, adaCard: past, expect: "expired ada-card ada" },
  {
    name: "a pass taken away",
    door: free,
    adaCard: { active: false },
    expect: "pass_inactive ada-card ada",
  },
  {
    name: "a suspended user",
    door: free,
    content: { ...adaSuspended, ...withoutRules },
    expect: "user_suspended ada-card ada",
  },
  {
    name: "a PIN alone, where only cards do",
    door: free,
    shows: pin(adaPin),
    expect: "pin_alone_not_allowed ada-pin ada",
  },
  {
    name: "the door's own two factors hold",
    door: { ...free, factors: "card_and_pin" },
    content: withoutRules,
    expect: "pin_required ada-card ada",
  },
  {
    name: "a rule's two factors do not",
    door: free,
    content: { rules: [{ ...officeRule, kind: "grant_two_factors" }] },
    expect: "granted ada-card ada",
  },
]);

decisionTable("a valid pass at an unlocked door is judged as ever", [
  { name: "a good card", door: { posture: "unlocked" }, expect: "granted ada-card ada" },
  {
    name: "no access",
    door: { posture: "unlocked" },
    content: withoutRules,
    expect: "no_access ada-card ada",
  },
  {
    name: "an unknown card",
    door: { posture: "unlocked" },
    shows: stranger,
    expect: "unknown_credential",
  },
]);

decisionTable("tampering denies where the door says so", [
  {
    name: "with this reader",
    door: { tamper: "deny" },
    reader: "outer",
    premises: { tampered: ["outer"] },
    expect: "tampered ada-card ada",
  },
  {
    name: "with the enclosure",
    door: { tamper: "deny" },
    reader: "outer",
    premises: { tampered: [""] },
    expect: "tampered ada-card ada",
  },
  {
    name: "with the enclosure, nobody knows which reader",
    door: { tamper: "deny" },
    premises: { tampered: [""] },
    expect: "tampered ada-card ada",
  },
  {
    name: "with another reader",
    door: { tamper: "deny" },
    reader: "outer",
    premises: { tampered: ["inner"] },
    expect: "granted ada-card ada",
  },
  {
    name: "where the door goes on",
    reader: "outer",
    premises: { tampered: ["outer"] },
    expect: "granted ada-card ada",
  },
  {
    name: "an unknown card",
    door: { tamper: "deny" },
    shows: stranger,
    premises: { tampered: [""] },
    expect: "tampered",
  },
]);

decisionTable("an operator's temporary override is over at its end", [
  {
    name: "before",
    premises: {
      postures: { front: { override: { posture: "disabled", until: at(nightOnMonday) } } },
    },
    expect: "door_disabled ada-card ada",
  },
  {
    name: "at its end",
    premises: {
      postures: { front: { override: { posture: "disabled", until: at(noonOnMonday) } } },
    },
    expect: "granted ada-card ada",
  },
]);

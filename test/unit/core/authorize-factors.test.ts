import {
  adaCard,
  adaPin,
  adaSuspended,
  bobPin,
  card,
  decisionTable,
  future,
  nightOnMonday,
  officeAndAlways,
  officeOnly,
  past,
  pin,
  withoutRules,
} from "./decision-case.ts";
import { digestOf } from "./sample-table.ts";

const both = { factors: "card_and_pin" } as const;
const either = { factors: "card_or_pin" } as const;

decisionTable("a PIN alone opens only where the door allows it", [
  { name: "at a card door", shows: pin(adaPin), expect: "pin_alone_not_allowed ada-pin ada" },
  {
    name: "at a door of two factors",
    door: both,
    shows: pin(adaPin),
    expect: "pin_alone_not_allowed ada-pin ada",
  },
  { name: "where it is allowed", door: either, shows: pin(adaPin), expect: "granted ada-pin ada" },
  {
    name: "where it is allowed, expired",
    door: either,
    adaPin: past,
    shows: pin(adaPin),
    expect: "expired ada-pin ada",
  },
  {
    name: "of a user with no access",
    where: "lab",
    shows: pin(adaPin),
    expect: "no_access ada-pin ada",
  },
]);

decisionTable("a door of two factors wants the card and then its user's PIN", [
  { name: "card alone", door: both, expect: "pin_required ada-card ada" },
  {
    name: "card and PIN",
    door: both,
    shows: card(adaCard, adaPin),
    expect: "granted ada-card ada",
  },
  {
    name: "a PIN of nobody",
    door: both,
    shows: card(adaCard, digestOf("f")),
    expect: "wrong_pin ada-card ada",
  },
  {
    name: "another's PIN",
    door: both,
    shows: card(adaCard, bobPin),
    expect: "pin_of_another_user ada-card ada",
  },
  {
    name: "a PIN taken away",
    door: both,
    adaPin: { active: false },
    shows: card(adaCard, adaPin),
    expect: "pass_inactive ada-card ada",
  },
  {
    name: "a PIN of yesterday",
    door: both,
    adaPin: past,
    shows: card(adaCard, adaPin),
    expect: "expired ada-card ada",
  },
  {
    name: "a PIN of tomorrow",
    door: both,
    adaPin: future,
    shows: card(adaCard, adaPin),
    expect: "not_yet_valid ada-card ada",
  },
  {
    name: "a PIN with an end, at no known time",
    door: both,
    adaPin: past,
    clock: "unknown",
    shows: card(adaCard, adaPin),
    expect: "clock_unknown ada-card ada",
  },
  {
    name: "an unknown card with a good PIN",
    door: both,
    shows: card("8:01", adaPin),
    expect: "unknown_credential",
  },
]);

decisionTable("nobody whom the door would deny is asked for a PIN", [
  { name: "expired", door: both, adaCard: past, expect: "expired ada-card ada" },
  { name: "suspended", door: both, content: adaSuspended, expect: "user_suspended ada-card ada" },
  { name: "no access", door: both, content: withoutRules, expect: "no_access ada-card ada" },
  {
    name: "at night",
    door: both,
    content: officeOnly,
    at: nightOnMonday,
    expect: "outside_schedule ada-card ada",
  },
]);

decisionTable("where one factor is enough, the card decides whatever PIN follows", [
  {
    name: "a wrong PIN at a card door",
    shows: card(adaCard, digestOf("f")),
    expect: "granted ada-card ada",
  },
  {
    name: "a good PIN does not mend a bad card",
    shows: card("8:01", adaPin),
    expect: "unknown_credential",
  },
  {
    name: "nor where a PIN alone would do",
    door: either,
    adaCard: past,
    shows: card(adaCard, adaPin),
    expect: "expired ada-card ada",
  },
]);

const allow = { clockUnknown: "allow" } as const;

decisionTable("while the time is unknown, what depends on it follows the door's setting", [
  { name: "no limits: works", clock: "unknown", expect: "granted ada-card ada" },
  {
    name: "an end, denied by default",
    clock: "unknown",
    adaCard: past,
    expect: "clock_unknown ada-card ada",
  },
  {
    name: "a start, denied by default",
    clock: "unknown",
    adaCard: { startsAt: past.endsAt },
    expect: "clock_unknown ada-card ada",
  },
  {
    name: "a schedule, denied by default",
    clock: "unknown",
    content: officeOnly,
    expect: "clock_unknown ada-card ada",
  },
  {
    name: "a rule without schedule admits",
    clock: "unknown",
    content: officeAndAlways,
    expect: "granted ada-card ada",
  },
  {
    name: "an end, allowed",
    clock: "unknown",
    door: allow,
    adaCard: past,
    expect: "granted ada-card ada",
  },
  {
    name: "a schedule, allowed",
    clock: "unknown",
    door: allow,
    content: officeOnly,
    at: nightOnMonday,
    expect: "granted ada-card ada",
  },
  {
    name: "no access stays no access",
    clock: "unknown",
    door: allow,
    content: withoutRules,
    expect: "no_access ada-card ada",
  },
  {
    name: "holdover counts as known",
    clock: "holdover",
    door: allow,
    adaCard: past,
    expect: "expired ada-card ada",
  },
]);

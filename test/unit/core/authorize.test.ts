import t from "tap";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import { authorize } from "../../../src/core/authorize.ts";
import { checks } from "../../../src/core/checks.ts";
import type { Presented } from "../../../src/core/presented.ts";
import type { DoorSettings, PassRecord, TableContent } from "../../../src/domain/access.ts";
import { pinDigest, rawCredential } from "../../../src/domain/credential.ts";
import { doorId } from "../../../src/domain/ids.ts";
import { denialReasons } from "../../../src/domain/reason.ts";
import type { ClockQuality } from "../../../src/domain/time.ts";
import {
  at,
  cardPass,
  digestOf,
  door,
  pinPass,
  rule,
  schedule,
  tableContent,
  testHashKey,
  user,
} from "./sample-table.ts";

const adaCard = "26:0190e0f";
const bobCard = "26:0180001";
const adaPin = digestOf("a");
const bobPin = digestOf("b");
const noonOnMonday = "2026-03-02T12:00:00+01:00";
const nightOnMonday = "2026-03-02T23:00:00+01:00";

const card = (raw: string, pin?: string): Presented => ({
  card: rawCredential(raw),
  ...(pin === undefined ? {} : { pin: pinDigest(pin) }),
});
const pin = (digest: string): Presented => ({ pin: pinDigest(digest) });

/** Ada with card and PIN, Bob likewise; both always admitted at `front`. */
interface Site {
  readonly door?: Partial<DoorSettings>;
  readonly adaCard?: Partial<PassRecord>;
  readonly adaPin?: Partial<PassRecord>;
  readonly content?: Partial<TableContent>;
}

function site(of: Site): TableContent {
  return tableContent({
    doors: [door("front", of.door), door("lab", of.door)],
    users: [user("ada"), user("bob")],
    passes: [
      cardPass("ada-card", "ada", adaCard, of.adaCard),
      pinPass("ada-pin", "ada", adaPin, of.adaPin),
      cardPass("bob-card", "bob", bobCard),
      pinPass("bob-pin", "bob", bobPin),
    ],
    rules: [rule("all", ["ada", "bob"], ["front"])],
    schedules: [schedule("office", [{ days: [1, 2, 3, 4, 5], fromMinute: 540, toMinute: 1020 }])],
    ...of.content,
  });
}

interface Case extends Site {
  readonly name: string;
  readonly at?: string;
  readonly clock?: ClockQuality;
  readonly where?: string;
  readonly shows?: Presented;
  readonly expect: string;
}

/** The decision as one word: `granted ada-card ada`, `expired ada-card ada`, `unknown_credential`. */
function decide(given: Case): string {
  const decision = authorize(buildAccessTable(site(given), testHashKey), {
    door: doorId(given.where ?? "front"),
    presented: given.shows ?? card(adaCard),
    wall: { at: at(given.at ?? noonOnMonday), quality: given.clock ?? "trusted" },
  });
  const { kind, pass, user } = decision;
  return [kind === "denied" ? decision.reason : kind, pass, user].filter(Boolean).join(" ");
}

function decisionTable(title: string, cases: readonly Case[]): void {
  t.test(title, async (t) => {
    for (const given of cases) t.equal(decide(given), given.expect, given.name);
  });
}

const officeOnly = { rules: [rule("all", ["ada", "bob"], ["front"], "office")] };
const officeAndAlways = {
  rules: [rule("some", ["ada"], ["front"], "office"), rule("any", ["ada"], ["front"])],
};
const withoutRules = { rules: [] };
const adaSuspended = { users: [user("ada", { suspended: true }), user("bob")] };
const past = { endsAt: at("2026-03-01T00:00:00+01:00") };
const future = { startsAt: at("2026-03-03T00:00:00+01:00") };

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
      "credential",
      "pass_active",
      "user_active",
      "clock",
      "start",
      "end",
      "access",
      "schedule",
      "factors",
    ],
  );
  const reasons = [
    "unknown_credential",
    "pass_inactive",
    "user_suspended",
    "clock_unknown",
    "not_yet_valid",
    "expired",
    "no_access",
    "outside_schedule",
    "pin_alone_not_allowed",
  ] as const;
  const places = reasons.map((reason) => denialReasons.indexOf(reason));
  t.same(
    places,
    places.toSorted((left, right) => left - right),
  );
});

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

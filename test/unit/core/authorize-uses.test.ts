import t from "tap";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import { duressOf } from "../../../src/core/authorize.ts";
import type { PassTrait, UserTrait } from "../../../src/domain/access.ts";
import { pinDigest } from "../../../src/domain/credential.ts";
import {
  adaCard,
  adaPin,
  bobPin,
  card,
  decisionTable,
  past,
  pin,
  type Site,
  site,
  withoutRules,
} from "./decision-case.ts";
import { rule, testHashKey, user } from "./sample-table.ts";

const ofTwo = { usesMax: 2 };

decisionTable("a pass that is good for N grants gets N and is then over its limit", [
  { name: "none spent", adaCard: ofTwo, expect: "granted ada-card ada use:1" },
  {
    name: "one spent here",
    adaCard: ofTwo,
    premises: { spent: { "ada-card": 1 } },
    expect: "granted ada-card ada use:2",
  },
  {
    name: "both spent here",
    adaCard: ofTwo,
    premises: { spent: { "ada-card": 2 } },
    expect: "over_limit ada-card ada",
  },
  {
    name: "more spent than it had, after the site lowered it",
    adaCard: ofTwo,
    premises: { spent: { "ada-card": 7 } },
    expect: "over_limit ada-card ada",
  },
  {
    name: "one spent elsewhere",
    adaCard: { ...ofTwo, spentElsewhere: 1 },
    expect: "granted ada-card ada use:1",
  },
  {
    name: "one spent here and one elsewhere",
    adaCard: { ...ofTwo, spentElsewhere: 1 },
    premises: { spent: { "ada-card": 1 } },
    expect: "over_limit ada-card ada",
  },
  {
    name: "spent here before the controller's storage was replaced",
    adaCard: { ...ofTwo, spentHere: 2 },
    expect: "over_limit ada-card ada",
  },
  {
    name: "the site has not heard of the last one yet",
    adaCard: { ...ofTwo, spentHere: 1 },
    premises: { spent: { "ada-card": 2 } },
    expect: "over_limit ada-card ada",
  },
  {
    name: "what both know of is not counted twice",
    adaCard: { usesMax: 3, spentHere: 2 },
    premises: { spent: { "ada-card": 2 } },
    expect: "granted ada-card ada use:3",
  },
  {
    name: "another pass's grants are not counted",
    adaCard: ofTwo,
    premises: { spent: { "bob-card": 2 } },
    expect: "granted ada-card ada use:1",
  },
  {
    name: "a pass without a limit never is, whatever was counted",
    premises: { spent: { "ada-card": 1_000 } },
    expect: "granted ada-card ada",
  },
  {
    name: "expired before over its limit",
    adaCard: { ...ofTwo, ...past },
    premises: { spent: { "ada-card": 2 } },
    expect: "expired ada-card ada",
  },
  {
    name: "over its limit before no access",
    adaCard: ofTwo,
    content: withoutRules,
    premises: { spent: { "ada-card": 2 } },
    expect: "over_limit ada-card ada",
  },
  {
    name: "free access does not give it more",
    adaCard: ofTwo,
    door: { posture: "free_access" },
    premises: { spent: { "ada-card": 2 } },
    expect: "over_limit ada-card ada",
  },
  {
    name: "a PIN that is used up completes no card",
    door: { factors: "card_and_pin" },
    adaPin: ofTwo,
    shows: card(adaCard, adaPin),
    premises: { spent: { "ada-pin": 2 } },
    expect: "over_limit ada-card ada",
  },
]);

const asksBoth = { factors: "card_and_pin" } as const;

decisionTable("a PIN that is good for N entries completes N cards and is then used up", [
  {
    name: "the first",
    door: asksBoth,
    adaPin: ofTwo,
    shows: card(adaCard, adaPin),
    expect: "granted ada-card ada pin_use:ada-pin:1",
  },
  {
    name: "the last",
    door: asksBoth,
    adaPin: ofTwo,
    shows: card(adaCard, adaPin),
    premises: { spent: { "ada-pin": 1 } },
    expect: "granted ada-card ada pin_use:ada-pin:2",
  },
  {
    name: "with a card that is counted too",
    door: asksBoth,
    adaCard: ofTwo,
    adaPin: { usesMax: 3, spentHere: 1, spentElsewhere: 1 },
    shows: card(adaCard, adaPin),
    expect: "granted ada-card ada use:1 pin_use:ada-pin:2",
  },
  {
    name: "by a rule that asks for two factors",
    adaPin: ofTwo,
    content: { rules: [{ ...rule("all", ["ada"], ["front"]), kind: "grant_two_factors" }] },
    shows: card(adaCard, adaPin),
    expect: "granted ada-card ada pin_use:ada-pin:1",
  },
  {
    name: "together with another who completed his before",
    door: { ...asksBoth, twoPerson: "required" },
    adaPin: ofTwo,
    waiting: card(adaCard, adaPin),
    shows: card("26:0180001", bobPin),
    expect: "granted bob-card bob along:ada-card+pin_use:ada-pin:1",
  },
  {
    name: "one that nobody asked for completes nothing and is not used",
    adaPin: ofTwo,
    shows: card(adaCard, adaPin),
    expect: "granted ada-card ada",
  },
  {
    name: "alone it is the pass itself",
    door: { factors: "card_or_pin" },
    adaPin: ofTwo,
    shows: pin(adaPin),
    expect: "granted ada-pin ada use:1",
  },
]);

const duress = { traits: ["duress"] satisfies PassTrait[] };
const either = { factors: "card_or_pin" } as const;
const both = { factors: "card_and_pin" } as const;

decisionTable("a duress PIN opens as its user's PIN would, and tells", [
  {
    name: "alone",
    door: either,
    adaPin: duress,
    shows: pin(adaPin),
    expect: "granted ada-pin ada duress:ada-pin",
  },
  {
    name: "after the card",
    door: both,
    adaPin: duress,
    shows: card(adaCard, adaPin),
    expect: "granted ada-card ada duress:ada-pin",
  },
  {
    name: "after the card where no PIN was asked for",
    adaPin: duress,
    shows: card(adaCard, adaPin),
    expect: "granted ada-card ada duress:ada-pin",
  },
  {
    name: "where the door denies",
    adaPin: duress,
    shows: pin(adaPin),
    expect: "pin_alone_not_allowed ada-pin ada duress:ada-pin",
  },
  {
    name: "in lockdown",
    door: { ...either, posture: "lockdown" },
    adaPin: duress,
    shows: pin(adaPin),
    expect: "lockdown ada-pin ada duress:ada-pin",
  },
  {
    name: "after another's card",
    door: both,
    adaPin: duress,
    shows: card("26:0180001", adaPin),
    expect: "pin_of_another_user bob-card bob duress:ada-pin",
  },
  {
    name: "after a card of nobody",
    adaPin: duress,
    shows: card("8:01", adaPin),
    expect: "unknown_credential duress:ada-pin",
  },
  {
    name: "one that was taken away says nothing",
    door: either,
    adaPin: { ...duress, active: false },
    shows: pin(adaPin),
    expect: "pass_inactive ada-pin ada",
  },
  {
    name: "the usual PIN says nothing",
    door: both,
    shows: card("26:0180001", bobPin),
    expect: "granted bob-card bob",
  },
]);

t.test("of a PIN that nobody judges, duress is told all the same", async (t) => {
  const told = (part: Site, digest: string) =>
    duressOf(buildAccessTable(site(part), testHashKey), pinDigest(digest));
  t.same(told({ adaPin: duress }, adaPin), { pass: "ada-pin", user: "ada" });
  t.same(told({ adaPin: duress }, bobPin), undefined, "another's");
  t.same(told({}, adaPin), undefined, "the usual one");
  t.same(told({ adaPin: { ...duress, active: false } }, adaPin), undefined, "taken away");
  t.same(told({ adaPin: duress }, "0".repeat(32)), undefined, "nobody's");
  t.same(duressOf(undefined, pinDigest(adaPin)), undefined, "no table");
});

const adaIs = (...traits: readonly UserTrait[]) => ({
  content: { users: [user("ada", { traits }), user("bob")] },
});

decisionTable("a grant says what its pass and user are due", [
  { name: "extra time", ...adaIs("extra_time"), expect: "granted ada-card ada extra_time" },
  { name: "an escort", ...adaIs("may_escort"), expect: "granted ada-card ada escorts" },
  { name: "a toggle", adaCard: { traits: ["toggle"] }, expect: "granted ada-card ada toggles" },
  {
    name: "no whereabouts at a door without areas",
    ...adaIs("manager", "passback_exempt"),
    expect: "granted ada-card ada",
  },
]);

import t from "tap";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import { type Admission, authorize, type Decision } from "../../../src/core/authorize.ts";
import type { Presented } from "../../../src/core/presented.ts";
import type { DoorSettings, PassRecord, TableContent } from "../../../src/domain/access.ts";
import { pinDigest, rawCredential } from "../../../src/domain/credential.ts";
import { doorId, readerId } from "../../../src/domain/ids.ts";
import { type ClockQuality, monotonicMs } from "../../../src/domain/time.ts";
import { type PremisesFacts, premisesOf } from "./premises-facts.ts";
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

export const adaCard = "26:0190e0f";
export const bobCard = "26:0180001";
export const adaPin = digestOf("a");
export const bobPin = digestOf("b");
export const noonOnMonday = "2026-03-02T12:00:00+01:00";
export const nightOnMonday = "2026-03-02T23:00:00+01:00";

export const card = (raw: string, pin?: string): Presented => ({
  card: rawCredential(raw),
  ...(pin === undefined ? {} : { pin: pinDigest(pin) }),
});
export const pin = (digest: string): Presented => ({ pin: pinDigest(digest) });

/** Ada with card and PIN, Bob likewise; both always admitted at `front`. */
export interface Site {
  readonly door?: Partial<DoorSettings>;
  readonly adaCard?: Partial<PassRecord>;
  readonly adaPin?: Partial<PassRecord>;
  readonly content?: Partial<TableContent>;
}

export function site(of: Site): TableContent {
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

export interface Case extends Site {
  readonly name: string;
  readonly at?: string;
  readonly clock?: ClockQuality;
  readonly where?: string;
  readonly reader?: string;
  readonly shows?: Presented;
  readonly now?: number;
  readonly premises?: PremisesFacts;
  /** Who waits at the door for company. */
  readonly waiting?: Presented;
  readonly isEscorted?: boolean;
  readonly expect: string;
}

/**
 * The decision in words: `granted ada-card ada`, `expired ada-card ada`, `unknown_credential`; of a
 * grant also what is to be done, of whom it concerns: `granted ada-card ada to:vault along:bob-card`.
 */
export function decide(given: Case): string {
  const { reader, waiting, isEscorted = false } = given;
  const decision = authorize(buildAccessTable(site(given), testHashKey), {
    door: doorId(given.where ?? "front"),
    ...(reader !== undefined && { reader: readerId(reader) }),
    presented: given.shows ?? card(adaCard),
    wall: { at: at(given.at ?? noonOnMonday), quality: given.clock ?? "trusted" },
    now: monotonicMs(given.now ?? 0),
    premises: premisesOf(given.premises ?? {}),
    company: { isEscorted, ...(waiting && { waiting }) },
  });
  return inWords(decision);
}

function inWords(decision: Decision): string {
  const { kind, pass, user, duress } = decision;
  const words: string[] = [kind === "denied" ? decision.reason : kind, pass ?? "", user ?? ""];
  if (decision.kind === "granted") {
    words.push(...wordsOf(decision));
    const { along } = decision;
    if (along !== undefined) words.push(`along:${[along.pass, ...wordsOf(along)].join("+")}`);
  }
  if (duress !== undefined) words.push(`duress:${duress.pass}`);
  return words.filter((word) => word !== "").join(" ");
}

function wordsOf(admission: Admission): readonly string[] {
  const { use, pinUse, passage, extraTime, escorts, toggles, passbackFrom } = admission;
  return [
    use === undefined ? "" : `use:${use}`,
    pinUse === undefined ? "" : `pin_use:${pinUse.pass}:${pinUse.use}`,
    passage === undefined ? "" : `to:${passage.to ?? "outside"}`,
    passage?.isManager === true ? "manager" : "",
    extraTime === undefined ? "" : "extra_time",
    escorts === undefined ? "" : "escorts",
    toggles === undefined ? "" : "toggles",
    passbackFrom === undefined ? "" : `violates:${passbackFrom.area ?? "outside"}`,
  ].filter((word) => word !== "");
}

export function decisionTable(title: string, cases: readonly Case[]): void {
  t.test(title, async (t) => {
    for (const given of cases) t.equal(decide(given), given.expect, given.name);
  });
}

export const officeRule = rule("all", ["ada", "bob"], ["front"], "office");
export const officeOnly = { rules: [officeRule] };
export const officeAndAlways = {
  rules: [rule("some", ["ada"], ["front"], "office"), rule("any", ["ada"], ["front"])],
};
export const withoutRules = { rules: [] };
export const adaSuspended = { users: [user("ada", { suspended: true }), user("bob")] };
export const past = { endsAt: at("2026-03-01T00:00:00+01:00") };
export const future = { startsAt: at("2026-03-03T00:00:00+01:00") };

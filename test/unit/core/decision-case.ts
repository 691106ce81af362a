import t from "tap";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import { authorize } from "../../../src/core/authorize.ts";
import { unknownPremises } from "../../../src/core/premises.ts";
import type { Presented } from "../../../src/core/presented.ts";
import type { DoorSettings, PassRecord, TableContent } from "../../../src/domain/access.ts";
import { pinDigest, rawCredential } from "../../../src/domain/credential.ts";
import { doorId } from "../../../src/domain/ids.ts";
import { type ClockQuality, monotonicMs } from "../../../src/domain/time.ts";
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
  readonly shows?: Presented;
  readonly expect: string;
}

/** The decision as one word: `granted ada-card ada`, `expired ada-card ada`, `unknown_credential`. */
export function decide(given: Case): string {
  const decision = authorize(buildAccessTable(site(given), testHashKey), {
    door: doorId(given.where ?? "front"),
    presented: given.shows ?? card(adaCard),
    wall: { at: at(given.at ?? noonOnMonday), quality: given.clock ?? "trusted" },
    now: monotonicMs(0),
    premises: unknownPremises,
  });
  const { kind, pass, user } = decision;
  return [kind === "denied" ? decision.reason : kind, pass, user].filter(Boolean).join(" ");
}

export function decisionTable(title: string, cases: readonly Case[]): void {
  t.test(title, async (t) => {
    for (const given of cases) t.equal(decide(given), given.expect, given.name);
  });
}

export const officeOnly = { rules: [rule("all", ["ada", "bob"], ["front"], "office")] };
export const officeAndAlways = {
  rules: [rule("some", ["ada"], ["front"], "office"), rule("any", ["ada"], ["front"])],
};
export const withoutRules = { rules: [] };
export const adaSuspended = { users: [user("ada", { suspended: true }), user("bob")] };
export const past = { endsAt: at("2026-03-01T00:00:00+01:00") };
export const future = { startsAt: at("2026-03-03T00:00:00+01:00") };

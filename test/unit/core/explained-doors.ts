import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import type { AccessRequest } from "../../../src/core/authorize.ts";
import { explain } from "../../../src/core/explain.ts";
import { nextGrantAt } from "../../../src/core/next-grant.ts";
import { type Premises, unknownPremises } from "../../../src/core/premises.ts";
import type { RuleRecord } from "../../../src/domain/access.ts";
import { pinDigest } from "../../../src/domain/credential.ts";
import { areaId, doorId, passId, readerId } from "../../../src/domain/ids.ts";
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

export const vault = areaId("vault");
const timedArea = areaId("gym");
export const doors = ["front", "lab", "shop", "free", "off", "vault", "gym", "mantrap", "pair"];

const unlocking: RuleRecord = {
  ...rule("opening-hours", [], ["shop"], "office"),
  kind: "auto_unlock",
};
const twoFactors: RuleRecord = {
  ...rule("two", ["ada"], ["lab"]),
  kind: "grant_two_factors",
};

export const table = buildAccessTable(
  tableContent({
    areas: [
      {
        id: vault,
        passback: "hard",
        passbackMs: 3_600_000,
        occupancyMax: 2,
        managerIn: "required",
      },
      { id: timedArea, passback: "timed", passbackMs: 600_000, managerIn: "not_required" },
    ],
    doors: [
      door("front", { tamper: "deny" }),
      door("lab", { factors: "card_or_pin" }),
      door("shop"),
      door("late", { factors: "card_or_pin" }),
      door("free", { posture: "free_access" }),
      door("off", { posture: "disabled" }),
      door("vault", { inside: vault, exitReaders: [readerId("vault-out")] }),
      door("gym", { inside: timedArea }),
      door("mantrap", { interlock: [doorId("front"), doorId("shop")] }),
      door("pair", { twoPerson: "required" }),
    ],
    users: [
      user("ada"),
      user("bob", { suspended: true }),
      user("cleo", { traits: ["needs_escort", "passback_exempt"] }),
      user("mia", { traits: ["manager"] }),
    ],
    passes: [
      cardPass("ada-card", "ada", "26:0190e0f"),
      pinPass("ada-pin", "ada", digestOf("a")),
      pinPass("ada-next-pin", "ada", digestOf("b"), { startsAt: at("2026-03-04T00:00:00Z") }),
      cardPass("ada-through", "ada", "26:0000005", { traits: ["pass_through"] }),
      cardPass("ada-thrice", "ada", "26:0000006", { usesMax: 3, spentHere: 1, spentElsewhere: 1 }),
      cardPass("bob-card", "bob", "26:0000001"),
      cardPass("cleo-card", "cleo", "26:0000002"),
      cardPass("mia-card", "mia", "26:0000003"),
      cardPass("ada-later", "ada", "26:0000007", { startsAt: at("2026-03-07T00:00:00+01:00") }),
      cardPass("ada-much-later", "ada", "26:0000008", { startsAt: at("2031-01-01T00:00:00Z") }),
    ],
    rules: [
      rule("sales-free", ["ada"], ["free"], "office"),
      rule("night", ["ada"], ["late"], "evening"),
      { ...rule("by-day", ["ada"], ["late"]), kind: "grant_two_factors" },
      rule("guests", ["mia"], ["late"], "always"),
      rule(
        "staff",
        ["ada", "bob", "cleo", "mia"],
        doors.filter((name) => !/lab|free|shop/.test(name)),
      ),
      rule("sales", ["ada"], ["shop"], "office"),
      twoFactors,
      unlocking,
    ],
    schedules: [
      schedule("office", [{ days: [1, 2, 3, 4, 5], fromMinute: 540, toMinute: 1_020 }]),
      schedule("evening", [{ days: [1, 2, 3, 4, 5], fromMinute: 1_080, toMinute: 1_320 }]),
      schedule("always", [{ days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 0, toMinute: 1_440 }]),
    ],
  }),
  testHashKey,
);

interface Asked {
  readonly door?: string;
  readonly pass?: string;
  readonly pin?: string;
  readonly reader?: string;
  readonly at?: string;
  readonly clock?: ClockQuality;
  readonly now?: number;
  readonly premises?: Partial<Premises>;
  readonly waiting?: string;
  readonly isEscorted?: boolean;
}

export function requestOf(asked: Asked): AccessRequest {
  const { reader, waiting, isEscorted = false } = asked;
  return {
    door: doorId(asked.door ?? "front"),
    ...(reader === undefined ? {} : { reader: readerId(reader) }),
    presented: {
      pass: passId(asked.pass ?? "ada-card"),
      ...(asked.pin === undefined ? {} : { pin: pinDigest(asked.pin) }),
    },
    now: monotonicMs(asked.now ?? 0),
    premises: { ...unknownPremises, ...asked.premises },
    wall: { at: at(asked.at ?? "2026-03-02T12:00:00+01:00"), quality: asked.clock ?? "trusted" },
    company: {
      isEscorted,
      ...(waiting === undefined ? {} : { waiting: { pass: passId(waiting) } }),
    },
  };
}

export function saw(check: string, asked: Asked): string {
  const rung = explain(table, requestOf(asked)).ladder.find((one) => one.check === check);
  const remedy = rung?.remedy === undefined ? "" : ` -> ${rung.remedy}`;
  return `${rung?.verdict}: ${rung?.saw}${remedy}`;
}

export function next(asked: Asked): string {
  const found = nextGrantAt(table, requestOf(asked));
  if (found.kind !== "at") return `${found.kind}, ${found.reason}`;
  return new Date(found.at).toISOString().slice(0, 19);
}

export const inside = (area: string | undefined, since = 0): Partial<Premises> => ({
  whereabouts: () => ({
    since: monotonicMs(since),
    ...(area === undefined ? {} : { area: areaId(area) }),
  }),
});
export const overridden = (
  posture: "lockdown" | "disabled" | "free_access" | "unlocked",
  until?: string,
): Partial<Premises> => ({
  postureState: () => ({
    override: { posture, ...(until === undefined ? {} : { until: at(until) }) },
  }),
});

export interface Said extends Asked {
  readonly check: string;
  readonly saw: string;
  readonly next: string;
}

export const noon = "2026-03-02T11:00:00";

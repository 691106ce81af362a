import { Seeded } from "../../../hal/sim/seeded.ts";
import type { AccessRequest } from "../../../src/core/authorize.ts";
import { unknownPremises } from "../../../src/core/premises.ts";
import type { DoorSettings, RuleRecord, ScheduleRecord } from "../../../src/domain/access.ts";
import { type RawCredential, rawCredential } from "../../../src/domain/credential.ts";
import {
  doorId,
  type PassId,
  passId,
  ruleId,
  scheduleId,
  type UserId,
  userId,
} from "../../../src/domain/ids.ts";
import { type EpochMs, epochMs, monotonicMs } from "../../../src/domain/time.ts";

/**
 * A site of any size that every subject is loaded from and asked about: each user has one card, pass
 * and user are told by number, and nothing is kept, so that a subject's memory is its own.
 */
export const zone = "Europe/Berlin";
/** A Monday noon: inside of office hours. */
export const now = epochMs(Date.parse("2026-03-02T12:00:00+01:00"));
export const doorCount = 16;
export const groupCount = 40;
const doorsPerGroup = 4;

const cardBits = 26;

/** Numbers of cards in use are spread over all there are, as those of a bought batch are not. */
export function cardOf(pass: number): RawCredential {
  const bits = Math.imul(pass + 1, 0x9e3779b1) & (2 ** cardBits - 1);
  // Through a buffer, so that it is one flat string as one from a message is, and not a rope.
  const text = `${cardBits}:${(bits >>> 0).toString(16).padStart(7, "0")}`;
  return rawCredential(Buffer.from(text, "latin1").toString("latin1"));
}

export const passName = (pass: number): PassId => passId(`pass-${String(pass).padStart(7, "0")}`);
export const userName = (pass: number): UserId => userId(`user-${String(pass).padStart(7, "0")}`);

/** Every pass has dates, to the minute; every tenth has ended. */
export function datesOf(pass: number): { readonly startsAt: EpochMs; readonly endsAt: EpochMs } {
  const hour = 3_600_000;
  const spread = (pass % 5_000) * hour;
  return {
    startsAt: epochMs(now - spread - hour),
    endsAt: epochMs(pass % 10 === 3 ? now - spread - hour / 2 : now + spread + hour),
  };
}

export const isActive = (pass: number): boolean => pass % 97 !== 5;
export const isSuspended = (pass: number): boolean => pass % 89 === 7;

/** Each user is in two groups; each group may enter four doors, every second one in office hours. */
export function groupsOf(pass: number): readonly [number, number] {
  return [pass % groupCount, (pass * 7 + 1) % groupCount];
}

export function doorsOf(group: number): readonly number[] {
  return Array.from({ length: doorsPerGroup }, (_, index) => (group * 3 + index * 5) % doorCount);
}

export const hasOfficeHours = (group: number): boolean => group % 2 === 1;

export const officeHours: ScheduleRecord = {
  id: scheduleId("office"),
  intervals: [{ days: [1, 2, 3, 4, 5], fromMinute: 480, toMinute: 1_080 }],
};

export const doorName = (door: number): DoorSettings["id"] => doorId(`door-${door}`);

export function ruleOf(group: number, users: readonly UserId[]): RuleRecord {
  return {
    id: ruleId(`rule-${group}`),
    kind: "grant",
    zones: [],
    users,
    doors: doorsOf(group).map(doorName),
    ...(hasOfficeHours(group) ? { schedule: officeHours.id } : {}),
  };
}

/**
 * What is asked: any pass at any door in no order, so that no cache of a table is kept warm by the
 * workload, and in 15 of 100 cases a card that no pass has. A request is made when it is wanted, as a
 * reader does: many made beforehand would be fetched from memory at the subject's expense.
 */
export function requestSource(passCount: number, seed: number): () => AccessRequest {
  const random = new Seeded(seed);
  const below = (limit: number): number => random.between(0, limit - 1);
  const doors = Array.from({ length: doorCount }, (_, door) => doorName(door));
  return () => {
    const isKnown = below(100) >= 15;
    return {
      door: doors[below(doorCount)] ?? doorName(0),
      presented: { card: cardOf(isKnown ? below(passCount) : passCount + below(passCount)) },
      wall: { at: now, quality: "trusted" },
      now: monotonicMs(0),
      premises: unknownPremises,
    };
  };
}

import type {
  AreaRecord,
  DoorSettings,
  PassRecord,
  RuleRecord,
  ScheduleRecord,
  TableContent,
  UserRecord,
} from "../../../src/domain/access.ts";
import { phoneCredential, pinDigest, rawCredential } from "../../../src/domain/credential.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import {
  areaId,
  controllerId,
  doorId,
  passId,
  ruleId,
  scheduleId,
  siteId,
  userId,
} from "../../../src/domain/ids.ts";
import { type EpochMs, epochMs } from "../../../src/domain/time.ts";

export const testHashKey = [0x5eed, 0xfeed] as const;

export const at = (iso: string): EpochMs => epochMs(Date.parse(iso));

export function tableContent(part: Partial<TableContent>): TableContent {
  return {
    site: siteId("test"),
    controller: controllerId("one"),
    table: { epoch: 1, version: 7 },
    compiledAt: at("2026-01-01T00:00:00Z"),
    zone: "Europe/Berlin",
    calendar: [],
    zones: [],
    areas: [],
    doors: [],
    users: [],
    passes: [],
    rules: [],
    schedules: [],
    ...part,
  };
}

export function door(id: string, part: Partial<DoorSettings> = {}): DoorSettings {
  return {
    ...doorDefaults,
    id: doorId(id),
    name: id,
    unlockMs: 3_000,
    heldOpenMs: 20_000,
    heldOpenWarningMs: 5_000,
    strikeOnMaxMs: 10_000,
    relock: "after_unlock_time",
    factors: "card",
    secondFactorMs: 10_000,
    rex: "admit",
    clockUnknown: "deny",
    ...part,
  };
}

export function user(id: string, part: Partial<UserRecord> = {}): UserRecord {
  return { id: userId(id), suspended: false, ...part };
}

export function cardPass(
  id: string,
  of: string,
  raw: string,
  part: Partial<PassRecord> = {},
): PassRecord {
  return {
    id: passId(id),
    user: userId(of),
    kind: "csn_card",
    active: true,
    presents: { as: "raw", raw: rawCredential(raw) },
    ...part,
  };
}

/** A phone's. `digit` stands for the digest of its key, which no real one has. */
export function phonePass(
  id: string,
  of: string,
  digit: string,
  part: Partial<PassRecord> = {},
): PassRecord {
  return cardPass(id, of, phoneCredential(digestOf(digit)), { kind: "mobile", ...part });
}

export function pinPass(
  id: string,
  of: string,
  digest: string,
  part: Partial<PassRecord> = {},
): PassRecord {
  return {
    id: passId(id),
    user: userId(of),
    kind: "pin",
    active: true,
    presents: { as: "pin", digest: pinDigest(digest) },
    ...part,
  };
}

export function area(id: string, part: Partial<AreaRecord> = {}): AreaRecord {
  return { id: areaId(id), passback: "none", managerIn: "not_required", ...part };
}

export function rule(
  id: string,
  users: readonly string[],
  doors: readonly string[],
  schedule?: string,
): RuleRecord {
  return {
    id: ruleId(id),
    kind: "grant",
    users: users.map(userId),
    doors: doors.map(doorId),
    zones: [],
    ...(schedule === undefined ? {} : { schedule: scheduleId(schedule) }),
  };
}

export function schedule(id: string, intervals: ScheduleRecord["intervals"]): ScheduleRecord {
  return { id: scheduleId(id), intervals };
}

/** A PIN's or a phone's digest that is easy to tell from others: not one of any PIN or phone. */
export const digestOf = (digit: string): string => digit.repeat(32);

import type Database from "better-sqlite3";
import { compileSchedule } from "../../../src/core/schedule.ts";
import type { PassId, UserId } from "../../../src/domain/ids.ts";
import type { Decide } from "./subject.ts";
import {
  cardOf,
  datesOf,
  doorName,
  doorsOf,
  groupCount,
  groupsOf,
  hasOfficeHours,
  isActive,
  isSuspended,
  officeHours,
  passName,
  userName,
  zone,
} from "./world.ts";

interface PassRow {
  readonly id: PassId;
  readonly active: number;
  readonly starts_at: number;
  readonly ends_at: number;
  readonly user_number: number;
  readonly user_id: UserId;
  readonly suspended: number;
}

interface RuleRow {
  readonly has_office_hours: number;
}

const schema = `
  CREATE TABLE user (number INTEGER PRIMARY KEY, id TEXT, suspended INTEGER);
  CREATE TABLE pass (
    raw TEXT PRIMARY KEY, id TEXT, user INTEGER, active INTEGER, starts_at INTEGER, ends_at INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE member (user INTEGER, rule INTEGER, PRIMARY KEY (user, rule)) WITHOUT ROWID;
  CREATE TABLE rule_door (
    rule INTEGER, door TEXT, has_office_hours INTEGER, PRIMARY KEY (rule, door)
  ) WITHOUT ROWID;
`;

/** By two prepared statements, each of which asks a table by its key. */
export function decideBy(database: Database.Database): Decide {
  const office = compileSchedule(officeHours, zone);
  const passOf = database.prepare<[string], PassRow>(
    `SELECT pass.id, active, starts_at, ends_at, number AS user_number, user.id AS user_id,
       suspended FROM pass JOIN user ON user.number = pass.user WHERE raw = ?`,
  );
  const rulesOf = database.prepare<[number, string], RuleRow>(
    `SELECT has_office_hours FROM member JOIN rule_door ON rule_door.rule = member.rule
       WHERE user = ? AND door = ?`,
  );

  return ({ presented, door, wall }) => {
    const found = passOf.get(presented.card ?? "");
    if (found === undefined) return { kind: "denied", reason: "unknown_credential" };
    const named = { pass: found.id, user: found.user_id };
    if (found.active === 0) return { kind: "denied", reason: "pass_inactive", ...named };
    if (found.suspended === 1) return { kind: "denied", reason: "user_suspended", ...named };
    if (wall.at < found.starts_at) return { kind: "denied", reason: "not_yet_valid", ...named };
    if (wall.at >= found.ends_at) return { kind: "denied", reason: "expired", ...named };
    const here = rulesOf.all(found.user_number, door);
    if (here.length === 0) return { kind: "denied", reason: "no_access", ...named };
    if (here.some((rule) => rule.has_office_hours === 0 || office.isOpen(wall.at))) {
      return { kind: "granted", ...named };
    }
    return { kind: "denied", reason: "outside_schedule", ...named };
  };
}

export function fillSite(database: Database.Database, passCount: number): void {
  database.exec(schema);
  const user = database.prepare("INSERT INTO user VALUES (?, ?, ?)");
  const pass = database.prepare("INSERT INTO pass VALUES (?, ?, ?, ?, ?, ?)");
  const member = database.prepare("INSERT OR IGNORE INTO member VALUES (?, ?)");
  const ruleDoor = database.prepare("INSERT INTO rule_door VALUES (?, ?, ?)");
  database.exec("BEGIN");
  for (let number = 0; number < passCount; number += 1) {
    const { startsAt, endsAt } = datesOf(number);
    user.run(number, userName(number), isSuspended(number) ? 1 : 0);
    const active = isActive(number) ? 1 : 0;
    pass.run(cardOf(number), passName(number), number, active, startsAt, endsAt);
    for (const group of groupsOf(number)) member.run(number, group);
  }
  for (let group = 0; group < groupCount; group += 1) {
    for (const door of doorsOf(group)) {
      ruleDoor.run(group, doorName(door), hasOfficeHours(group) ? 1 : 0);
    }
  }
  database.exec("COMMIT");
}

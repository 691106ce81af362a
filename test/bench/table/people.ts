import type { PassRecord } from "../../../src/domain/access.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import { controllerId, siteId } from "../../../src/domain/ids.ts";
import type { TableFrame, TableUser } from "../../../src/domain/table-change.ts";
import {
  cardOf,
  datesOf,
  doorCount,
  doorName,
  groupCount,
  groupsOf,
  isActive,
  isSuspended,
  officeHours,
  passName,
  ruleOf,
  userName,
  zone,
} from "../decision/world.ts";

/** The site of world.ts in the parts of which a table is made. */
const groups = Array.from({ length: groupCount }, (_, group) => group);
const ruleNames = groups.map((group) => ruleOf(group, []).id);

export const frame: TableFrame = {
  site: siteId("bench"),
  controller: controllerId("bench"),
  zone,
  calendar: [],
  zones: [],
  areas: [],
  doors: Array.from({ length: doorCount }, (_, door) => ({
    ...doorDefaults,
    id: doorName(door),
    name: `Door ${door}`,
  })),
  rules: groups.map((group) => {
    const { users: _, ...rule } = ruleOf(group, []);
    return { ...rule, whom: "named_users" };
  }),
  schedules: [officeHours],
};

export function userOf(pass: number): TableUser {
  const rules = [...new Set(groupsOf(pass))].flatMap((group) => ruleNames[group] ?? []);
  return { id: userName(pass), suspended: isSuspended(pass), rules };
}

export function passOf(pass: number): PassRecord {
  return {
    id: passName(pass),
    user: userName(pass),
    kind: "csn_card",
    active: isActive(pass),
    ...datesOf(pass),
    presents: { as: "raw", raw: cardOf(pass) },
  };
}

/** One after the other, so that nothing but the table keeps them. */
export function* usersOf(passCount: number): Iterable<TableUser> {
  for (let pass = 0; pass < passCount; pass += 1) yield userOf(pass);
}

export function* passesOf(passCount: number): Iterable<PassRecord> {
  for (let pass = 0; pass < passCount; pass += 1) yield passOf(pass);
}

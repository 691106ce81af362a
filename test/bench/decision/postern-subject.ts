import { randomInt } from "node:crypto";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import { authorize } from "../../../src/core/authorize.ts";
import type { TableContent } from "../../../src/domain/access.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import { controllerId, siteId } from "../../../src/domain/ids.ts";
import { withEveryRule } from "./full-world.ts";
import type { LoadSubject } from "./subject.ts";
import {
  cardOf,
  datesOf,
  doorCount,
  doorName,
  groupCount,
  groupsOf,
  isActive,
  isSuspended,
  now,
  officeHours,
  passName,
  ruleOf,
  userName,
  zone,
} from "./world.ts";

export const loadPostern: LoadSubject = async (passCount) => {
  const table = buildAccessTable(contentOf(passCount), [randomInt(2 ** 32), randomInt(2 ** 32)]);
  return (request) => authorize(table, request);
};

export const loadPosternWithEveryRule: LoadSubject = async (passCount) => {
  const content = withEveryRule(contentOf(passCount));
  const table = buildAccessTable(content, [randomInt(2 ** 32), randomInt(2 ** 32)]);
  return (request) => authorize(table, request);
};

function contentOf(passCount: number): TableContent {
  const numbers = Array.from({ length: passCount }, (_, pass) => pass);
  const groups = Array.from({ length: groupCount }, (_, group) => group);
  return {
    site: siteId("bench"),
    controller: controllerId("bench"),
    table: { epoch: 1, version: 1 },
    compiledAt: now,
    zone,
    calendar: [],
    zones: [],
    areas: [],
    doors: Array.from({ length: doorCount }, (_, door) => ({
      id: doorName(door),
      name: `Door ${door}`,
      ...doorDefaults,
      unlockMs: 3_000,
      heldOpenMs: 20_000,
      heldOpenWarningMs: 5_000,
      strikeOnMaxMs: 10_000,
      relock: "on_close",
      factors: "card",
      secondFactorMs: 10_000,
      rex: "admit",
      clockUnknown: "deny",
    })),
    users: numbers.map((pass) => ({ id: userName(pass), suspended: isSuspended(pass) })),
    passes: numbers.map((pass) => ({
      id: passName(pass),
      user: userName(pass),
      kind: "csn_card",
      active: isActive(pass),
      ...datesOf(pass),
      presents: { as: "raw", raw: cardOf(pass) },
    })),
    rules: groups.map((group) =>
      ruleOf(group, numbers.filter((pass) => groupsOf(pass).includes(group)).map(userName)),
    ),
    schedules: [officeHours],
  };
}

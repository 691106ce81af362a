import * as v from "valibot";
import type { TableContent } from "../../domain/access.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { describeIssue } from "./schema-parts.ts";
import { tableContentSchema } from "./table-content-schema.ts";

/**
 * The one place where a table from outside becomes a `TableContent`: shape, bounds, that every
 * reference resolves and that nothing is there twice. The fault names the field, never its value.
 */
export function parseTableContent(raw: unknown): Result<TableContent, string> {
  const parsed = v.safeParse(tableContentSchema, raw, { abortEarly: true });
  if (!parsed.success) return fail(describeIssue(parsed.issues[0]));
  const fault = findBrokenReference(parsed.output);
  return fault === undefined ? succeed(parsed.output) : fail(fault);
}

/** Adds `items`' ids to a set; the fault names the first that was there before. */
function collect<T extends { readonly id: string }>(
  items: readonly T[],
  list: string,
): Result<ReadonlySet<string>, string> {
  const ids = new Set<string>();
  for (const [index, item] of items.entries()) {
    if (ids.has(item.id)) return fail(`${list}.${index}.id: expected an id used once`);
    ids.add(item.id);
  }
  return succeed(ids);
}

function findBrokenReference(content: TableContent): string | undefined {
  const doors = collect(content.doors, "doors");
  if (!doors.ok) return doors.fault;
  const users = collect(content.users, "users");
  if (!users.ok) return users.fault;
  const schedules = collect(content.schedules, "schedules");
  if (!schedules.ok) return schedules.fault;
  const passes = collect(content.passes, "passes");
  if (!passes.ok) return passes.fault;
  const rules = collect(content.rules, "rules");
  if (!rules.ok) return rules.fault;
  return (
    findBrokenPass(content, users.value) ??
    findBrokenRule(content, { users: users.value, doors: doors.value, schedules: schedules.value })
  );
}

function findBrokenPass({ passes }: TableContent, users: ReadonlySet<string>): string | undefined {
  const presented = new Set<string>();
  for (const [index, pass] of passes.entries()) {
    const at = `passes.${index}`;
    if (!users.has(pass.user)) return `${at}.user: expected the id of a user`;
    if ((pass.kind === "pin") !== (pass.presents.as === "pin")) {
      return `${at}.presents.as: expected pin for a PIN pass, raw for any other`;
    }
    if (pass.startsAt !== undefined && pass.endsAt !== undefined && pass.endsAt < pass.startsAt) {
      return `${at}.endsAt: expected no earlier than startsAt`;
    }
    const { presents } = pass;
    // A digest never looks like raw data, which has a colon: one set serves both.
    const key = presents.as === "pin" ? presents.digest : presents.raw;
    if (presented.has(key)) return `${at}.presents: expected what no other pass presents`;
    presented.add(key);
  }
  return undefined;
}

interface KnownIds {
  readonly users: ReadonlySet<string>;
  readonly doors: ReadonlySet<string>;
  readonly schedules: ReadonlySet<string>;
}

function findBrokenRule({ rules }: TableContent, known: KnownIds): string | undefined {
  for (const [index, rule] of rules.entries()) {
    const at = `rules.${index}`;
    if (rule.schedule !== undefined && !known.schedules.has(rule.schedule)) {
      return `${at}.schedule: expected the id of a schedule`;
    }
    if (!rule.users.every((user) => known.users.has(user))) {
      return `${at}.users: expected ids of users`;
    }
    if (!rule.doors.every((door) => known.doors.has(door))) {
      return `${at}.doors: expected ids of doors`;
    }
  }
  return undefined;
}

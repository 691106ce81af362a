import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import t from "tap";
import {
  type AccessTable,
  buildAccessTable,
} from "../../../../src/core/access-table/access-table.ts";
import { buildTableImage } from "../../../../src/core/access-table/build-table-image.ts";
import { foldTable } from "../../../../src/core/access-table/fold-table.ts";
import { openTableImage } from "../../../../src/core/access-table/open-table-image.ts";
import { type AccessRequest, authorize, type Decision } from "../../../../src/core/authorize.ts";
import {
  type PassRecord,
  passTraits,
  type RuleRecord,
  type TableContent,
} from "../../../../src/domain/access.ts";
import type { UserId } from "../../../../src/domain/ids.ts";
import { succeed } from "../../../../src/domain/result.ts";
import type { TableFrame, TableUser } from "../../../../src/domain/table-change.ts";
import { arbitraryContent, arbitraryRequest } from "../arbitrary-request.ts";
import { naiveAuthorize } from "../naive-authorize.ts";
import { checkProperty } from "../property.ts";
import {
  arbitraryTaking,
  contentOf,
  everyPassName,
  everyUserName,
  type PlainTable,
  plainTableOf,
  shuffled,
  takeOver,
} from "./delta-life.ts";

const hashKey = [0x5eed, 0xde17a] as const;
const trusting = (raw: unknown) => succeed(raw as TableFrame);
const requests = fc.array(arbitraryRequest, { minLength: 10, maxLength: 10 });
const takings = fc.array(fc.tuple(arbitraryTaking, fc.constantFrom(true, false, false)), {
  minLength: 1,
  maxLength: 8,
});

/** What is decided, without the number by which a table calls the user. */
function told(decision: Decision): unknown {
  return JSON.parse(
    JSON.stringify(decision, (key, value: unknown) => (key === "userNumber" ? undefined : value)),
  );
}

function checkDecisions(
  table: AccessTable,
  content: TableContent,
  asked: readonly AccessRequest[],
): void {
  for (const request of asked) {
    const decision = authorize(table, request);
    deepStrictEqual(told(decision), told(naiveAuthorize(content, request)));
    if (decision.kind !== "granted") continue;
    const { user, userNumber } = decision;
    const unlocking = table.unlockRules(table.doorNumber(request.door));
    const isFirst = unlocking.filter(
      (rule) => rule.kind === "first_person_in" && rule.isFor(userNumber),
    );
    deepStrictEqual(isFirst.length, unlockedBy(content, request, user).length);
  }
}

/** The rules that hold this door unlocked once this user has come. */
function unlockedBy(
  { zones, rules }: TableContent,
  { door }: AccessRequest,
  user: UserId,
): readonly RuleRecord[] {
  const around = new Set(
    zones.flatMap(({ id, parent, doors }) => (doors.includes(door) ? [id, parent] : [])),
  );
  return rules
    .filter(({ kind }) => kind === "first_person_in")
    .filter((rule) => rule.doors.includes(door) || rule.zones.some((id) => around.has(id)))
    .filter(({ users }) => users.length === 0 || users.includes(user));
}

/** As records compare: what is absent and what is nothing are the same. */
function plainPass({ usesMax, spentHere = 0, spentElsewhere = 0, ...pass }: PassRecord): unknown {
  const traits = passTraits.filter((trait) => pass.traits?.includes(trait) === true);
  const uses = usesMax === undefined ? {} : { usesMax, spentHere, spentElsewhere };
  return { ...pass, ...uses, traits };
}

function plainUser({ traits = [], ...user }: TableUser): unknown {
  return { ...user, traits: traits.toSorted(), rules: user.rules.toSorted() };
}

function byId<Record extends { readonly id: string }>(records: Iterable<Record>): Record[] {
  return [...records].sort((one, other) => (one.id < other.id ? -1 : 1));
}

function checkRecords(table: AccessTable, plain: PlainTable): void {
  deepStrictEqual(table.mark, plain.mark);
  deepStrictEqual(
    byId(table.passRecords()).map(plainPass),
    byId(plain.passes.values()).map(plainPass),
  );
  deepStrictEqual([...table.users()].map(plainUser), byId(plain.users.values()).map(plainUser));
  deepStrictEqual(table.credentialCount, plain.passes.size);
  deepStrictEqual(table.userCount, plain.users.size);
  for (const id of everyUserName) deepStrictEqual(table.hasUser(id), plain.users.has(id));
  for (const id of everyPassName) {
    const number = table.passes.numberOf(id);
    deepStrictEqual(number >= 0, plain.passes.has(id));
    if (number < 0) continue;
    deepStrictEqual(table.passes.id(number), id);
    deepStrictEqual(table.passes.userId(number), plain.passes.get(id)?.user);
  }
}

t.test(
  "after any deltas a table decides as its content reads, and folds to what that content builds",
  async (t) => {
    let changed = 0;
    checkProperty(
      t,
      150,
      fc.property(arbitraryContent, takings, requests, (content, steps, asked) => {
        let table = buildAccessTable(content, hashKey);
        let plain = plainTableOf(content);
        for (const [taking, isFolded] of steps) {
          const { delta, after } = takeOver(plain, taking);
          deepStrictEqual(table.apply(delta), succeed(undefined));
          plain = after;
          changed = Math.max(changed, table.changeCount);
          checkRecords(table, plain);
          checkDecisions(table, contentOf(plain), asked);
          const image = foldTable(table, hashKey);
          const users = shuffled([...plain.users.values()], taking.order);
          const passes = shuffled([...plain.passes.values()], taking.order);
          const { mark, frame } = plain;
          const { compiledAt } = delta;
          const built = buildTableImage({ mark, compiledAt, frame, users, passes }, hashKey);
          ok(Buffer.from(image).equals(built), "the folded table is the built one");
          if (!isFolded) continue;
          const opened = openTableImage(image, trusting);
          ok(opened.ok, opened.ok ? "" : opened.fault);
          table = opened.value;
          deepStrictEqual(table.changeCount, 0);
          checkRecords(table, plain);
          checkDecisions(table, contentOf(plain), asked);
        }
      }),
    );
    t.ok(changed > 5, `as many as ${changed} users and passes were changed at once`);
  },
);

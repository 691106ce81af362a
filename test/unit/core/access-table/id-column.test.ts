import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import t from "tap";
import { IdColumn } from "../../../../src/core/access-table/id-column.ts";
import { idColumnFault } from "../../../../src/core/access-table/id-column-check.ts";
import { IdColumnWriter } from "../../../../src/core/access-table/id-column-writer.ts";
import { checkProperty } from "../property.ts";

function write(ids: readonly string[]) {
  const writer = new IdColumnWriter(ids.length);
  for (const id of ids) writer.add(id);
  return writer.finish();
}

const numbered = fc
  .tuple(fc.constantFrom("pass-", "u", "0", "Pass_"), fc.nat(3_000))
  .map(([prefix, number]) => `${prefix}${String(number).padStart(5, "0")}`);
const anyId = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const anyUuid = fc.uuid();
/** What is nearly a UUID, and must come back as it was. */
const nearlyUuid = anyUuid.chain((uuid) =>
  fc.constantFrom(
    uuid.toUpperCase(),
    uuid.slice(0, 8).toUpperCase() + uuid.slice(8),
    uuid.replaceAll("-", ""),
    `${uuid}-`,
    uuid.slice(1),
  ),
);
const someIds = fc
  .uniqueArray(fc.oneof(numbered, anyId, anyUuid, nearlyUuid), { maxLength: 100 })
  .map((ids) => ids.sort());

t.test("each id is read as it was written and found by itself, and no other is", async (t) => {
  checkProperty(
    t,
    300,
    fc.property(someIds, someIds, (ids, others) => {
      const { bytes, blockStarts } = write(ids);
      const column = new IdColumn(bytes, blockStarts);
      deepStrictEqual(idColumnFault("pass", bytes, blockStarts, [ids.length]), undefined);
      for (const [number, id] of ids.entries()) {
        deepStrictEqual(column.at(number), id);
        deepStrictEqual(column.find(id, 0, ids.length), number);
        deepStrictEqual(column.find(id, number + 1, ids.length), -1);
      }
      for (const id of [...others, "", "é", "x".repeat(65)]) {
        deepStrictEqual(column.find(id, 0, ids.length), ids.indexOf(id));
      }
    }),
  );
});

t.test("UUIDs take 18 bytes and numbered ids about 5", async (t) => {
  const uuids = fc.sample(fc.uuid(), { numRuns: 1_000, seed: 5 }).sort();
  t.ok(write(uuids).bytes.length < 1_000 * 18);
  const names = Array.from({ length: 10_000 }, (_, index) => `pass-${100_000 + index}`);
  t.ok(write(names).bytes.length < 10_000 * 5.2);
});

t.test("what is no id is not written", async (t) => {
  for (const id of ["", "a b", "a/b", "é", "x".repeat(65)]) {
    t.throws(() => write([id]), { message: /an identifier that is none/ });
  }
});

t.test("ids that stand twice, or in no order, are refused", async (t) => {
  const fault = (ids: readonly string[], lists: readonly number[]): string | undefined => {
    const { bytes, blockStarts } = write(ids);
    return idColumnFault("pass", bytes, blockStarts, lists);
  };
  t.equal(fault(["a", "b", "a", "b"], [2, 2]), undefined, "of two lists each has its order");
  t.equal(fault(["a", "b", "a", "b"], [4]), "pass ids: 2 is out of order");
  t.equal(fault(["a", "a"], [2]), "pass ids: 1 is out of order");
  t.equal(fault(["a", "b"], [1]), "pass ids: bytes that are left over");
});

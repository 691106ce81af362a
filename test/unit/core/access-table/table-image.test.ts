import { createHash } from "node:crypto";
import fc from "fast-check";
import t from "tap";
import type { AccessTable } from "../../../../src/core/access-table/access-table.ts";
import { buildTableImage } from "../../../../src/core/access-table/build-table-image.ts";
import {
  imageHeaderBytes,
  readImageHeader,
} from "../../../../src/core/access-table/image-header.ts";
import {
  adoptTableImage,
  openTableImage,
  readImageMark,
} from "../../../../src/core/access-table/open-table-image.ts";
import { partsOfContent } from "../../../../src/core/access-table/table-parts.ts";
import { authorize } from "../../../../src/core/authorize.ts";
import { unknownPremises } from "../../../../src/core/premises.ts";
import type { TableContent } from "../../../../src/domain/access.ts";
import { rawCredential } from "../../../../src/domain/credential.ts";
import { passId } from "../../../../src/domain/ids.ts";
import { fail, succeed } from "../../../../src/domain/result.ts";
import type { TableFrame } from "../../../../src/domain/table-change.ts";
import { monotonicMs } from "../../../../src/domain/time.ts";
import { arbitraryContent } from "../arbitrary-request.ts";
import { checkProperty } from "../property.ts";
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
} from "../sample-table.ts";

const trusting = (raw: unknown) => succeed(raw as TableFrame);
const mark = { epoch: 3, version: 14, tag: 0xfeed_beef };

function imageOf(content: TableContent): Uint8Array {
  const { compiledAt } = content;
  return buildTableImage({ mark, compiledAt, ...partsOfContent(content) }, testHashKey);
}

/** Of everything something, and little of it. */
const small = tableContent({
  doors: [door("front"), door("lab")],
  users: [user("ada", { traits: ["manager"] }), user("bob", { suspended: true })],
  passes: [
    cardPass("a", "ada", "26:0190e0f", { usesMax: 3, spentHere: 1 }),
    cardPass("b", "bob", "26:0000001", { endsAt: at("2027-01-01T00:00:00Z"), traits: ["toggle"] }),
    cardPass("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "bob", "56:04a1b2c3d4e5f6"),
    pinPass("p", "ada", digestOf("7")),
  ],
  rules: [rule("all", ["ada", "bob"], ["front"]), rule("some", ["ada"], ["lab"], "office")],
  schedules: [schedule("office", [{ days: [1], fromMinute: 480, toMinute: 1_080 }])],
});

function opened(bytes: Uint8Array): AccessTable {
  const table = openTableImage(bytes, trusting);
  if (!table.ok) throw new Error(table.fault);
  return table.value;
}

t.test("an image is the table that it was made of", async (t) => {
  const image = imageOf(small);
  t.same(readImageMark(image), succeed(mark));
  t.same(readImageMark(image.subarray(0, imageHeaderBytes)), succeed(mark), "its head alone tells");
  for (const table of [opened(image), adoptTableImage(image, trusting)]) {
    t.same(table.mark, mark);
    t.same(table.version, { epoch: 3, version: 14 }, "people are told no tag");
    t.equal(table.compiledAt, small.compiledAt);
    t.equal(table.changeCount, 0);
    t.equal(table.passes.id(table.passes.findCard(rawCredential("26:0190e0f"))), "a");
    const uuid = passId("3f2504e0-4f89-41d3-9a0c-0305e82c3301");
    t.equal(table.passes.id(table.passes.numberOf(uuid)), uuid);
  }
});

t.test("where its bytes lie in memory is no matter", async (t) => {
  const image = imageOf(small);
  for (let offset = 0; offset < 9; offset += 1) {
    const shifted = new Uint8Array(image.length + offset).subarray(offset);
    shifted.set(image);
    t.equal(opened(shifted).credentialCount, 4);
  }
});

t.test("an image with any bit of any byte turned over is refused", async (t) => {
  const image = imageOf(small);
  const taken: string[] = [];
  for (let byte = 0; byte < image.length; byte += 1) {
    const flipped = image.slice();
    flipped[byte] = (flipped[byte] ?? 0) ^ (1 << (byte % 8));
    if (openTableImage(flipped, trusting).ok) taken.push(`byte ${byte}`);
  }
  t.same(taken, []);
});

t.test("an image that was cut anywhere, or has more than its own bytes, is refused", async (t) => {
  const image = imageOf(small);
  const taken: number[] = [];
  for (let length = 0; length < image.length; length += 1) {
    if (openTableImage(image.subarray(0, length), trusting).ok) taken.push(length);
  }
  t.same(taken, []);
  const longer = new Uint8Array(image.length + 1);
  longer.set(image);
  t.notOk(openTableImage(longer, trusting).ok);
});

t.test("arbitrary bytes are refused and throw nothing", async (t) => {
  checkProperty(
    t,
    2_000,
    fc.property(fc.uint8Array({ maxLength: 4_000 }), (bytes) => {
      return !openTableImage(bytes, trusting).ok && !readImageMark(bytes).ok;
    }),
  );
  t.pass();
});

t.test("a frame that its parser refuses is no table", async (t) => {
  const image = imageOf(small);
  t.same(
    openTableImage(image, () => fail("doors.0.unlockMs: too long")),
    fail("doors.0.unlockMs: too long"),
  );
  t.throws(() => adoptTableImage(image, () => fail("no")), { message: /found good/ });
  t.throws(() => adoptTableImage(image.subarray(0, 100), trusting), { message: /found good/ });
  const without = (raw: unknown) => succeed({ ...(raw as TableFrame), schedules: [] });
  t.same(
    openTableImage(image, without),
    fail("the table refers to schedule office, which it lacks"),
  );
  const turned = (raw: unknown) => {
    const frame = raw as TableFrame;
    return succeed({ ...frame, rules: frame.rules.toReversed() });
  };
  t.same(openTableImage(image, turned), fail("rules out of order"), "or people had others' rules");
});

t.test("the same content in any order is the same image, and another is another", async (t) => {
  const turned: TableContent = {
    ...small,
    doors: small.doors.toReversed(),
    users: small.users.toReversed(),
    passes: small.passes.toReversed(),
    rules: small.rules.toReversed().map((one) => ({ ...one, users: one.users.toReversed() })),
  };
  t.ok(Buffer.from(imageOf(small)).equals(imageOf(turned)));
  const other = { ...small, passes: small.passes.slice(1) };
  t.notOk(Buffer.from(imageOf(small)).equals(imageOf(other)));
  checkProperty(
    t,
    100,
    fc.property(arbitraryContent, (content) => {
      const reversed = { ...content, passes: content.passes.toReversed() };
      return Buffer.from(imageOf(content)).equals(imageOf(reversed));
    }),
  );
});

/** Alters bytes of a section and makes all hashes right again, as a maker would who was wrong. */
function remade(image: Uint8Array, changes: readonly (readonly [number, number])[]): Uint8Array {
  const made = image.slice();
  const header = readImageHeader(image);
  if (!header.ok) throw new Error(header.fault);
  const { frame, ...sections } = header.value.sections;
  const begin = frame.at + frame.bytes;
  for (const [place, byte] of changes) made[begin + (place % (made.length - begin))] = byte;
  for (const { at: from, bytes, hash } of Object.values(sections)) {
    made.set(
      createHash("sha256")
        .update(made.subarray(from, from + bytes))
        .digest(),
      hash.byteOffset,
    );
  }
  const hashAt = imageHeaderBytes - 32;
  made.set(createHash("sha256").update(made.subarray(0, hashAt)).digest(), hashAt);
  return made;
}

/** Asks all there is to ask; whatever the answers, there must be some. */
function readAll(table: AccessTable): void {
  const people = [...table.users()];
  for (const { id } of people) table.hasUser(id);
  for (const pass of table.passRecords()) {
    if (pass.presents.as === "raw") table.passes.findCard(pass.presents.raw);
    else table.passes.findPin(pass.presents.digest);
    table.passes.useCount(table.passes.numberOf(pass.id));
    for (const { id } of table.doors) {
      const wall = { at: at("2026-01-05T10:00:00Z"), quality: "trusted" } as const;
      const now = monotonicMs(0);
      const presented = { pass: pass.id };
      authorize(table, { door: id, presented, wall, now, premises: unknownPremises });
    }
  }
}

t.test(
  "an image whose hashes are right and whose content is not is refused, or can be read whole",
  async (t) => {
    const image = imageOf(small);
    let read = 0;
    const altered = fc.tuple(fc.nat(image.length), fc.nat(255));
    checkProperty(
      t,
      5_000,
      fc.property(fc.array(altered, { minLength: 1, maxLength: 3 }), (changes) => {
        const table = openTableImage(remade(image, changes), trusting);
        if (!table.ok) return;
        readAll(table.value);
        read += 1;
      }),
    );
    t.ok(read > 0, `${read} were read`);
  },
);

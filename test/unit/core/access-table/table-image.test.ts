import fc from "fast-check";
import t from "tap";
import type { AccessTable } from "../../../../src/core/access-table/access-table.ts";
import { buildTableImage } from "../../../../src/core/access-table/build-table-image.ts";
import {
  type ImageHeader,
  imageHeaderBytes,
  readImageHeader,
  sha256,
} from "../../../../src/core/access-table/image-header.ts";
import type { SectionName } from "../../../../src/core/access-table/image-sections.ts";
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
  const nobodys = (raw: unknown) => {
    const frame = raw as TableFrame;
    const rules = frame.rules.map((one) => ({ ...one, kind: "auto_unlock" as const }));
    return succeed({ ...frame, rules });
  };
  t.same(openTableImage(image, nobodys), fail("rule 0 in profile 0"), "whom users cannot name");
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

/** Alters an image and makes all hashes right again, as a maker would who was wrong. */
function remade(
  image: Uint8Array,
  alter: (bytes: Uint8Array, sections: ImageHeader["sections"]) => void,
): Uint8Array {
  const made = image.slice();
  const header = readImageHeader(made);
  if (!header.ok) throw new Error(header.fault);
  const { sections } = header.value;
  alter(made, sections);
  for (const { at: from, bytes, hash } of Object.values(sections)) {
    hash.set(sha256(made.subarray(from, from + bytes)));
  }
  made.set(sha256(made.subarray(0, imageHeaderBytes - 32)), imageHeaderBytes - 32);
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
        const made = remade(image, (bytes, { user_ids: first }) => {
          const room = bytes.length - first.at;
          for (const [place, byte] of changes) bytes[first.at + (place % room)] = byte;
        });
        const table = openTableImage(made, trusting);
        if (!table.ok) return;
        readAll(table.value);
        read += 1;
      }),
    );
    t.ok(read > 0, `${read} were read`);
  },
);

t.test("what would lead a look astray is refused, though every hash is right", async (t) => {
  const image = imageOf(small);
  type Spoil = (words: Uint32Array, bytes: Uint8Array) => void;
  const cases: readonly (readonly [string, SectionName, Spoil])[] = [
    ["a search that never ends", "key_slots", (words) => words.fill(words.find(Boolean) ?? 1)],
    ["a slot of no key", "key_slots", (words) => words.fill(7, words.findIndex(Boolean), 8)],
    ["a key without a slot", "key_slots", (words) => words.fill(0)],
    ["keys of another length", "key_counts", (words) => words.copyWithin(1, 0, 1)],
    ["a pass of nobody", "pass_records", (words) => words.fill((words[0] ?? 0) | 0xff00, 0, 1)],
    ["a user of no profile", "user_profiles", (_, bytes) => bytes.fill(9, 0, 1)],
    ["a user who is what nobody is", "user_flags", (_, bytes) => bytes.fill(64, 0, 1)],
    ["a user with a pass too few", "user_pass_counts", (_, bytes) => bytes.fill(0)],
    ["a profile beyond all rules", "profile_starts", (words) => words.fill(999, 1, 2)],
    ["a rule that is not there", "profile_rules", (words) => words.fill(9, 0, 1)],
    ["a limited pass without a count", "pass_uses", (words) => words.fill(9, 0, 1)],
    ["a block of ids elsewhere", "pass_id_blocks", (words) => words.fill(9, 0, 1)],
    ["an id that is longer than all", "pass_ids", (_, bytes) => bytes.fill(0x7f, 1, 2)],
    ["an id of what no id is made of", "pass_ids", (_, bytes) => bytes.fill(47, 2, 3)],
  ];
  for (const [about, name, spoil] of cases) {
    const made = remade(image, (bytes, sections) => {
      const section = bytes.subarray(sections[name].at, sections[name].at + sections[name].bytes);
      spoil(new Uint32Array(bytes.buffer, section.byteOffset, section.length >>> 2), section);
    });
    t.notOk(openTableImage(made, trusting).ok, about);
  }
  t.ok(
    openTableImage(
      remade(image, () => undefined),
      trusting,
    ).ok,
  );
});

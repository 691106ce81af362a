import { readFileSync } from "node:fs";
import fc from "fast-check";
import t from "tap";
import type { AccessTable } from "../../../../src/core/access-table/access-table.ts";
import { buildTableImage } from "../../../../src/core/access-table/build-table-image.ts";
import { foldTable } from "../../../../src/core/access-table/fold-table.ts";
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
import { phoneCredential, rawCredential } from "../../../../src/domain/credential.ts";
import { passId } from "../../../../src/domain/ids.ts";
import { fail, succeed } from "../../../../src/domain/result.ts";
import type { TableChange, TableFrame } from "../../../../src/domain/table-change.ts";
import { monotonicMs } from "../../../../src/domain/time.ts";
import { decodeTableDelta } from "../../../../src/protocols/sync/table-delta.ts";
import { parseTableFrame } from "../../../../src/protocols/sync/table-frame.ts";
import { arbitraryContent } from "../arbitrary-request.ts";
import { checkProperty } from "../property.ts";
import {
  at,
  cardPass,
  digestOf,
  door,
  phonePass,
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
    phonePass("phone", "bob", "7"),
  ],
  mobile: { certificate: "Y2VydGlmaWNhdGU" },
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

/** As it was written, and what of, before phones had credentials of their own. */
const before: { readonly content: TableContent; readonly image: string; readonly delta: string } =
  JSON.parse(
    readFileSync(new URL("../../../vectors/table-before-phones.json", import.meta.url), "utf8"),
  );

t.test("a controller that was upgraded while offline opens its old table", async (t) => {
  const bytes = new Uint8Array(Buffer.from(before.image, "base64"));
  const table = openTableImage(bytes, parseTableFrame);
  if (!table.ok) throw new Error(table.fault);
  t.equal(table.value.mobileCertificate(), undefined, "and has nothing to show to phones yet");
  t.equal(table.value.credentialCount, before.content.passes.length);
  for (const { id, presents, kind, user: owner } of before.content.passes) {
    const number =
      presents.as === "raw"
        ? table.value.passes.findCard(presents.raw)
        : table.value.passes.findPin(presents.digest);
    t.equal(table.value.passes.id(number), id);
    t.equal(table.value.passes.userId(number), owner);
    t.equal(table.value.passes.kind(number), kind);
  }
  const delta = decodeTableDelta(new Uint8Array(Buffer.from(before.delta, "base64")));
  if (!delta.ok) throw new Error(delta.fault);
  t.ok(table.value.apply(delta.value).ok);
  t.equal(table.value.passes.findCard(rawCredential("26:0190e0f")), -1);
  const taken = table.value.passes.findCard(rawCredential("128:ffeeddccbbaa99887766554433221100"));
  t.equal(table.value.passes.id(taken), "a");
  const phone: TableChange = { kind: "pass", pass: phonePass("new", "cleo", "7") };
  const next = { ...delta.value.to, version: delta.value.to.version + 1 };
  const { to: from, compiledAt } = delta.value;
  t.ok(table.value.apply({ from, to: next, compiledAt, changes: [phone] }).ok);
  const folded = opened(foldTable(table.value, testHashKey));
  t.equal(folded.passes.id(folded.passes.findCard(phoneCredential(digestOf("7")))), "new");
  t.equal(folded.passes.id(folded.passes.findCard(rawCredential("1:1"))), "short");
});

t.test("a table without phones is to the byte what older controllers read", async (t) => {
  const { content } = before;
  t.equal(Buffer.from(imageOf(content)).toString("base64"), before.image);
  const withPhone = { ...content, passes: [...content.passes, phonePass("new", "cleo", "7")] };
  t.not(imageOf(withPhone).length, imageOf(content).length);
  const table = opened(imageOf(withPhone));
  const gone = { ...mark, version: mark.version + 1 };
  const changes: readonly TableChange[] = [{ kind: "pass_gone", pass: passId("new") }];
  t.ok(table.apply({ from: mark, to: gone, compiledAt: content.compiledAt, changes }).ok);
  const folded = foldTable(table, testHashKey);
  const length = (image: Uint8Array) => {
    const header = readImageHeader(image);
    return header.ok ? header.value.sections.key_counts.bytes / 4 : header.fault;
  };
  t.equal(length(folded), 129, "and so it is again when its last phone has gone");
  t.equal(length(imageOf(withPhone)), 130);
});

t.test("where its bytes lie in memory is no matter", async (t) => {
  const image = imageOf(small);
  for (let offset = 0; offset < 9; offset += 1) {
    const shifted = new Uint8Array(image.length + offset).subarray(offset);
    shifted.set(image);
    t.equal(opened(shifted).credentialCount, 5);
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
    ["a phone that is a card", "key_counts", (words) => words.copyWithin(128, 129).fill(0, 129)],
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

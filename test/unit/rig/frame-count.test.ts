import t from "tap";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { readerId } from "../../../src/domain/ids.ts";
import { edgeNs } from "../../../src/domain/time.ts";
import { countFrames } from "../../rig/frame-count.ts";
import { randomFrames } from "../../rig/frames.ts";
import type { Heard } from "../../rig/rig-target.ts";

const [front, lab] = [readerId("front"), readerId("lab")];
const [a, b, c] = ["10110011", "01010101", "11110000"] as const;

const sent = (reader: typeof front, ...cards: readonly string[]) =>
  cards.map((slots) => ({ reader, slots }));
const card = (reader: typeof front, bits: string): Heard => {
  return { kind: "card", reader, raw: rawFromBits(bits), format: "any", at: edgeNs(1) };
};

t.test("frames that were all read are all right, whichever reader was told of first", async (t) => {
  const presented = [...sent(front, a, b), ...sent(lab, b, c)];
  const heard = [card(lab, b), card(front, a), card(lab, c), card(front, b)];
  t.same(countFrames(presented, heard), { right: 4, wrong: 0, lost: 0, bent: 0, misread: 0 });
});

t.test("a frame that was not read is lost, and those behind it are still right", async (t) => {
  const heard = [card(front, a), card(front, c)];
  t.same(countFrames(sent(front, a, b, c), heard), {
    right: 2,
    wrong: 0,
    lost: 1,
    bent: 0,
    misread: 0,
  });
});

t.test("a card that nobody presented is wrong, and the one in its place is lost", async (t) => {
  const heard = [card(front, a), card(front, c)];
  t.same(countFrames(sent(front, a, b), heard), {
    right: 1,
    wrong: 1,
    lost: 1,
    bent: 0,
    misread: 0,
  });
});

t.test("a card that was presented at the other reader is wrong at this one", async (t) => {
  t.same(countFrames(sent(front, a), [card(lab, a)]), {
    right: 0,
    wrong: 1,
    lost: 1,
    bent: 0,
    misread: 0,
  });
});

t.test("a card that is read twice is wrong the second time", async (t) => {
  const heard = [card(front, a), card(front, a)];
  t.same(countFrames(sent(front, a, b), heard), {
    right: 1,
    wrong: 1,
    lost: 1,
    bent: 0,
    misread: 0,
  });
});

t.test("a key where nobody types is a frame taken for what it is not", async (t) => {
  const key: Heard = { kind: "key", key: "7", reader: front, at: edgeNs(1) };
  t.equal(countFrames(sent(front, a), [card(front, a), key]).wrong, 1);
});

t.test("a frame that was bent on the wire is not lost, and is never another card", async (t) => {
  const presented = [...sent(front, a).map((one) => ({ ...one, isBent: true })), ...sent(front, b)];
  const unread = { right: 1, wrong: 0, lost: 0, bent: 1, misread: 0 };
  t.same(countFrames(presented, [card(front, b)]), unread);
  const other = countFrames(presented, [card(front, c), card(front, b)]);
  t.same(other, { ...unread, wrong: 1 });
});

t.test("a misread is told of, and is no card", async (t) => {
  const misread: Heard = {
    kind: "misread",
    verdict: "parity",
    bitCount: 8,
    reader: front,
    at: edgeNs(1),
  };
  const found = countFrames(sent(front, a), [misread]);
  t.same(found, { right: 0, wrong: 0, lost: 1, bent: 0, misread: 1 });
});

t.test("one seed gives the same frames again, in turn at both readers", async (t) => {
  const frames = randomFrames(7, 40);
  t.same(randomFrames(7, 40), frames);
  t.notSame(randomFrames(8, 40), frames);
  t.same(new Set(frames.map(({ slots }) => slots.length)), new Set([26, 37]));
  t.same(
    frames.slice(0, 4).map(({ reader }) => reader),
    [front, lab, front, lab],
  );
});

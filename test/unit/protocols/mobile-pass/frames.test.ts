import fc from "fast-check";
import t from "tap";
import {
  type FrameAssembly,
  messageBytesMax,
  noFrames,
  splitFrames,
  takeFrame,
} from "../../../../src/protocols/mobile-pass/frames.ts";
import { checkProperty } from "../../core/property.ts";

/** The message, undefined where it is not complete, or the fault. */
function assembled(frames: readonly Uint8Array[]): Uint8Array | "malformed" | undefined {
  let assembly: FrameAssembly = noFrames;
  for (const [index, frame] of frames.entries()) {
    const step = takeFrame(assembly, frame);
    if (step.kind === "malformed") return "malformed";
    if (step.kind === "complete") return index === frames.length - 1 ? step.message : "malformed";
    ({ assembly } = step);
  }
  return undefined;
}

const messages = fc.uint8Array({ minLength: 1, maxLength: messageBytesMax });
const frameSizes = fc.integer({ min: 20, max: 509 });

t.test("a message comes together from frames of any size that a link allows", async (t) => {
  checkProperty(
    t,
    300,
    fc.property(messages, frameSizes, (message, frameBytes) => {
      const frames = splitFrames(message, frameBytes);
      if (frames.some(({ length }) => length > frameBytes)) return false;
      const whole = assembled(frames);
      return typeof whole === "object" && Buffer.compare(whole, message) === 0;
    }),
  );
});

t.test("149 bytes take 8 frames at MTU 23 and one at MTU 153", async (t) => {
  const message = new Uint8Array(149).fill(7);
  t.equal(splitFrames(message, 20).length, 8);
  t.equal(splitFrames(message, 150).length, 1);
  t.same(splitFrames(Uint8Array.of(1, 2), 20), [Buffer.from([0x70, 1, 2])]);
});

t.test("a link that says nonsense of its frames is taken at the nearest size", async (t) => {
  const message = new Uint8Array(149);
  for (const size of [-1, 0, 1, 19, Number.NaN]) t.equal(splitFrames(message, size).length, 8);
  t.equal(splitFrames(message, 1e9).length, 1);
});

t.test("frames in any other order are no message", async (t) => {
  const message = Uint8Array.from({ length: 149 }, (_, index) => index);
  const frames = splitFrames(message, 20);
  checkProperty(
    t,
    300,
    fc.property(fc.shuffledSubarray([...frames.keys()], { minLength: 8 }), (order) => {
      const isInOrder = order.every((index, place) => index === place);
      const whole = assembled(order.map((index) => frames[index] ?? new Uint8Array()));
      return isInOrder ? typeof whole === "object" : whole === "malformed";
    }),
  );
});

t.test(
  "a frame that is lost or comes twice makes the message malformed or incomplete",
  async (t) => {
    const frames = splitFrames(new Uint8Array(149), 20);
    for (const index of frames.keys()) {
      const lost = assembled(frames.toSpliced(index, 1));
      t.equal(lost, index === frames.length - 1 ? undefined : "malformed", `${index} lost`);
      const [frame = new Uint8Array()] = frames.slice(index);
      t.equal(assembled(frames.toSpliced(index, 0, frame)), "malformed", `${index} twice`);
    }
  },
);

t.test(
  "a header that is altered in any bit makes the message malformed or incomplete",
  async (t) => {
    const frames = splitFrames(new Uint8Array(149), 20);
    for (const [index, frame] of frames.entries()) {
      for (let bit = 0; bit < 8; bit += 1) {
        const altered = new Uint8Array(frame);
        altered[0] = (altered[0] ?? 0) ^ (1 << bit);
        t.type(assembled(frames.with(index, altered)) ?? "incomplete", "string", `${index}.${bit}`);
      }
    }
  },
);

t.test("frames that hold nothing, or more than a message may, are refused at once", async (t) => {
  t.equal(takeFrame(noFrames, new Uint8Array()).kind, "malformed");
  t.equal(takeFrame(noFrames, Uint8Array.of(0x70)).kind, "malformed", "a header alone");
  const tooLong = Buffer.concat([Uint8Array.of(0x70), new Uint8Array(messageBytesMax + 1)]);
  t.equal(takeFrame(noFrames, tooLong).kind, "malformed");
  let step = takeFrame(noFrames, Uint8Array.of(0x60, 0));
  let count = 1;
  while (step.kind === "incomplete" && count < 2 * messageBytesMax) {
    step = takeFrame(step.assembly, Uint8Array.of(0x40 | (count & 15), 0));
    count += 1;
  }
  t.same([step.kind, count], ["malformed", messageBytesMax + 1], "one byte at a time");
});

t.test("a driver may use the memory of a frame again", async (t) => {
  const [first = new Uint8Array(), second = new Uint8Array()] = splitFrames(
    new Uint8Array(30).fill(9),
    20,
  );
  const step = takeFrame(noFrames, first);
  first.fill(0);
  const done = step.kind === "incomplete" && takeFrame(step.assembly, second);
  t.match(done, { kind: "complete", message: Buffer.alloc(30, 9) });
});

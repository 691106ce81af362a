import t from "tap";
import { type MonotonicMs, monotonicMs } from "../../../../src/domain/time.ts";
import { seal, unseal } from "../../../../src/protocols/mobile-pass/channel.ts";
import { splitFrames } from "../../../../src/protocols/mobile-pass/frames.ts";
import { phoneOf } from "../../../../src/protocols/mobile-pass/phone-state.ts";
import {
  initialReaderSession,
  type ReaderSessionEffect,
  readerSessionDeadline,
} from "../../../../src/protocols/mobile-pass/reader-session.ts";
import { resumptionMs } from "../../../../src/protocols/mobile-pass/resumption.ts";
import { joined, speakTo } from "./attacker.ts";
import {
  at,
  feedPhone,
  feedReader,
  flipped,
  helloOf,
  meet,
  phoneEnd,
  phoneFor,
  premises,
  type ReaderEnd,
  readerEnd,
  saidOf,
  summaryOf,
  wall,
} from "./meeting.ts";

const place = premises();
const phone = phoneFor(place);
const credential = phoneOf(phone.deviceKey);
const later = (ms: number): MonotonicMs => monotonicMs(at + ms);

/** A reader, and the frames that a good phone has for it. */
function withFrames(options: { readonly action?: "present" | "enrol" } = {}): {
  readonly reader: ReaderEnd;
  readonly frames: readonly Uint8Array[];
} {
  const reader = readerEnd(place);
  const end = phoneEnd(phone, options);
  return { reader, frames: feedPhone(end, { kind: "hello", bytes: reader.hello }) };
}

const write = (reader: ReaderEnd, bytes: Uint8Array, now = at): readonly ReaderSessionEffect[] =>
  feedReader(reader, { kind: "written", bytes }, now);

t.test("a phone signs the first time and is known by a MAC the next", async (t) => {
  const first = meet({ place: { ...place, memory: new Map() }, phone });
  t.same([saidOf(first), first.forms, first.judged], ["granted", ["full"], [credential]]);
  const memory = new Map();
  const one = meet({ place: { ...place, memory }, phone });
  const two = meet({ place: { ...place, memory }, phone: one.phone });
  const three = meet({ place: { ...place, memory }, phone: two.phone });
  t.same([saidOf(two), two.forms, two.judged], ["granted", ["fast"], [credential]]);
  t.same([saidOf(three), three.forms], ["granted", ["fast"]]);
  t.equal(memory.size, 1, "one entry for each phone");
});

t.test("a phone that the reader has forgotten signs within the same session", async (t) => {
  const memory = new Map();
  const { phone: met } = meet({ place: { ...place, memory }, phone });
  memory.clear();
  const again = meet({ place: { ...place, memory }, phone: met });
  t.same([saidOf(again), again.forms, again.judged], ["granted", ["fast", "full"], [credential]]);
  t.equal(again.fault, undefined, "nobody's fault");
});

t.test(
  "a phone whose last answer was lost signs, and is known by a MAC again thereafter",
  async (t) => {
    const memory = new Map();
    const { phone: met } = meet({ place: { ...place, memory }, phone });
    const lost = meet({ place: { ...place, memory }, phone: met, between: { toPhone: () => [] } });
    t.same([saidOf(lost), lost.judged], ["nothing", [credential]]);
    const next = meet({ place: { ...place, memory }, phone: lost.phone });
    t.same([saidOf(next), next.forms], ["granted", ["fast", "full"]]);
    t.same(meet({ place: { ...place, memory }, phone: next.phone }).forms, ["fast"]);
  },
);

t.test("a day after its signature a phone must sign again, however often it came by", async (t) => {
  const memory = new Map();
  let { phone: met } = meet({ place: { ...place, memory }, phone });
  const halfDay = resumptionMs / 2;
  const forms = [];
  for (const ms of [halfDay, 2 * halfDay - 60_000, 2 * halfDay]) {
    // The phone's own clock stands still, so that it is the reader who decides.
    const visit = meet({
      place: { ...place, memory },
      phone: met,
      now: { at: later(ms), wall },
    });
    forms.push(visit.forms);
    met = visit.phone;
  }
  t.same(forms, [["fast"], ["fast"], ["fast", "full"]]);
});

t.test(
  "a phone is not remembered for having been denied, enrolled or asked for a PIN",
  async (t) => {
    for (const verdict of ["denied", "more_needed", "try_later"] as const) {
      const memory = new Map();
      const met = meet({ place: { ...place, memory }, phone, verdict: () => verdict });
      t.same([saidOf(met), memory.size, met.phone.known[0]?.resumption], [verdict, 0, undefined]);
    }
    const memory = new Map();
    const met = meet({ place: { ...place, memory }, phone, action: "enrol" });
    t.same([saidOf(met), memory.size, met.judged], ["enrolled", 0, []]);
  },
);

t.test(
  "a phone that asks to be enrolled is not judged, and one that presents is not enrolled",
  async (t) => {
    const enrolling = meet({ place, phone, action: "enrol" });
    t.same([enrolling.enrolled, enrolling.judged], [[credential], []]);
    const presenting = meet({ place, phone });
    t.same([presenting.enrolled, presenting.judged], [[], [credential]]);
    const closed = meet({ place, phone, action: "enrol", verdict: () => "not_enrolling" });
    t.equal(saidOf(closed), "not_enrolling");
  },
);

t.test("an idle connection is dropped after 1,500 ms", async (t) => {
  const reader = readerEnd(place);
  t.equal(readerSessionDeadline(reader.state), later(1_500));
  t.same(feedReader(reader, { kind: "deadline_reached" }, later(1_499)), [], "not before");
  t.same(feedReader(reader, { kind: "deadline_reached" }, later(1_500)), [
    { kind: "failed", fault: "idle" },
    { kind: "disconnect" },
  ]);
  t.equal(readerSessionDeadline(reader.state), undefined);
});

t.test("a phone that writes a frame each second is dropped after 3,000 ms", async (t) => {
  const { reader, frames } = withFrames();
  const [first, second, third] = frames;
  if (first === undefined || second === undefined || third === undefined) throw new Error("few");
  write(reader, first, later(1_000));
  t.equal(readerSessionDeadline(reader.state), later(2_500));
  write(reader, second, later(2_400));
  t.equal(readerSessionDeadline(reader.state), later(3_000));
  // The timer is late; the frame that comes meanwhile buys nothing.
  t.same(write(reader, third, later(3_001)), [
    { kind: "failed", fault: "too_late" },
    { kind: "disconnect" },
  ]);
});

t.test("a decision that takes too long is told to nobody, and the phone is let go", async (t) => {
  const { reader, frames } = withFrames();
  for (const frame of frames) write(reader, frame);
  t.equal(readerSessionDeadline(reader.state), later(3_000));
  const late = feedReader(reader, { kind: "answered", outcome: "granted" }, later(3_000));
  t.same(late, [{ kind: "failed", fault: "too_late" }, { kind: "disconnect" }]);
});

t.test("a phone that was told has 500 ms to go, within the session's 3,000", async (t) => {
  for (const [answeredAt, dropAt] of [
    [100, 600],
    [2_900, 3_000],
  ] as const) {
    const { reader, frames } = withFrames();
    for (const frame of frames) write(reader, frame);
    feedReader(reader, { kind: "answered", outcome: "denied" }, later(answeredAt));
    t.equal(readerSessionDeadline(reader.state), later(dropAt));
    t.same(feedReader(reader, { kind: "deadline_reached" }, later(dropAt)), [
      { kind: "disconnect" },
    ]);
  }
});

t.test("one answer is given, once, and nothing that is written meanwhile counts", async (t) => {
  const { reader, frames } = withFrames();
  for (const frame of frames) write(reader, frame);
  for (const frame of frames) t.same(write(reader, frame), [], "while it is judged");
  t.not(feedReader(reader, { kind: "answered", outcome: "granted" }).length, 0);
  t.same(feedReader(reader, { kind: "answered", outcome: "granted" }), []);
  for (const frame of frames) t.same(write(reader, frame), [], "after it was told");
  t.same(feedReader(reader, { kind: "disconnected" }), []);
  for (const frame of frames) t.same(write(reader, frame), [], "when it has gone");
  t.same(feedReader(reader, { kind: "connected" }), [], "a session is for one connection");
  t.equal(summaryOf(reader.effects).judged.length, 1);
});

t.test(
  "a phone that goes before it has said all is counted, one that has said all is not",
  async (t) => {
    const { reader, frames } = withFrames();
    for (const frame of frames.slice(0, -1)) write(reader, frame);
    t.same(feedReader(reader, { kind: "disconnected" }), [{ kind: "failed", fault: "left_early" }]);
    const judged = withFrames();
    for (const frame of judged.frames) write(judged.reader, frame);
    t.same(feedReader(judged.reader, { kind: "disconnected" }), []);
    t.same(feedReader(judged.reader, { kind: "answered", outcome: "granted" }), []);
  },
);

t.test("a phone that writes before it listens is sent away", async (t) => {
  const { frames } = withFrames();
  const state = initialReaderSession(helloOf(place), () => undefined);
  const reader: ReaderEnd = { state, effects: [] };
  t.equal(readerSessionDeadline(reader.state), undefined, "nobody is there yet");
  const [frame = new Uint8Array()] = frames;
  t.same(write(reader, frame), [], "nor can write");
  feedReader(reader, { kind: "connected" });
  t.same(write(reader, frame), [
    { kind: "failed", fault: "not_subscribed" },
    { kind: "disconnect" },
  ]);
});

t.test(
  "what is wrong with a phone's bytes is told in clear as long as no key is shared",
  async (t) => {
    const { frames } = withFrames();
    const whole = Buffer.concat(frames.map((frame) => frame.subarray(1)));
    const cases: readonly (readonly [string, readonly Uint8Array[], string])[] = [
      ["version_unknown", splitFrames(whole.with(0, 2), 20), "0001"],
      ["frame_malformed", [Uint8Array.of(0x40, 1)], "0002"],
      ["message_malformed", splitFrames(whole.subarray(0, 50), 20), "0003"],
      ["key_invalid", splitFrames(whole.with(1, 4), 20), "0004"],
      ["not_authentic", splitFrames(whole, 20), "0005"],
    ];
    for (const [fault, said, refusal] of cases) {
      const reader = readerEnd(place);
      for (const frame of said) write(reader, frame);
      t.equal(summaryOf(reader.effects).fault, fault);
      t.same(reader.effects.slice(1), [
        { kind: "notify", frame: Buffer.from(`70${refusal}`, "hex") },
      ]);
      t.equal(readerSessionDeadline(reader.state), later(500), "time to hear it");
    }
  },
);

t.test("what means nothing is answered with 'denied' where it came encrypted", async (t) => {
  const full = (form: number, action: number, length = 99): Uint8Array =>
    Buffer.concat([Uint8Array.of(form, action), new Uint8Array(length - 2).fill(1)]);
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ["message_malformed", new Uint8Array(1)],
    ["message_malformed", full(0, 1)],
    ["message_malformed", full(3, 1)],
    ["message_malformed", full(1, 0)],
    ["message_malformed", full(1, 3)],
    ["message_malformed", full(1, 1, 98)],
    ["message_malformed", full(1, 1, 100)],
    ["message_malformed", full(2, 1, 49)],
    ["message_malformed", full(2, 1, 51)],
    ["message_malformed", full(2, 2, 50)],
    ["signature_wrong", full(1, 1)],
    ["signature_wrong", full(1, 2)],
  ];
  for (const [fault, plain] of cases) {
    const reader = readerEnd(place);
    for (const frame of speakTo(reader.hello, () => plain).frames) write(reader, frame);
    const { judged, enrolled, fault: found } = summaryOf(reader.effects);
    t.same([found, judged, enrolled], [fault, [], []]);
    t.equal(reader.effects.filter(({ kind }) => kind === "notify").length, 2, "22 bytes");
  }
});

/** A reader that has asked for the full form, and what both have in common then. */
function askedForFull() {
  const unknown = Buffer.concat([Uint8Array.of(2, 1), new Uint8Array(48)]);
  const reader = readerEnd(place);
  const said = speakTo(reader.hello, () => unknown);
  for (const frame of said.frames) write(reader, frame);
  const answer = joined(
    reader.effects.flatMap((effect) => (effect.kind === "notify" ? [effect.frame] : [])),
  );
  const opened = unseal(said.channel, "to_phone", answer.subarray(1));
  if (opened === undefined) throw new Error("no answer");
  t.equal(opened.plain[0], 7, "full_needed");
  const say = (plain: Uint8Array): void => {
    const { box } = seal(opened.channel, "to_reader", plain);
    const message = Buffer.concat([Uint8Array.of(1), box]);
    for (const frame of splitFrames(message, 20)) write(reader, frame);
  };
  return { reader, unknown, say };
}

t.test("after 'full_needed' a second MAC ends the session", async (t) => {
  const { reader, unknown, say } = askedForFull();
  t.equal(reader.state.phase, "listening");
  t.equal(summaryOf(reader.effects).fault, undefined);
  say(unknown);
  t.match(summaryOf(reader.effects), { judged: [], fault: "message_malformed" });
});

t.test("after 'full_needed' the phone may not begin again under other keys", async (t) => {
  const { reader, unknown } = askedForFull();
  for (const frame of speakTo(reader.hello, () => unknown).frames) write(reader, frame);
  t.match(summaryOf(reader.effects), { judged: [], fault: "not_authentic" });
});

t.test(
  "after 'full_needed' the reader waits 1,500 ms again, within the session's 3,000",
  async (t) => {
    const { reader } = askedForFull();
    t.equal(readerSessionDeadline(reader.state), later(1_500));
    t.same(feedReader(reader, { kind: "disconnected" }), [{ kind: "failed", fault: "left_early" }]);
  },
);

t.test("every bit of a phone's frames, flipped, keeps it from being judged", async (t) => {
  const memory = new Map();
  const { phone: met } = meet({ place: { ...place, memory }, phone });
  for (const known of [phone, met]) {
    const reader = readerEnd({ ...place, memory });
    const frames = feedPhone(phoneEnd(known), { kind: "hello", bytes: reader.hello });
    const before = reader.state;
    for (const [index, frame] of frames.entries()) {
      for (let bit = 0; bit < frame.length * 8; bit += 1) {
        reader.state = before;
        reader.effects.length = 0;
        for (const one of frames.with(index, flipped(frame, bit))) write(reader, one);
        const { judged, enrolled } = summaryOf(reader.effects);
        if (judged.length + enrolled.length > 0) t.fail(`frame ${index}, bit ${bit}`);
      }
    }
    reader.state = before;
    for (const frame of frames) write(reader, frame);
    t.equal(summaryOf(reader.effects).judged.length, 1, "as they were sent");
  }
});

t.test("a phone's message cut short anywhere, in whole frames, is not judged", async (t) => {
  const { reader, frames } = withFrames();
  const whole = Buffer.concat(frames.map((frame) => frame.subarray(1)));
  const before = reader.state;
  for (let length = 1; length < whole.length; length += 1) {
    reader.state = before;
    reader.effects.length = 0;
    for (const frame of splitFrames(whole.subarray(0, length), 20)) write(reader, frame);
    const { judged, fault } = summaryOf(reader.effects);
    if (judged.length > 0 || fault === undefined) t.fail(`${length} bytes`);
  }
  t.pass(`${whole.length - 1} lengths`);
});

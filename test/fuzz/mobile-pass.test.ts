import t from "tap";
import { Seeded, seedFor } from "../../hal/sim/seeded.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { seal } from "../../src/protocols/mobile-pass/channel.ts";
import { splitFrames } from "../../src/protocols/mobile-pass/frames.ts";
import { readHelloCertificate } from "../../src/protocols/mobile-pass/hello.ts";
import { phoneSessionDeadline } from "../../src/protocols/mobile-pass/phone-session.ts";
import { parsePhone, serialisePhone } from "../../src/protocols/mobile-pass/phone-state.ts";
import { openReaderCertificate } from "../../src/protocols/mobile-pass/reader-certificate.ts";
import {
  type ReaderSessionInput,
  readerSessionDeadline,
} from "../../src/protocols/mobile-pass/reader-session.ts";
import { helloBy, overhear, speakTo } from "../unit/protocols/mobile-pass/attacker.ts";
import {
  at,
  feedPhone,
  feedReader,
  helloOf,
  meet,
  type PhoneEnd,
  phoneEnd,
  phoneFor,
  premises,
  type ReaderEnd,
  readerEnd,
  saidOf,
  summaryOf,
  wall,
} from "../unit/protocols/mobile-pass/meeting.ts";

/**
 * So many inputs for each end where refusing is cheap; where a refusal takes a computation on the
 * curve, a share of them. 10,000,000 take some minutes.
 */
const runCount = Number(process.env["FUZZ_RUNS"] ?? 2_000);
const seed = seedFor(process.env["FUZZ_SEED"]);
t.comment(`FUZZ_SEED=${seed} FUZZ_RUNS=${runCount}`);
const share = (divisor: number): number => Math.ceil(runCount / divisor);

const place = premises();
const phone = phoneFor(place);
const { phone: met } = meet({ place, phone });
const sessionMsMax = 3_000;

function noise(random: Seeded, most: number): Uint8Array {
  const bytes = new Uint8Array(random.between(0, most));
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = random.between(0, 255);
  return bytes;
}

/** Of the right form more often than noise is, so that the deeper checks see some. */
function arbitraryFrame(random: Seeded, sequence: number): Uint8Array {
  if (random.chance(0.2)) return noise(random, 24);
  const isFirst = random.chance(sequence === 0 ? 0.95 : 0.05);
  const isLast = random.chance(0.15);
  const number = random.chance(0.95) ? sequence & 15 : random.between(0, 15);
  const header = 0x40 | (isFirst ? 0x20 : 0) | (isLast ? 0x10 : 0) | number;
  const start = random.chance(0.9) ? Uint8Array.of(header, 1) : Uint8Array.of(header);
  return Buffer.concat([start, noise(random, random.chance(0.99) ? 20 : 600)]);
}

/** Some of the bytes altered, at least one. */
function spoilt(random: Seeded, good: Uint8Array): Uint8Array {
  if (good.length === 0) return Uint8Array.of(1);
  const bytes = new Uint8Array(good);
  for (let count = random.between(1, 3); count > 0; count -= 1) {
    const index = random.between(0, bytes.length - 1);
    bytes[index] = (bytes[index] ?? 0) ^ random.between(1, 255);
  }
  return Buffer.compare(bytes, good) === 0 ? bytes.with(0, (bytes[0] ?? 0) ^ 1) : bytes;
}

/** Frames in another order, doubled, left out or spoilt; the same ones where that came to nothing. */
function disturbed(random: Seeded, frames: readonly Uint8Array[]): readonly Uint8Array[] {
  const others = [...frames];
  for (let count = random.between(1, 3); count > 0 && others.length > 0; count -= 1) {
    const index = random.between(0, others.length - 1);
    const frame = others[index] ?? new Uint8Array(1);
    switch (random.pick(["swap", "twice", "lose", "spoil", "cut", "insert"])) {
      case "swap":
        others[index] = others[0] ?? frame;
        others[0] = frame;
        break;
      case "twice":
        others.splice(index, 0, frame);
        break;
      case "lose":
        others.splice(index, 1);
        break;
      case "spoil":
        others[index] = spoilt(random, frame);
        break;
      case "cut":
        others[index] = frame.subarray(0, random.between(0, frame.length));
        break;
      default:
        others.splice(index, 0, noise(random, 20));
    }
  }
  return others;
}

const areSame = (some: readonly Uint8Array[], others: readonly Uint8Array[]): boolean =>
  Buffer.compare(
    Buffer.concat([...some, Uint8Array.of(some.length)]),
    Buffer.concat([...others, Uint8Array.of(others.length)]),
  ) === 0;

/** Undefined where all is well. */
function checkReader(end: ReaderEnd, now: number): string | undefined {
  const { judged, enrolled } = summaryOf(end.effects);
  if (judged.length + enrolled.length > 0) return "a phone was taken for genuine";
  if (end.effects.some(({ kind }) => kind === "remember")) return "a phone was remembered";
  const deadline = readerSessionDeadline(end.state);
  if (deadline !== undefined && deadline > at + sessionMsMax) return "beyond the session's limit";
  if (now >= at + sessionMsMax && end.state.phase !== "ended") return "held beyond the limit";
  return undefined;
}

function someInput(random: Seeded, sequence: number): ReaderSessionInput {
  if (random.chance(0.92)) return { kind: "written", bytes: arbitraryFrame(random, sequence) };
  return random.pick<ReaderSessionInput>([
    { kind: "connected" },
    { kind: "subscribed", frameBytesMax: random.pick([20, 0, -1, 509, 1e9, Number.NaN]) },
    { kind: "answered", outcome: "granted" },
    { kind: "deadline_reached" },
    { kind: "disconnected" },
  ]);
}

t.test("whatever is written to a reader, it grants nothing and ends within 3 s", async (t) => {
  const random = new Seeded(seed, "reader");
  const fresh = readerEnd(place);
  const listening = fresh.state;
  for (let run = 0; run < runCount; ) {
    const end: ReaderEnd = { state: listening, effects: [] };
    let now = Number(at);
    for (let count = random.between(1, 12); count > 0; count -= 1, run += 1) {
      if (random.chance(0.05)) now += random.between(0, 2_000);
      const sequence = end.state.phase === "listening" ? end.state.assembly.frameCount : 0;
      feedReader(end, someInput(random, sequence), monotonicMs(now));
    }
    const wrong = checkReader(end, now);
    if (wrong !== undefined) return t.fail(`seed ${seed}, input ${run}: ${wrong}`);
  }
  return t.pass(`${runCount} inputs`);
});

t.test("a good phone's frames, disturbed in any way, are not taken for genuine", async (t) => {
  const random = new Seeded(seed, "disturbed");
  const fresh = readerEnd(place);
  const before = fresh.state;
  const forms = [phone, met].map((owner) =>
    feedPhone(phoneEnd(owner), { kind: "hello", bytes: fresh.hello }),
  );
  for (let run = 0; run < share(20); run += 1) {
    const frames = forms[run % 2] ?? [];
    const others = disturbed(random, frames);
    if (areSame(frames, others)) continue;
    const end: ReaderEnd = { state: before, effects: [] };
    for (const bytes of others) feedReader(end, { kind: "written", bytes });
    // What came behind the whole message is no part of it.
    const isWhole = areSame(frames, others.slice(0, frames.length));
    const wrong = isWhole ? undefined : checkReader(end, at);
    if (wrong !== undefined) return t.fail(`seed ${seed}, run ${run}: ${wrong}`);
  }
  return t.pass(`${share(20)} sessions`);
});

t.test("whatever is said to a reader properly encrypted, it proves nobody", async (t) => {
  const random = new Seeded(seed, "encrypted");
  const fresh = readerEnd(place);
  const before = fresh.state;
  for (let run = 0; run < share(200); run += 1) {
    const { frames } = speakTo(fresh.hello, () => arbitraryMessage(random));
    const end: ReaderEnd = { state: before, effects: [] };
    for (const bytes of frames) feedReader(end, { kind: "written", bytes });
    const wrong = checkReader(end, at);
    if (wrong !== undefined) return t.fail(`seed ${seed}, run ${run}: ${wrong}`);
  }
  return t.pass(`${share(200)} sessions`);
});

/** With the right start and length more often than not, and with an id that is remembered. */
function arbitraryMessage(random: Seeded): Uint8Array {
  const [id = ""] = place.memory.keys();
  const isFull = random.chance(0.5);
  const start = Uint8Array.of(isFull ? 1 : 2, random.pick([1, 1, 1, 2, 0, 3]));
  if (random.chance(0.2)) return noise(random, 120);
  const rest = new Uint8Array(isFull ? 97 : 48).map(() => random.between(0, 255));
  if (!isFull) rest.set(Buffer.from(id, "hex"));
  else rest[0] = random.pick([2, 3]);
  return Buffer.concat([start, rest]);
}

t.test("whatever is notified to a phone, it believes no answer and ends in time", async (t) => {
  const random = new Seeded(seed, "phone");
  const asked = phoneEnd(met);
  feedPhone(asked, { kind: "hello", bytes: helloOf(place).bytes });
  const waiting = asked.state;
  for (let run = 0; run < runCount; ) {
    const end: PhoneEnd = { state: waiting, outcome: undefined, forms: [] };
    let now = Number(at);
    for (let count = random.between(1, 6); count > 0; count -= 1, run += 1) {
      if (random.chance(0.05)) now += random.between(0, 2_000);
      const sequence = end.state.phase === "waiting" ? end.state.assembly.frameCount : 0;
      const frame = arbitraryFrame(random, sequence);
      feedPhone(end, { kind: "notified", frame }, { at: monotonicMs(now), wall });
    }
    const deadline = phoneSessionDeadline(end.state) ?? at;
    const isLate = deadline > at + 3_500 || (now >= at + 3_500 && end.outcome === undefined);
    if (end.outcome?.kind === "answered" || isLate) {
      return t.fail(`seed ${seed}, input ${run}: ${saidOf(end)}`);
    }
  }
  return t.pass(`${runCount} inputs`);
});

t.test("a hello that is spoilt anywhere, or none at all, leaves the phone silent", async (t) => {
  const random = new Seeded(seed, "hello");
  const { bytes } = helloOf(place);
  for (let run = 0; run < share(50); run += 1) {
    const other = random.chance(0.3) ? noise(random, 520) : spoilt(random, bytes);
    const cut = random.chance(0.2) ? other.subarray(0, random.between(0, other.length)) : other;
    const end = phoneEnd(met);
    const frames = feedPhone(end, { kind: "hello", bytes: cut });
    readHelloCertificate(cut);
    openReaderCertificate(place.siteKey, cut);
    if (frames.length > 0 || end.outcome?.kind !== "failed") {
      return t.fail(`seed ${seed}, run ${run}: ${Buffer.from(cut).toString("hex")}`);
    }
  }
  return t.pass(`${share(50)} hellos`);
});

t.test("whatever a certified reader says, a phone does not fall over it", async (t) => {
  const random = new Seeded(seed, "certified");
  const rogue = helloBy(place.certificate, place.controllerKey);
  const asked = phoneEnd(met);
  const frames = feedPhone(asked, { kind: "hello", bytes: rogue.bytes });
  const heard = overhear(rogue, frames);
  if (heard === undefined) throw new Error("the phone said nothing");
  for (let run = 0; run < share(200); run += 1) {
    const end: PhoneEnd = { state: asked.state, outcome: undefined, forms: [] };
    const plain = random.chance(0.5)
      ? noise(random, 40)
      : new Uint8Array(5).map(() => random.between(0, 8));
    const { box } = seal(heard.channel, "to_phone", plain);
    const said = splitFrames(Buffer.concat([Uint8Array.of(1), box]), 20);
    for (const frame of random.chance(0.3) ? disturbed(random, said) : said) {
      feedPhone(end, { kind: "notified", frame });
    }
    if (end.outcome !== undefined) parsePhone(serialisePhone(end.outcome.phone));
  }
  t.pass(`${share(200)} answers`);
});

t.test(
  "whoever stands between the two, nobody is let in but by an undisturbed phone",
  async (t) => {
    const random = new Seeded(seed, "between");
    for (let run = 0; run < share(400); run += 1) {
      let isDisturbed = false;
      const meddle = (frame: Uint8Array): readonly Uint8Array[] => {
        if (random.chance(0.9)) return [frame];
        const frames = disturbed(random, [frame]);
        isDisturbed ||= !areSame(frames, [frame]);
        return frames;
      };
      const owner = random.pick([phone, met]);
      const meeting = meet({ place, phone: owner, between: { toReader: meddle, toPhone: meddle } });
      const isGranted = meeting.outcome?.kind === "answered";
      if (!isDisturbed && !isGranted) return t.fail(`seed ${seed}, run ${run}: ${saidOf(meeting)}`);
      if (isGranted && meeting.judged.length === 0) return t.fail(`seed ${seed}, run ${run}`);
    }
    return t.pass(`${share(400)} meetings`);
  },
);

t.test("a phone's file that is spoilt anywhere is read or refused", async (t) => {
  const random = new Seeded(seed, "file");
  const good = Buffer.from(serialisePhone(met));
  for (let run = 0; run < share(200); run += 1) {
    const parsed = parsePhone(Buffer.from(spoilt(random, good)).toString("latin1"));
    if (parsed.ok) serialisePhone(parsed.value);
  }
  t.pass(`${share(200)} files`);
});

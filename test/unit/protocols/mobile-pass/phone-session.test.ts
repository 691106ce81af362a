import { randomBytes } from "node:crypto";
import t from "tap";
import { readerId } from "../../../../src/domain/ids.ts";
import { type MonotonicMs, monotonicMs } from "../../../../src/domain/time.ts";
import { openChannel, seal, unseal } from "../../../../src/protocols/mobile-pass/channel.ts";
import { splitFrames } from "../../../../src/protocols/mobile-pass/frames.ts";
import { encodeHello, readHelloCertificate } from "../../../../src/protocols/mobile-pass/hello.ts";
import { ephemeralKeyFrom } from "../../../../src/protocols/mobile-pass/p256.ts";
import { phoneSessionDeadline } from "../../../../src/protocols/mobile-pass/phone-session.ts";
import { parsePhone, serialisePhone } from "../../../../src/protocols/mobile-pass/phone-state.ts";
import {
  at,
  feedPhone,
  flipped,
  helloOf,
  meet,
  type PhoneEnd,
  phoneEnd,
  phoneFor,
  premises,
  saidOf,
  wall,
} from "./meeting.ts";

const place = premises();
const phone = phoneFor(place);
const later = (ms: number): MonotonicMs => monotonicMs(at + ms);

/** A reader whose every secret the test knows, to have it say what a real one would not. */
function puppet(options: { readonly action?: "present" | "enrol"; readonly known?: boolean } = {}) {
  const ephemeral = ephemeralKeyFrom(randomBytes(48));
  const hello = encodeHello({
    certificate: place.certificate,
    reader: readerId("front"),
    nonce: randomBytes(16),
    ephemeral: ephemeral.point,
    controllerKey: place.controllerKey,
  });
  const owner = options.known === true ? meet({ place, phone }).phone : phone;
  const end = phoneEnd(owner, { action: options.action ?? "present" });
  const frames = feedPhone(end, { kind: "hello", bytes: hello });
  const message = Buffer.concat(frames.map((frame) => frame.subarray(1)));
  const opening = message.subarray(0, 34);
  const agreed = ephemeral.agree(opening.subarray(1));
  if (agreed === undefined) throw new Error("no point");
  const opened = unseal(openChannel({ hello, opening, agreed }), "to_reader", message.subarray(34));
  if (opened === undefined) throw new Error("not for this reader");
  const say = (plain: Uint8Array) => {
    const { box } = seal(opened.channel, "to_phone", plain);
    return splitFrames(Buffer.concat([Uint8Array.of(1), box]), 20);
  };
  return { end, say, plain: opened.plain };
}

function notify(end: PhoneEnd, frames: readonly Uint8Array[]): string {
  for (const frame of frames) feedPhone(end, { kind: "notified", frame });
  return saidOf(end);
}

t.test("every bit of a hello, flipped, leaves the phone silent", async (t) => {
  const { bytes } = helloOf(place);
  const faults = new Set<string>();
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const end = phoneEnd(phone);
    const frames = feedPhone(end, { kind: "hello", bytes: flipped(bytes, bit) });
    if (frames.length > 0) t.fail(`bit ${bit}`);
    faults.add(saidOf(end));
  }
  t.same([...faults].sort(), [
    "certificate_not_authentic",
    "hello_malformed",
    "hello_not_authentic",
    "version_unknown",
  ]);
  t.not(feedPhone(phoneEnd(phone), { kind: "hello", bytes }).length, 0, "as it was sent");
});

t.test(
  "a hello cut short anywhere, or with anything behind it, leaves the phone silent",
  async (t) => {
    const { bytes } = helloOf(place);
    const spoilt: Uint8Array[] = [
      Buffer.concat([bytes, Uint8Array.of(0)]),
      new Uint8Array(513).fill(1),
    ];
    for (let length = 0; length < bytes.length; length += 1) spoilt.push(bytes.subarray(0, length));
    for (const hello of spoilt) {
      const end = phoneEnd(phone);
      if (feedPhone(end, { kind: "hello", bytes: hello }).length > 0)
        t.fail(`${hello.length} bytes`);
      if (end.outcome?.kind !== "failed") t.fail(`${hello.length} bytes`);
    }
    t.pass(`${spoilt.length} hellos`);
  },
);

t.test("whose reader it says it is can be read before a site is chosen", async (t) => {
  const { bytes } = helloOf(place);
  t.match(readHelloCertificate(bytes), { ok: true, value: { site: "home", controller: "box-1" } });
  t.notOk(readHelloCertificate(bytes.subarray(1)).ok);
  t.same(readHelloCertificate(bytes.with(3, 9)), { ok: false, fault: "version_unknown" });
});

t.test("every bit of an answer, flipped, is no answer", async (t) => {
  const { end, say } = puppet();
  const frames = say(Uint8Array.of(1, 0, 0, 0, 9));
  const before = end.state;
  for (const [index, frame] of frames.entries()) {
    for (let bit = 0; bit < frame.length * 8; bit += 1) {
      end.state = before;
      end.outcome = undefined;
      const said = notify(end, frames.with(index, flipped(frame, bit)));
      if (!["answer_not_authentic", "nothing"].includes(said)) t.fail(`${index}.${bit}: ${said}`);
    }
  }
  end.state = before;
  t.equal(notify(end, frames), "granted", "as it was sent");
});

t.test("an answer that is none, or to another question, is not believed", async (t) => {
  const told = (code: number, seconds: number, options: Parameters<typeof puppet>[0] = {}) => {
    const { end, say } = puppet(options);
    const plain = Buffer.alloc(5);
    plain.writeUInt8(code);
    plain.writeUInt32BE(seconds, 1);
    return notify(end, say(plain));
  };
  const presented = [1, 2, 3, 4, 5, 6, 7, 8, 0, 255].map((code) => told(code, 0));
  const no = "answer_not_authentic";
  t.same(presented, ["granted", "denied", "more_needed", no, no, "try_later", no, no, no, no]);
  const enrolled = [1, 2, 3, 4, 5, 6, 7].map((code) => told(code, 0, { action: "enrol" }));
  t.same(enrolled, [no, "denied", no, "enrolled", "not_enrolling", "try_later", no]);
  t.equal(told(7, 0, { known: true }), "nothing", "asked to sign, it goes on");
  t.equal(told(2, 60), no, "denied, and remembered");
  const { end, say } = puppet();
  t.equal(notify(end, say(new Uint8Array(6).fill(1))), no, "too long");
});

t.test("a phone that knows the reader still signs to be enrolled", async (t) => {
  t.same(puppet({ known: true }).plain.subarray(0, 2), Buffer.from([2, 1]), "fast, to be let in");
  const enrolling = puppet({ known: true, action: "enrol" }).plain;
  t.same(enrolling.subarray(0, 2), Buffer.from([1, 2]), "full");
});

t.test("what anybody can say in clear ends the session and changes nothing else", async (t) => {
  const { phone: met } = meet({ place, phone });
  for (const code of [0, 1, 5, 200]) {
    const end = phoneEnd(met);
    feedPhone(end, { kind: "hello", bytes: helloOf(place).bytes });
    t.equal(notify(end, [Uint8Array.of(0x70, 0, code)]), "not_understood");
    t.equal(end.outcome && serialisePhone(end.outcome.phone), serialisePhone(met));
  }
});

t.test("a phone waits 3,500 ms, whatever comes meanwhile", async (t) => {
  const silent = phoneEnd(phone);
  t.equal(phoneSessionDeadline(silent.state), later(3_500));
  const { end, say } = puppet();
  feedPhone(end, { kind: "deadline_reached" }, { at: later(3_499), wall });
  t.equal(saidOf(end), "nothing", "not before");
  const [frame = new Uint8Array()] = say(Uint8Array.of(1, 0, 0, 0, 0));
  feedPhone(end, { kind: "notified", frame }, { at: later(3_500), wall });
  t.equal(saidOf(end), "too_late", "nor is anything heard after it");
  t.equal(phoneSessionDeadline(end.state), undefined);
});

t.test("a link that goes ends the session, and nothing is heard thereafter", async (t) => {
  const { end, say } = puppet();
  feedPhone(end, { kind: "lost" });
  t.equal(saidOf(end), "link_lost");
  end.outcome = undefined;
  t.equal(notify(end, say(Uint8Array.of(1, 0, 0, 0, 0))), "nothing");
});

t.test("a phone hears nothing before it has spoken, and one hello only", async (t) => {
  const end = phoneEnd(phone);
  t.equal(notify(end, [Uint8Array.of(0x70, 0, 1)]), "nothing");
  const { bytes } = helloOf(place);
  t.not(feedPhone(end, { kind: "hello", bytes }).length, 0);
  t.same(feedPhone(end, { kind: "hello", bytes }), []);
});

t.test(
  "a phone tries the fast form as long as its own clock says that it is remembered",
  async (t) => {
    const { phone: met } = meet({ place, phone });
    const until = met.known[0]?.resumption?.until ?? 0;
    t.equal(until, wall + 24 * 60 * 60 * 1_000);
    const forms = [until - 1, until].map((now) => {
      const end = phoneEnd(met);
      const { bytes } = helloOf(place);
      feedPhone(end, { kind: "hello", bytes }, { at, wall: now as typeof wall });
      return end.forms;
    });
    t.same(forms, [["fast"], ["full"]]);
  },
);

t.test("a phone's file holds all that it knows, and a fault names the field alone", async (t) => {
  const { phone: met } = meet({ place, phone });
  const text = serialisePhone(met);
  const parsed = parsePhone(text);
  if (!parsed.ok) throw new Error(parsed.fault.field);
  t.equal(serialisePhone(parsed.value), text);
  const visit = meet({ place, phone: parsed.value });
  t.same([saidOf(visit), visit.forms], ["granted", ["fast"]]);

  const file = JSON.parse(text);
  const [known] = file.known;
  const secret = "A".repeat(43);
  const cases: readonly (readonly [string, unknown])[] = [
    ["", null],
    ["format", { ...file, format: 2 }],
    ["site", { ...file, site: "a/b" }],
    ["site_key", { ...file, site_key: "short" }],
    ["device_key", { ...file, device_key: secret }],
    ["device_key", { ...file, device_key: undefined }],
    ["extra", { ...file, extra: 1 }],
    ["known", { ...file, known: [known, known] }],
    ["known", { ...file, known: Array.from({ length: 65 }, () => known) }],
    ["known.0.reader_key", { ...file, known: [{ ...known, reader_key: "A".repeat(44) }] }],
    ["known.0.resumption_key", { ...file, known: [{ ...known, resumption_key: "AA" }] }],
    ["known.0", { ...file, known: [{ ...known, resumption_until: undefined }] }],
    ["known.0.issued_at", { ...file, known: [{ ...known, issued_at: 1.5 }] }],
  ];
  for (const [field, content] of cases) {
    const spoilt = parsePhone(JSON.stringify(content));
    t.match(spoilt, { ok: false, fault: { field } });
    t.notOk(JSON.stringify(spoilt).includes(secret));
  }
  t.match(parsePhone("{"), { ok: false, fault: { expected: "a JSON object" } });
});

t.test("a phone keeps the 64 controllers that it met last", async (t) => {
  const [known] = meet({ place, phone }).phone.known;
  if (known === undefined) throw new Error("unknown");
  const others = Array.from({ length: 64 }, (_, index) => ({
    ...known,
    controller: `other-${index}` as typeof known.controller,
  }));
  const visit = meet({ place, phone: { ...phone, known: others } });
  const names = visit.phone.known.map(({ controller }) => controller);
  t.same([names.length, names[0], names.at(-1)], [64, "other-1", "box-1"]);
});

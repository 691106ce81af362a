import { diffieHellman, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import t from "tap";
import { readerId } from "../../../../src/domain/ids.ts";
import { monotonicMs } from "../../../../src/domain/time.ts";
import { messageBytesMax, splitFrames } from "../../../../src/protocols/mobile-pass/frames.ts";
import {
  ephemeralKeyFrom,
  pointOf,
  privateKeyFrom,
  publicKeyAt,
  signWith,
} from "../../../../src/protocols/mobile-pass/p256.ts";
import {
  fastMessage,
  fullMessage,
  phoneIdOf,
} from "../../../../src/protocols/mobile-pass/phone-message.ts";
import { phoneOf } from "../../../../src/protocols/mobile-pass/phone-state.ts";
import { prepareHello } from "../../../../src/protocols/mobile-pass/prepared-hello.ts";
import {
  initialReaderSession,
  type ReaderSession,
} from "../../../../src/protocols/mobile-pass/reader-session.ts";
import { purposeLabel } from "../../../../src/protocols/mobile-pass/version.ts";
import { ephemeralOf, helloBy, joined, nonceOf, overhear, speakTo } from "./attacker.ts";
import {
  at,
  certify,
  feedPhone,
  feedReader,
  helloOf,
  type Meeting,
  meet,
  type Premises,
  phoneEnd,
  phoneFor,
  premises,
  type ReaderEnd,
  readerEnd,
  saidOf,
  summaryOf,
} from "./meeting.ts";

const blank = (place: Premises): Premises => ({ ...place, memory: new Map() });
const home = premises();
const phone = phoneFor(home);
const credential = phoneOf(phone.deviceKey);
const devicePoint = pointOf(phone.deviceKey);

/** All that was on the air after the hello. */
const aired = ({ written, notified }: Meeting): Uint8Array =>
  Buffer.concat([joined(written), joined(notified)]);

/** Whether a stretch of `length` bytes is in both. */
function haveInCommon(one: Uint8Array, other: Uint8Array, length: number): boolean {
  const text = Buffer.from(other).toString("latin1");
  for (let start = 0; start + length <= one.length; start += 1) {
    const stretch = Buffer.from(one.subarray(start, start + length)).toString("latin1");
    if (text.includes(stretch)) return true;
  }
  return false;
}

t.test("who listens learns neither which phone it was nor what it was told", async (t) => {
  const place = blank(home);
  const granted = meet({ place, phone });
  const fast = meet({ place, phone: granted.phone });
  const denied = meet({ place: blank(home), phone, verdict: () => "denied" });
  t.same([saidOf(granted), saidOf(fast), saidOf(denied)], ["granted", "granted", "denied"]);
  for (const meeting of [granted, fast, denied]) {
    t.notOk(haveInCommon(devicePoint.subarray(1), aired(meeting), 6), "its key");
    t.notOk(haveInCommon(Buffer.from(credential.slice(6), "hex"), aired(meeting), 6), "its id");
  }
  const lengthsOf = (meeting: Meeting) =>
    [...meeting.written, ...meeting.notified].map(({ length }) => length);
  t.same(lengthsOf(granted), lengthsOf(denied), "one length, whatever it is told");
});

t.test(
  "who recorded a session and steals every key that is kept still reads nothing",
  async (t) => {
    const place = blank(home);
    const meeting = meet({ place, phone });
    const theirs = [ephemeralOf(meeting.hello), joined(meeting.written).subarray(1, 34)];
    const kept: readonly KeyObject[] = [phone.deviceKey, home.controllerKey];
    for (const privateKey of kept) {
      for (const point of theirs) {
        const publicKey = publicKeyAt(point);
        if (publicKey === undefined) throw new Error("no point");
        const agreed = diffieHellman({ privateKey, publicKey });
        const hello = { bytes: meeting.hello, ephemeral: { agree: () => agreed } };
        t.equal(overhear(hello, meeting.written), undefined);
      }
    }
  },
);

t.test("a recorded session, played to the reader again, opens nothing", async (t) => {
  const place = blank(home);
  const full = meet({ place, phone });
  const fast = meet({ place, phone: full.phone });
  t.same([full.forms, fast.forms], [["full"], ["fast"]]);
  for (const { written } of [full, fast]) {
    const reader = readerEnd(place);
    for (const bytes of written) feedReader(reader, { kind: "written", bytes });
    t.match(summaryOf(reader.effects), { judged: [], fault: "not_authentic" });
  }
});

t.test("a recorded answer, played to the phone again, is not believed", async (t) => {
  const place = blank(home);
  const { notified, hello } = meet({ place, phone });
  const again = meet({ place, phone, between: { hello: () => hello, toReader: () => [] } });
  t.equal(saidOf(again), "nothing", "the same hello");
  const end = phoneEnd(phone);
  feedPhone(end, { kind: "hello", bytes: hello });
  for (const frame of notified) feedPhone(end, { kind: "notified", frame });
  t.equal(saidOf(end), "answer_not_authentic");
});

t.test("a hello serves one session: the second is refused before it begins", async (t) => {
  const hello = helloOf(home);
  initialReaderSession(hello, () => undefined);
  t.throws(() => initialReaderSession(hello, () => undefined), /used in a session before/);
  const [one, other] = [helloOf(home).bytes, helloOf(home).bytes];
  t.notSame(ephemeralOf(one), ephemeralOf(other), "each has a key of its own");
  t.notSame(nonceOf(one), nonceOf(other), "and a nonce");
});

t.test(
  "a relay that passes all on in time opens the door; one that takes 3 s does not",
  async (t) => {
    t.same(meet({ place: blank(home), phone, between: {} }).judged, [credential], "not stopped");
    const reader = readerEnd(home);
    const frames = feedPhone(phoneEnd(phone), { kind: "hello", bytes: reader.hello });
    const lateAt = monotonicMs(at + 3_000);
    for (const bytes of frames) feedReader(reader, { kind: "written", bytes }, lateAt);
    t.match(summaryOf(reader.effects), { judged: [], fault: "too_late" });
  },
);

t.test("what a phone says to one reader is worth nothing at another, relayed or not", async (t) => {
  const front = readerEnd(home, { hello: helloOf(home, "front") });
  const back = readerEnd(home, { hello: helloOf(home, "back") });
  const frames = feedPhone(phoneEnd(phone), { kind: "hello", bytes: front.hello });
  for (const bytes of frames) feedReader(back, { kind: "written", bytes });
  t.match(summaryOf(back.effects), { judged: [], fault: "not_authentic" });
});

t.test("a relay that calls the reader by another name gets no word from the phone", async (t) => {
  const meeting = meet({ place: home, phone, between: { hello: renamed } });
  t.same([saidOf(meeting), meeting.written.length], ["hello_not_authentic", 0]);
});

/** "front" becomes "frond". */
function renamed(hello: Uint8Array): Uint8Array {
  const nameEnd = hello.length - 64 - 33 - 16;
  return hello.with(nameEnd - 1, "d".charCodeAt(0));
}

t.test("a reader that no site, or another site, certified hears nothing of a phone", async (t) => {
  const stranger = premises("elsewhere");
  const namesake = premises("home");
  const said = [stranger, namesake].map((place) => {
    const { written, outcome } = meet({ place, phone });
    return [saidOf({ outcome }), written.length];
  });
  t.same(said, [
    ["certificate_not_authentic", 0],
    ["certificate_not_authentic", 0],
  ]);
  // One site's key under two names: who took over the one is not the other.
  const renamedSite = { ...home, site: stranger.site };
  const certificate = certify(renamedSite);
  const meeting = meet({ place: { ...home, certificate }, phone });
  t.same([saidOf(meeting), meeting.written.length], ["certificate_of_another_site", 0]);
});

t.test(
  "who has the certificate, from the broker or the air, but not its key hears nothing",
  async (t) => {
    const { bytes } = helloBy(home.certificate, privateKeyFrom(randomBytes(48)));
    const end = phoneEnd(phone);
    t.same(feedPhone(end, { kind: "hello", bytes }), []);
    t.equal(saidOf(end), "hello_not_authentic");
    const reader = readerId("front");
    const put = premises("home").certificate;
    const entropy = (count: number) => randomBytes(count);
    const made = prepareHello({
      certificate: put,
      controllerKey: home.controllerKey,
      reader,
      entropy,
    });
    t.same(made, { ok: false, fault: "certificate_of_another_key" }, "put into the table's place");
  },
);

t.test(
  "who shows a recorded hello learns that a phone of that site is there, and not which",
  async (t) => {
    const recorded = helloOf(home).bytes;
    const clone = { bytes: recorded, ephemeral: ephemeralKeyFrom(randomBytes(48)) };
    const said = [phone, phone, phoneFor(home)].map((owner) => {
      const end = phoneEnd(owner);
      const frames = feedPhone(end, { kind: "hello", bytes: recorded });
      t.equal(overhear(clone, frames), undefined, "it cannot read it");
      t.equal(end.outcome, undefined, "nor does it have an answer");
      return joined(frames);
    });
    const [one, two, other] = said;
    if (one === undefined || two === undefined || other === undefined) throw new Error("silent");
    t.notOk(haveInCommon(one, two, 6), "the same phone twice");
    t.notOk(haveInCommon(one, other, 6), "two phones");
    t.same([one.length, two.length], [other.length, other.length]);
  },
);

t.test("a flood is refused before anything is computed, and a session computes once", async (t) => {
  let count = 0;
  const real = ephemeralKeyFrom(randomBytes(48));
  const ephemeral = {
    point: real.point,
    agree: (point: Uint8Array) => {
      count += 1;
      return real.agree(point);
    },
  };
  const good = readerEnd(home);
  const listener = { hello: good.hello, ephemeral, resume: () => undefined };
  const waiting: ReaderSession = { phase: "waiting", listener };
  const write = (frames: readonly Uint8Array[]): void => {
    const reader: ReaderEnd = { state: waiting, effects: [] };
    feedReader(reader, { kind: "connected" });
    feedReader(reader, { kind: "subscribed", frameBytesMax: 20 });
    for (const bytes of frames) feedReader(reader, { kind: "written", bytes });
    t.same(summaryOf(reader.effects).judged, []);
  };
  const frames = feedPhone(phoneEnd(phone), { kind: "hello", bytes: good.hello });
  const message = joined(frames);
  write(frames.slice(1));
  write([...frames].reverse());
  write(splitFrames(message.with(0, 9), 20));
  write(splitFrames(message.subarray(0, 50), 20));
  write(splitFrames(new Uint8Array(messageBytesMax).fill(1).with(1, 9), 20).slice(0, -1));
  t.equal(count, 0, "for frames and messages of no use");
  const wrong = splitFrames(Buffer.concat([message.subarray(0, 34), randomBytes(115)]), 20);
  write([...wrong, ...wrong, ...wrong]);
  t.equal(count, 1, "for one that had to be opened, and what came behind it");
});

t.test("a version that somebody changed on the way is refused by both ends", async (t) => {
  for (const version of [0, 2, 255]) {
    const there = meet({
      place: home,
      phone,
      between: { hello: (bytes) => bytes.with(0, version) },
    });
    t.same([saidOf(there), there.written.length], ["version_unknown", 0]);
    const back = meet({
      place: home,
      phone,
      between: {
        toReader: (frame, index) => [index === 0 ? frame.with(1, version) : frame],
      },
    });
    t.same([back.fault, back.judged], ["version_unknown", []]);
  }
});

t.test("a phone is not talked down to a version that both have left behind", async (t) => {
  const { bytes } = helloBy(home.certificate, home.controllerKey);
  const body = bytes.subarray(0, -64).with(1, 2);
  const signed = Buffer.concat([purposeLabel("hello"), body]);
  const newer = Buffer.concat([body, signWith(home.controllerKey, signed)]);
  const said = [1, 2, 3].map((newestVersion) => {
    const end = phoneEnd(phone, { newestVersion });
    feedPhone(end, { kind: "hello", bytes: newer });
    return saidOf(end);
  });
  t.same(said, ["nothing", "downgraded", "downgraded"], "of phones that speak 1, 2, 3");
  const hidden = phoneEnd(phone, { newestVersion: 2 });
  feedPhone(hidden, { kind: "hello", bytes: newer.with(1, 1) });
  t.equal(saidOf(hidden), "hello_not_authentic", "the reader's word for it is signed");
});

t.test("a controller's stolen key is of no use once its phones have met the new one", async (t) => {
  const stolen = blank(home);
  const before = meet({ place: stolen, phone });
  const controllerKey = privateKeyFrom(randomBytes(48));
  const certificate = certify({ ...home, controllerKey }, 1_785_000_000_000);
  const renewed = { ...blank(home), controllerKey, certificate };
  const after = meet({ place: renewed, phone: before.phone });
  t.same([saidOf(after), after.forms], ["granted", ["full"]]);
  const thief = meet({ place: stolen, phone: after.phone });
  t.same([saidOf(thief), thief.written.length], ["certificate_superseded", 0]);
  const reissued = certify({ ...home, controllerKey }, 1_784_000_000_000);
  const same = meet({ place: { ...renewed, certificate: reissued }, phone: after.phone });
  t.equal(saidOf(same), "granted", "an older certificate of the same key does no harm");
});

t.test(
  "who has a controller's key opens none of its doors with what a phone tells him",
  async (t) => {
    const rogue = helloBy(home.certificate, home.controllerKey);
    const frames = feedPhone(phoneEnd(phone), { kind: "hello", bytes: rogue.bytes });
    const heard = overhear(rogue, frames);
    t.same(heard?.plain.subarray(2, 35), devicePoint, "he knows which phone it is");
    const reader = readerEnd(home);
    const said = speakTo(reader.hello, () => heard?.plain ?? new Uint8Array());
    for (const bytes of said.frames) feedReader(reader, { kind: "written", bytes });
    t.match(summaryOf(reader.effects), { judged: [], fault: "signature_wrong" });
  },
);

t.test(
  "a phone cannot present another's key, nor what another has signed to be enrolled",
  async (t) => {
    const thief = privateKeyFrom(randomBytes(48));
    const reader = readerEnd(home);
    const foreign = speakTo(reader.hello, (channel) =>
      fullMessage(channel, { action: "present", deviceKey: thief, devicePoint }),
    );
    for (const bytes of foreign.frames) feedReader(reader, { kind: "written", bytes });
    t.match(summaryOf(reader.effects), { judged: [], fault: "signature_wrong" });

    const second = readerEnd(home);
    const turned = speakTo(second.hello, (channel) => {
      const enrol = fullMessage(channel, {
        action: "enrol",
        deviceKey: phone.deviceKey,
        devicePoint,
      });
      return enrol.with(1, 1);
    });
    for (const bytes of turned.frames) feedReader(second, { kind: "written", bytes });
    t.match(summaryOf(second.effects), { judged: [], enrolled: [], fault: "signature_wrong" });
  },
);

t.test("to know by what a reader remembers a phone is not to be that phone", async (t) => {
  const place = blank(home);
  meet({ place, phone });
  const id = phoneIdOf(devicePoint);
  t.ok(place.memory.has(id));
  for (const memory of [place.memory, new Map()]) {
    for (const resumptionKey of [new Uint8Array(32), randomBytes(32)]) {
      const reader = readerEnd({ ...place, memory });
      const { frames } = speakTo(reader.hello, (channel) =>
        fastMessage(channel, { id, resumptionKey }),
      );
      for (const bytes of frames) feedReader(reader, { kind: "written", bytes });
      t.same(summaryOf(reader.effects).judged, []);
      t.equal(reader.effects.filter(({ kind }) => kind === "notify").length, 2, "full_needed");
    }
  }
  t.equal(meet({ place, phone }).forms.length, 1, "and the phone's own memory stands");
});

t.test(
  "a copy of what a phone stores opens until the phone comes by, and never enrols",
  async (t) => {
    const place = blank(home);
    const { phone: met } = meet({ place, phone });
    const thief = meet({ place, phone: met });
    t.same([saidOf(thief), thief.forms], ["granted", ["fast"]], "not stopped");
    const owner = meet({ place, phone: met });
    t.same(owner.forms, ["fast", "full"], "the reader has gone on: the owner signs");
    const again = meet({ place, phone: thief.phone, between: { toReader: onlyFirst(6) } });
    t.same([again.judged, again.forms], [[], ["fast", "full"]], "and the copy would have to");
    const enrolling = meet({ place, phone: met, action: "enrol" });
    t.same(enrolling.forms, ["full"]);
  },
);

/** A thief cannot sign: what he would have to is left out. */
const onlyFirst =
  (count: number) =>
  (frame: Uint8Array, index: number): readonly Uint8Array[] =>
    index < count ? [frame] : [];

t.test("a revoked phone is denied at its next visit, remembered or not", async (t) => {
  const place = blank(home);
  const { phone: met } = meet({ place, phone });
  const revoked = meet({ place, phone: met, verdict: () => "denied" });
  t.same([saidOf(revoked), revoked.forms, revoked.judged], ["denied", ["fast"], [credential]]);
  place.memory.clear();
  const again = meet({ place, phone: revoked.phone, verdict: () => "denied" });
  t.same([saidOf(again), again.forms], ["denied", ["fast", "full"]]);
  t.equal(place.memory.size, 0, "nor is it remembered again");
});

t.test("what a phone says to its site's reader is worth nothing at another site's", async (t) => {
  const { privateKey: mobileKey } = generateKeyPairSync("ed25519");
  const certificate = certify({ ...home, mobileKey });
  const reader = readerEnd({ ...blank(home), certificate });
  const frames = feedPhone(phoneEnd(phone), { kind: "hello", bytes: helloOf(home).bytes });
  for (const bytes of frames) feedReader(reader, { kind: "written", bytes });
  t.match(summaryOf(reader.effects), { judged: [], fault: "not_authentic" });
});

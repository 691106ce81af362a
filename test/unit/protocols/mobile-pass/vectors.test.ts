import { createPrivateKey, createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import t from "tap";
import { controllerId, readerId, siteId } from "../../../../src/domain/ids.ts";
import { epochMs, monotonicMs } from "../../../../src/domain/time.ts";
import {
  type Channel,
  openChannel,
  resumptionKeyOf,
  seal,
  unseal,
} from "../../../../src/protocols/mobile-pass/channel.ts";
import { splitFrames } from "../../../../src/protocols/mobile-pass/frames.ts";
import { openHello } from "../../../../src/protocols/mobile-pass/hello.ts";
import {
  ephemeralKeyFrom,
  pointOf,
  privateKeyFrom,
  publicKeyAt,
} from "../../../../src/protocols/mobile-pass/p256.ts";
import {
  decodePhoneMessage,
  isFullGenuine,
} from "../../../../src/protocols/mobile-pass/phone-message.ts";
import {
  initialPhoneSession,
  stepPhoneSession,
} from "../../../../src/protocols/mobile-pass/phone-session.ts";
import {
  newPhone,
  phoneOf,
  siteKeyText,
} from "../../../../src/protocols/mobile-pass/phone-state.ts";
import {
  encodeRefusal,
  isPlainRefusal,
  type ReaderAnswer,
} from "../../../../src/protocols/mobile-pass/reader-answer.ts";
import {
  issueReaderCertificate,
  openReaderCertificate,
} from "../../../../src/protocols/mobile-pass/reader-certificate.ts";
import {
  type ReaderSession,
  type ReaderSessionEffect,
  stepReaderSession,
} from "../../../../src/protocols/mobile-pass/reader-session.ts";
import { deriveKeys } from "../../../../src/protocols/sync/provision.ts";

interface Turn {
  readonly form: "full" | "fast";
  readonly action: "present" | "enrol";
  readonly plain: string;
  readonly message: string;
  readonly frames20: readonly string[];
  readonly frames182: readonly string[];
  readonly answer: ReaderAnswer | "full_needed";
  readonly resumableForS: number;
  readonly answerPlain: string;
  readonly answerMessage: string;
  readonly answerFrames20: readonly string[];
  readonly transcriptAfter: string;
}

interface Session {
  readonly name: string;
  readonly readerEphemeralSeed: string;
  readonly phoneEphemeralSeed: string;
  readonly hello: string;
  readonly opening: string;
  readonly agreed: string;
  readonly transcript: string;
  readonly keyToReader: string;
  readonly keyToPhone: string;
  readonly resumptionSecret: string;
  readonly resumptionKeyBefore?: string;
  readonly resumptionKeyAfter?: string;
  readonly turns: readonly Turn[];
}

/** Made by test/vectors/mobile-pass.py, which shares no code with the program. */
const vectors = JSON.parse(
  readFileSync(new URL("../../../vectors/mobile-pass.json", import.meta.url), "utf8"),
) as {
  readonly site: {
    readonly id: string;
    readonly mobileKeySeed: string;
    readonly mobileKey: string;
  };
  readonly reader: Readonly<
    Record<"controller" | "reader" | "controllerKey" | "keySeed" | "key" | "certificate", string>
  > & { readonly issuedAt: number };
  readonly longestCertificate: string;
  readonly longestHello: string;
  readonly device: { readonly seed: string; readonly key: string; readonly credential: string };
  readonly sessions: readonly Session[];
  readonly noPoints: Readonly<Record<string, string>>;
  readonly refusals: Readonly<Record<string, string>>;
};

const bytes = (hex: string): Uint8Array => Buffer.from(hex, "hex");
const hex = (data: Uint8Array | undefined): string | undefined =>
  data && Buffer.from(data).toString("hex");

const ed25519Start = "302e020100300506032b657004220420";
const mobileKey = createPrivateKey({
  format: "der",
  type: "pkcs8",
  key: Buffer.from(ed25519Start + vectors.site.mobileKeySeed, "hex"),
});
const siteKey = createPublicKey(mobileKey);
const readerKey = privateKeyFrom(bytes(vectors.reader.keySeed));
const known = { site: siteId(vectors.site.id), siteKey };
const blankPhone = newPhone({ ...known, deviceSeed: bytes(vectors.device.seed) });
const day = 24 * 60 * 60;
const now = monotonicMs(5_000);
const wall = epochMs(1_790_000_000_000);

t.test("keys come from the same bytes to the same points", async (t) => {
  t.equal(hex(pointOf(readerKey)), vectors.reader.key);
  t.equal(hex(pointOf(blankPhone.deviceKey)), vectors.device.key);
  t.equal(phoneOf(blankPhone.deviceKey), vectors.device.credential);
  t.equal(siteKeyText(siteKey), Buffer.from(bytes(vectors.site.mobileKey)).toString("base64url"));
  const { mobileKey: derived } = deriveKeys(bytes(vectors.reader.controllerKey));
  t.equal(hex(pointOf(derived)), vectors.reader.key, "of the controller's key");
});

t.test("a certificate is the same, byte by byte", async (t) => {
  const { controller, issuedAt, certificate } = vectors.reader;
  const issued = issueReaderCertificate({
    site: known.site,
    controller: controllerId(controller),
    readerKey,
    issuedAt: epochMs(issuedAt),
    mobileKey,
  });
  t.equal(hex(issued), certificate);
  const opened = openReaderCertificate(siteKey, bytes(certificate));
  t.match(opened, { ok: true, value: { site: "home", controller: "box-1", issuedAt } });
  t.ok(openReaderCertificate(siteKey, bytes(vectors.longestCertificate)).ok);
  t.equal(bytes(vectors.longestCertificate).length, 236);
});

t.test("a phone believes a hello that the script has signed", async (t) => {
  const expected = { ...known, newestVersion: 1 };
  for (const session of vectors.sessions) {
    const opened = openHello(expected, bytes(session.hello));
    t.match(opened, { ok: true, value: { reader: vectors.reader.reader } }, session.name);
  }
  const longest = bytes(vectors.longestHello);
  t.equal(longest.length, 417);
  t.ok(openHello({ ...expected, site: "L".repeat(64) }, longest).ok);
});

for (const session of vectors.sessions) {
  t.test(`session '${session.name}': every byte is that of the script`, async (t) => {
    const hello = bytes(session.hello);
    const theirs = ephemeralKeyFrom(bytes(session.readerEphemeralSeed));
    const ours = ephemeralKeyFrom(bytes(session.phoneEphemeralSeed));
    t.equal(hex(ours.agree(theirs.point)), session.agreed);
    t.equal(hex(theirs.agree(ours.point)), session.agreed);
    t.equal(hex(Buffer.concat([Uint8Array.of(1), ours.point])), session.opening);
    const opening = bytes(session.opening);
    let channel: Channel = openChannel({ hello, opening, agreed: bytes(session.agreed) });
    t.equal(hex(channel.transcript), session.transcript);
    t.equal(hex(channel.keys.to_reader), session.keyToReader);
    t.equal(hex(channel.keys.to_phone), session.keyToPhone);
    t.equal(hex(channel.resumptionSecret), session.resumptionSecret);
    let start = session.opening;
    for (const turn of session.turns) {
      const said = decodePhoneMessage(bytes(turn.plain));
      t.match(said, { form: turn.form });
      if (said?.form === "full") {
        t.equal(said.action, turn.action);
        t.ok(isFullGenuine(channel, said), "the phone's signature");
      }
      const sealed = seal(channel, "to_reader", bytes(turn.plain));
      t.equal(start + hex(sealed.box), turn.message);
      t.equal(hex(unseal(channel, "to_reader", sealed.box)?.plain), turn.plain);
      t.same(splitFrames(bytes(turn.message), 20).map(hex), turn.frames20);
      t.same(splitFrames(bytes(turn.message), 182).map(hex), turn.frames182);
      const answer = seal(sealed.channel, "to_phone", bytes(turn.answerPlain));
      t.equal(`01${hex(answer.box)}`, turn.answerMessage);
      t.equal(hex(answer.channel.transcript), turn.transcriptAfter);
      ({ channel } = answer);
      start = "01";
    }
    if (session.resumptionKeyAfter === undefined) return;
    t.equal(hex(resumptionKeyOf(channel)), session.resumptionKeyAfter);
  });

  t.test(
    `session '${session.name}': the reader takes the phone's frames and says the same`,
    async (t) => {
      let state: ReaderSession = {
        phase: "waiting",
        listener: {
          hello: bytes(session.hello),
          ephemeral: ephemeralKeyFrom(bytes(session.readerEphemeralSeed)),
          resume: () => rememberedBy(session),
        },
      };
      const feed = (
        input: Parameters<typeof stepReaderSession>[1],
      ): readonly ReaderSessionEffect[] => {
        const step = stepReaderSession(state, input, now);
        state = step.state;
        return step.effects;
      };
      feed({ kind: "connected" });
      feed({ kind: "subscribed", frameBytesMax: 20 });
      for (const turn of session.turns) {
        const heard = turn.frames20.flatMap((frame) =>
          feed({ kind: "written", bytes: bytes(frame) }),
        );
        const said = [...heard];
        if (turn.answer !== "full_needed") {
          const phone = vectors.device.credential;
          const { action, form } = turn;
          t.same(heard, [
            action === "enrol" ? { kind: "enrol", phone } : { kind: "judge", phone, form },
          ]);
          said.push(...feed({ kind: "answered", outcome: turn.answer }));
        }
        const frames = said.flatMap((effect) =>
          effect.kind === "notify" ? [hex(effect.frame)] : [],
        );
        t.same(frames, turn.answerFrames20);
        const remembered = said.find((effect) => effect.kind === "remember");
        const isGranted = turn.answer === "granted";
        const expected = isGranted ? session.resumptionKeyAfter : undefined;
        t.equal(hex(remembered?.resumption.key), expected);
      }
    },
  );
}

/** As much of its day is over as the script says. */
function rememberedBy({ resumptionKeyBefore, turns }: Session) {
  const [first] = turns;
  if (resumptionKeyBefore === undefined || first?.answer !== "granted") return undefined;
  const expiresAt = monotonicMs(now + first.resumableForS * 1_000);
  const phone = phoneOf(blankPhone.deviceKey);
  return { phone, key: bytes(resumptionKeyBefore), expiresAt };
}

t.test(
  "a phone with the script's secrets writes the script's frames, where nothing is signed",
  async (t) => {
    const session = vectors.sessions.find(({ name }) => name === "fast");
    const [turn] = session?.turns ?? [];
    if (session === undefined || turn === undefined) throw new Error("no fast session");
    const key = bytes(session.resumptionKeyBefore ?? "");
    const controller = {
      controller: controllerId(vectors.reader.controller),
      readerKey: bytes(vectors.reader.key),
      issuedAt: epochMs(vectors.reader.issuedAt),
      resumption: { key, until: epochMs(wall + 1) },
    };
    const phone = { ...blankPhone, known: [controller] };
    const ephemeralSeed = bytes(session.phoneEphemeralSeed);
    const task = { phone, action: "present", ephemeralSeed, frameBytesMax: 20 } as const;
    const time = { at: now, wall };
    const hello = { kind: "hello", bytes: bytes(session.hello) } as const;
    const spoken = stepPhoneSession(initialPhoneSession(task, now), hello, time);
    const write = spoken.effects.find((effect) => effect.kind === "write");
    t.same(write?.frames.map(hex), turn.frames20);
    let { state } = spoken;
    for (const frame of turn.answerFrames20) {
      const step = stepPhoneSession(state, { kind: "notified", frame: bytes(frame) }, time);
      state = step.state;
      const [over] = step.effects;
      if (over?.kind !== "over") continue;
      t.match(over.outcome, { kind: "answered", answer: "granted" });
      const [met] = over.outcome.phone.known;
      t.equal(hex(met?.resumption?.key), session.resumptionKeyAfter);
      t.equal(met?.resumption?.until, wall + (day - 60) * 1_000);
    }
    t.equal(state.phase, "over");
  },
);

t.test("what is no point of the curve is taken for none", async (t) => {
  const key = ephemeralKeyFrom(bytes(vectors.device.seed));
  for (const [name, point] of Object.entries(vectors.noPoints)) {
    t.equal(publicKeyAt(bytes(point)), undefined, name);
    t.equal(key.agree(bytes(point)), undefined, name);
  }
  t.equal(publicKeyAt(bytes(vectors.device.key).subarray(0, 32)), undefined, "too short");
  t.equal(key.agree(new Uint8Array()), undefined, "nothing");
  const whole = createPublicKey(blankPhone.deviceKey).export({ format: "der", type: "spki" });
  const uncompressed = whole.subarray(-65);
  t.equal(uncompressed[0], 4);
  t.equal(publicKeyAt(uncompressed), undefined, "a good point in its longer form");
  t.equal(key.agree(uncompressed), undefined, "a good point in its longer form");
});

t.test("what a reader says in clear are the script's bytes", async (t) => {
  for (const [name, message] of Object.entries(vectors.refusals)) {
    t.equal(isPlainRefusal(name) && hex(encodeRefusal(name)), message);
  }
  t.notOk(isPlainRefusal("signature_wrong"), "this one is for nobody in clear");
  t.equal(readerId(vectors.reader.reader), "front");
});

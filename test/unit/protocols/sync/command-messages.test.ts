import { createHmac } from "node:crypto";
import t from "tap";
import { phoneCredential, rawCredential } from "../../../../src/domain/credential.ts";
import { controllerId, doorId, readerId, siteId } from "../../../../src/domain/ids.ts";
import { sealSecretMessage } from "../../../../src/protocols/sync/authenticated-message.ts";
import {
  commandAnswerBytesMax,
  type OfferedAnswer,
  openCommandAnswer,
  sealCommandAnswer,
} from "../../../../src/protocols/sync/command-answer.ts";
import {
  drawAsk,
  drawOffer,
  openCommandAsk,
  openCommandOffer,
  sealCommandAsk,
  sealCommandOffer,
} from "../../../../src/protocols/sync/command-offer.ts";
import {
  enrolmentMsMax,
  enrolmentMsMin,
  openSiteCommand,
  type SiteCommand,
  sealSiteCommand,
  siteCommandBytesMax,
} from "../../../../src/protocols/sync/site-command.ts";
import { sealSecretly } from "../../../../src/protocols/sync/site-seal.ts";
import { encodeCbor } from "../../../../src/protocols/sync/strict-cbor.ts";
import { attempt, flipBit, pairing } from "./samples.ts";

const { scope, sealer, opener, tableKey } = pairing();
const secretScope = { ...scope, tableKey };
const offer = "00112233445566778899aabbccddeeff";
const reader = readerId("front");
const raw = rawCredential("26:0190e0f");

const commands: readonly SiteCommand[] = [
  { kind: "enrol", attempt, reader, forMs: 30_000 },
  { kind: "enrol", attempt, reader, forMs: 30_000, expects: "phone" },
  { kind: "cancel_enrolment", attempt, reader },
  { kind: "tell_last_unknown", attempt, reader },
  { kind: "unlock", attempt, door: doorId("front") },
  { kind: "set_override", attempt, door: doorId("front"), override: { posture: "none" } },
  {
    kind: "set_override",
    attempt,
    door: doorId("front"),
    override: { posture: "unlocked", until: "next_schedule_change" },
  },
];

const answers: readonly OfferedAnswer["answer"][] = [
  { kind: "listening" },
  { kind: "done" },
  { kind: "presented", raw },
  { kind: "presented", raw, format: "H10301" },
  { kind: "presented", raw: phoneCredential("00112233445566778899aabbccddeeff") },
  { kind: "nothing" },
  { kind: "refused", detail: "busy" },
];

function reasonOf(opened: { ok: true } | { ok: false; fault: { reason: string } }): string {
  return opened.ok ? "accepted" : opened.fault.reason;
}

/** Every message of the conversation, with how the other side opens it. */
const messages = {
  ask: { bytes: sealCommandAsk(scope, { ask: drawAsk() }), open: openCommandAsk, by: scope },
  offer: {
    bytes: sealCommandOffer(scope, { ask: drawAsk(), offer }),
    open: openCommandOffer,
    by: scope,
  },
} as const;
const command = sealSiteCommand(sealer, { offer, command: commands[4] as SiteCommand });
const answer = sealCommandAnswer(secretScope, { offer, answer: { kind: "presented", raw } });

const reasons: Readonly<Record<string, (bytes: Uint8Array) => string>> = {
  ask: (bytes) => reasonOf(openCommandAsk(scope, bytes)),
  offer: (bytes) => reasonOf(openCommandOffer(scope, bytes)),
  command: (bytes) => reasonOf(openSiteCommand(opener, bytes)),
  answer: (bytes) => reasonOf(openCommandAnswer(secretScope, bytes)),
};
const bytesOf: Readonly<Record<string, Uint8Array>> = {
  ask: messages.ask.bytes,
  offer: messages.offer.bytes,
  command,
  answer,
};

t.test("commands and answers of every kind arrive as they were sent", async (t) => {
  for (const command of commands) {
    const message = sealSiteCommand(sealer, { offer, command });
    t.ok(message.length <= siteCommandBytesMax);
    t.same(openSiteCommand(opener, message), { ok: true, value: { offer, command } });
  }
  for (const answer of answers) {
    const message = sealCommandAnswer(secretScope, { offer, answer });
    t.ok(message.length <= commandAnswerBytesMax);
    t.same(openCommandAnswer(secretScope, message), { ok: true, value: { offer, answer } });
  }
  const asked = { ask: drawAsk() };
  t.same(openCommandAsk(scope, sealCommandAsk(scope, asked)), { ok: true, value: asked });
  const offered = { ...asked, offer: drawOffer() };
  t.same(openCommandOffer(scope, sealCommandOffer(scope, offered)), { ok: true, value: offered });
});

t.test("the longest ids there can be fit a command and an answer", async (t) => {
  const longest = "x".repeat(64);
  const command: SiteCommand = {
    kind: "set_override",
    attempt,
    door: doorId(longest),
    override: { posture: "free_access", until: "next_schedule_change" },
  };
  t.equal(reasons["command"]?.(sealSiteCommand(sealer, { offer, command })), "accepted");
  const full = rawCredential(`128:${"f".repeat(32)}`);
  const answer = { kind: "presented", raw: full, format: "x".repeat(32) } as const;
  t.equal(reasons["answer"]?.(sealCommandAnswer(secretScope, { offer, answer })), "accepted");
});

t.test("with any one bit turned over, nothing of the conversation is taken", async (t) => {
  for (const [name, bytes] of Object.entries(bytesOf)) {
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const reason = reasons[name]?.(flipBit(bytes, bit)) ?? "";
      if (!["altered", "malformed", "unsigned"].includes(reason))
        t.fail(`${name} ${bit} ${reason}`);
    }
    t.equal(reasons[name]?.(bytes), "accepted", `${name} itself is good`);
  }
});

t.test("cut off anywhere or lengthened, nothing of it is taken", async (t) => {
  for (const [name, bytes] of Object.entries(bytesOf)) {
    for (let length = 0; length < bytes.length; length += 1) {
      t.not(reasons[name]?.(bytes.subarray(0, length)), "accepted", `${name} of ${length}`);
    }
    t.not(reasons[name]?.(Buffer.concat([bytes, Uint8Array.of(0)])), "accepted", name);
    t.equal(reasons[name]?.(new Uint8Array(2_000)), "too_long", name);
  }
});

t.test("what is for another controller, site or key is not taken", async (t) => {
  const two = controllerId("two");
  const other = pairing(9);
  t.equal(reasonOf(openSiteCommand({ ...opener, controller: two }, command)), "altered");
  t.equal(reasonOf(openSiteCommand({ ...opener, site: siteId("other") }, command)), "altered");
  t.equal(
    reasonOf(openSiteCommand({ ...opener, tableKey: other.tableKey }, command)),
    "altered",
    "another controller's key",
  );
  t.equal(
    reasonOf(openSiteCommand({ ...opener, sitePublicKey: other.opener.sitePublicKey }, command)),
    "altered",
    "a site that is another's",
  );
  for (const part of [
    { controller: two },
    { site: siteId("other") },
    { messageKey: other.scope.messageKey },
    { tableKey: other.tableKey },
  ]) {
    t.equal(reasonOf(openCommandAnswer({ ...secretScope, ...part }, answer)), "altered");
  }
  t.equal(reasonOf(openCommandAsk({ ...scope, controller: two }, messages.ask.bytes)), "altered");
  t.equal(
    reasonOf(openCommandOffer({ ...scope, controller: two }, messages.offer.bytes)),
    "altered",
  );
});

t.test("no message of the conversation passes for another of it", async (t) => {
  for (const [name, bytes] of Object.entries(bytesOf)) {
    for (const [elsewhere, open] of Object.entries(reasons)) {
      if (elsewhere !== name) t.not(open(bytes), "accepted", `${name} as ${elsewhere}`);
    }
  }
});

t.test("a card's data is in no message that others can read", async (t) => {
  for (const format of [undefined, "H10301"]) {
    const told = { kind: "presented", raw, ...(format !== undefined && { format }) } as const;
    const message = sealCommandAnswer(secretScope, { offer, answer: told });
    const text = Buffer.from(message).toString("latin1");
    for (const part of ["presented", "26:", "0190e0f", "H10301", offer]) {
      t.notOk(text.includes(part), part);
    }
  }
  const text = Buffer.from(command).toString("latin1");
  for (const part of ["unlock", "front", attempt, offer]) t.notOk(text.includes(part), part);
});

t.test(
  "the same answer is the same message, and another answer shares no key stream",
  async (t) => {
    const seal = (answer: OfferedAnswer["answer"]) =>
      Buffer.from(sealCommandAnswer(secretScope, { offer, answer }));
    const one = seal({ kind: "presented", raw });
    t.ok(one.equals(seal({ kind: "presented", raw })));
    const two = seal({ kind: "presented", raw: rawCredential("26:0190e0e") });
    const differing = one.subarray(33).filter((byte, index) => byte !== two[33 + index]).length;
    t.ok(differing > (one.length - 33) / 2, `${differing} of ${one.length - 33} bytes differ`);
  },
);

t.test("a good signature does not excuse a command that makes no sense", async (t) => {
  const enrol = { kind: "enrol", attempt, reader, forMs: enrolmentMsMin };
  const bodies: readonly unknown[] = [
    {},
    [],
    { offer },
    { offer, command: {} },
    { offer, command: { ...enrol, kind: "open_sesame" } },
    { offer, command: { ...enrol, forMs: enrolmentMsMin - 1 } },
    { offer, command: { ...enrol, forMs: enrolmentMsMax + 1 } },
    { offer, command: { ...enrol, forMs: 2_000.5 } },
    { offer, command: { ...enrol, forMs: "2000" } },
    { offer, command: { ...enrol, expects: "anything" } },
    { offer, command: { ...enrol, expects: null } },
    { offer, command: { ...enrol, attempt: "me" } },
    { offer, command: { ...enrol, attempt: attempt.toUpperCase() } },
    { offer, command: { ...enrol, reader: "a/b" } },
    { offer, command: { ...enrol, reader: "" } },
    { offer, command: { ...enrol, door: "front" } },
    { offer: offer.slice(1), command: enrol },
    { offer: offer.toUpperCase(), command: enrol },
    { offer, command: enrol, and: 1 },
    { offer, command: { kind: "unlock", attempt, door: "front", forMs: 3_600_000 } },
    {
      offer,
      command: { kind: "set_override", attempt, door: "front", override: { posture: "open" } },
    },
    {
      offer,
      command: { kind: "set_override", attempt, door: "front", override: { posture: "lockdown" } },
    },
  ];
  for (const body of bodies) {
    const message = sealSecretly(sealer, "command", encodeCbor(body));
    const name = JSON.stringify(body);
    t.equal(reasonOf(openSiteCommand(opener, message)), "invalid_content", name);
  }
});

t.test(
  "a good MAC does not excuse an answer, an ask or an offer that makes no sense",
  async (t) => {
    const answers: readonly unknown[] = [
      {},
      { offer, answer: { kind: "presented" } },
      { offer, answer: { kind: "presented", raw: "26:fffffff" } },
      { offer, answer: { kind: "presented", raw, format: "a b" } },
      { offer, answer: { kind: "presented", raw: "phone:00" } },
      { offer, answer: { kind: "presented", raw: `phone:${"0".repeat(32)}`, format: "H10301" } },
      { offer, answer: { kind: "presented", raw, pin: "1234" } },
      { offer, answer: { kind: "refused" } },
      { offer, answer: { kind: "refused", detail: "no, thank you" } },
      { offer, answer: { kind: "done", raw } },
      { offer: "", answer: { kind: "done" } },
    ];
    for (const body of answers) {
      const message = sealSecretMessage(secretScope, "command/answer", body);
      const name = JSON.stringify(body);
      t.equal(reasonOf(openCommandAnswer(secretScope, message)), "invalid_content", name);
    }
    const sealed = (purpose: string, body: unknown): Uint8Array => {
      const signed = Buffer.concat([Uint8Array.of(1), encodeCbor(body)]);
      const mac = createHmac("sha256", scope.messageKey)
        .update(`postern/1\0${purpose}\0${scope.site}\0${scope.controller}\0`)
        .update(signed)
        .digest();
      return Buffer.concat([signed, mac]);
    };
    const ask = drawAsk();
    for (const body of [{}, { ask: "" }, { ask: `${ask}0` }, { ask, offer }, ask]) {
      t.equal(reasons["ask"]?.(sealed("command/ask", body)), "invalid_content");
    }
    for (const body of [{ ask }, { ask, offer: offer.slice(2) }, { ask, offer, command: 1 }]) {
      t.equal(reasons["offer"]?.(sealed("command/offer", body)), "invalid_content");
    }
  },
);

t.test("no two asks and no two offers are the same", async (t) => {
  const drawn = new Set(Array.from({ length: 1_000 }, () => [drawAsk(), drawOffer()]).flat());
  t.equal(drawn.size, 2_000);
});

import { isSeamHttpApiError } from "@seamapi/http";
import { schemas } from "@seamapi/types/connect";
import t from "tap";
import { sameCardMs } from "../../../../src/core/enrolment.ts";
import { rawFromBits } from "../../../../src/domain/credential.ts";
import { enrolmentMsMax } from "../../../../src/protocols/sync/site-command.ts";
import { askAgainMs, asksMax } from "../../../../src/site/commands.ts";
import { listenMsUsual, scannedKeptMs } from "../../../../src/site/enrolments.ts";
import { fillTarget } from "../../../../src/site/fill-target.ts";
import { readCredential } from "../../../../src/site/read-credential.ts";
import { bitsOf } from "../../controller/door-rig.ts";
import { addUser, uuid } from "./api-rig.ts";
import {
  ask,
  attemptOf,
  enrol,
  front,
  frontReader,
  listening,
  outcomeOf,
  passRows,
  readerNamed,
  scanToAssign,
  startHardware,
} from "./hardware-rig.ts";
import { errorOf } from "./rejection.ts";
import { acsCredential } from "./seam-shapes.ts";

const once = { waitForActionAttempt: false } as const;
const rig = await startHardware(t);
let cardNumber = 20_000;

/** A card that nobody has presented yet; `Card 20***`. */
function newCard(): string {
  cardNumber += 1;
  return bitsOf(cardNumber);
}

// What was left on the reader is taken away.
t.afterEach(async () => {
  await rig.doors.clock.elapse(sameCardMs + 1);
});

t.test("readers are the encoders that the official client lists and gets", async (t) => {
  const { client, apiSite } = rig;
  const all = await client.acs.encoders.list({ acs_system_id: apiSite.identity.systemId });
  const parsed = all.map((encoder) => schemas.acs_encoder.strict().parse(encoder));
  t.same(parsed.map(({ display_name }) => display_name).sort(), [
    "Back door: reader back",
    "Desk",
    "Front door: reader front",
  ]);
  const [first] = parsed;
  t.same(await client.acs.encoders.get({ acs_encoder_id: first?.acs_encoder_id ?? "" }), first);
  t.same(await client.acs.encoders.list({ acs_system_id: uuid(1) }), []);
  t.equal((await client.acs.encoders.list({ acs_encoder_ids: [uuid(1)] })).length, 0);
  const pages = client.createPaginator(
    client.acs.encoders.list({ acs_system_id: apiSite.identity.systemId, limit: 1 }),
  );
  t.equal((await pages.flattenToArray()).length, 3);
  const error = await errorOf(client.acs.encoders.get({ acs_encoder_id: uuid(1) }));
  t.match(error, { code: "acs_encoder_not_found", statusCode: 404 });
});

t.test("a card that is presented at the reader becomes a credential of the user's", async (t) => {
  const card = newCard();
  const { acs_user_id } = await addUser(rig);
  const id = await scanToAssign(rig, acs_user_id);
  await rig.doors.tap(front, card);
  const outcome = await outcomeOf(rig, id);
  t.match(outcome, { status: "success", error: null });
  const credential = acsCredential.parse(outcome.result);
  t.match(credential, {
    acs_user_id,
    access_method: "card",
    display_name: "Card 20***",
    is_issued: true,
    card_number: null,
  });
  const row = (await passRows(rig)).find(({ raw }) => raw === rawFromBits(card));
  t.match(row, { kind: "csn_card", raw: rawFromBits(card), cardFormat: "H10301" });
  t.match(JSON.parse(row?.cardFields ?? "{}"), { facility: 12, number: cardNumber });
  t.same(rig.doors.strikes(), ["secured", "secured"]);
  t.same(await rig.client.acs.credentials.list({ acs_user_id }), [credential]);
});

t.test("the official client waits for the card by itself", async (t) => {
  const card = newCard();
  const { acs_user_id } = await addUser(rig);
  const acs_encoder_id = await frontReader(rig);
  const waiting = rig.client.acs.encoders.scanToAssignCredential(
    { acs_encoder_id, acs_user_id },
    { waitForActionAttempt: { pollingInterval: 10, timeout: 10_000 } },
  );
  const over = waiting.then((attempt) => attempt);
  await listening(rig);
  await rig.doors.tap(front, card);
  t.match(await over, { status: "success", result: { acs_user_id } });
});

t.test("what was read stands in no log, no event, no attempt and no audit entry", async (t) => {
  const card = newCard();
  const { acs_user_id } = await addUser(rig);
  const raw = rawFromBits(card);
  const id = await scanToAssign(rig, acs_user_id);
  await rig.doors.tap(front, card);
  await outcomeOf(rig, id);
  await rig.doors.tap(front, bitsOf(5));
  const shown = await enrol(rig, { from: "last_unknown" });
  await outcomeOf(rig, shown);
  const { rows } = rig.store;
  const told = [
    rig.log.text,
    JSON.stringify(rig.doors.events),
    JSON.stringify(await rows.selectFrom("actionAttempts").selectAll().execute()),
    JSON.stringify(await rows.selectFrom("audit").selectAll().execute()),
    JSON.stringify([await attemptOf(rig, id), await attemptOf(rig, shown)]),
  ].join("\n");
  for (const secret of [raw, raw.slice(3), String(cardNumber), card, rawFromBits(bitsOf(5))]) {
    t.notOk(told.includes(secret), secret);
  }
});

t.test("a card that is a credential already is refused, and nothing is changed", async (t) => {
  const card = newCard();
  const ada = await addUser(rig);
  const bob = await addUser(rig, "Bob");
  const first = await scanToAssign(rig, ada.acs_user_id);
  await rig.doors.tap(front, card);
  await outcomeOf(rig, first);
  const before = await passRows(rig);
  await rig.doors.clock.elapse(3_000);
  const second = await scanToAssign(rig, bob.acs_user_id);
  await rig.doors.tap(front, card);
  const outcome = await outcomeOf(rig, second);
  t.match(outcome, {
    status: "error",
    result: null,
    error: { type: "uncategorized_error", message: /Card 20\*\*\*/ },
  });
  t.same(await passRows(rig), before);
});

t.test("a card presented at two readers at once becomes one credential", async (t) => {
  const card = newCard();
  const { acs_user_id } = await addUser(rig);
  const user = await rig.store.rows
    .selectFrom("users")
    .select("id")
    .where("uuid", "=", acs_user_id)
    .executeTakeFirstOrThrow();
  const read = readCredential(rawFromBits(card), []);
  const filling = { read, target: { user: user.id } };
  const both = await Promise.all(
    [0, 1].map(() => fillTarget(rig.issuer, { name: "test" }, filling)),
  );
  t.equal(both.filter(({ ok }) => ok).length, 1);
  const raw = rawFromBits(card);
  t.equal((await passRows(rig)).filter((row) => row.raw === raw).length, 1);
});

t.test("nobody presents a card: the attempt says so when the time is over", async (t) => {
  const { acs_user_id } = await addUser(rig);
  const before = await passRows(rig);
  const id = await scanToAssign(rig, acs_user_id);
  await rig.doors.clock.elapse(listenMsUsual - 1);
  t.equal((await attemptOf(rig, id)).status, "pending");
  await rig.doors.clock.elapse(1);
  t.match(await outcomeOf(rig, id), {
    status: "error",
    error: { type: "no_credential_on_encoder" },
  });
  t.same(await passRows(rig), before);
});

t.test("a reader whose controller is away is told of, by the words that there are", async (t) => {
  const { acs_user_id } = await addUser(rig);
  const acs_encoder_id = await readerNamed(rig.client, "Back door");
  const assigned = await rig.client.acs.encoders.scanToAssignCredential(
    { acs_encoder_id, acs_user_id },
    once,
  );
  const scanned = await rig.client.acs.encoders.scanCredential({ acs_encoder_id }, once);
  await rig.doors.clock.elapse(askAgainMs * asksMax);
  t.match(await outcomeOf(rig, scanned.action_attempt_id), {
    status: "error",
    error: { type: "encoder_not_online" },
  });
  const { body } = await ask(rig, "/action_attempts/get", {
    action_attempt_id: assigned.action_attempt_id,
  });
  t.match(body, { action_attempt: { status: "error", error: { type: "reader_offline" } } });
});

t.test("a scan tells whose a card is, or that it is nobody's", async (t) => {
  const card = newCard();
  const acs_encoder_id = await frontReader(rig);
  const scan = async () => {
    const begun = await rig.client.acs.encoders.scanCredential({ acs_encoder_id }, once);
    await listening(rig);
    await rig.doors.tap(front, card);
    const outcome = await outcomeOf(rig, begun.action_attempt_id);
    await rig.doors.clock.elapse(3_000);
    if (outcome.action_type !== "SCAN_CREDENTIAL") throw new Error(outcome.action_type);
    if (outcome.status !== "success") throw new Error(JSON.stringify(outcome.error));
    return outcome.result;
  };
  const unknown = await scan();
  t.match(unknown, {
    acs_credential_on_seam: null,
    acs_credential_on_encoder: { is_issued: false, card_number: "Card 20***" },
  });
  const { acs_user_id } = await addUser(rig);
  const made = await scanToAssign(rig, acs_user_id);
  await rig.doors.tap(front, card);
  await outcomeOf(rig, made);
  await rig.doors.clock.elapse(3_000);
  const known = await scan();
  t.match(known, {
    acs_credential_on_seam: { acs_user_id, display_name: "Card 20***" },
    acs_credential_on_encoder: { is_issued: true },
  });
});

t.test("a card that was shown is saved once, as a pass, within a quarter of an hour", async (t) => {
  const card = newCard();
  const { acs_user_id } = await addUser(rig);
  const shown = await enrol(rig, {});
  await listening(rig);
  await rig.doors.tap(front, card);
  await outcomeOf(rig, shown);
  const seen = await ask(rig, "/postern/enrolments/get_card", { action_attempt_id: shown });
  t.same(seen.body["scanned_card"], {
    action_attempt_id: shown,
    display_name: "Card 20***",
    card_format: "H10301",
    bit_count: 26,
    acs_credential_id: null,
  });
  const save = { action_attempt_id: shown, acs_user_id };
  t.equal((await ask(rig, "/postern/enrolments/save", { action_attempt_id: shown })).status, 400);
  const saved = await ask(rig, "/postern/enrolments/save", save);
  t.match(acsCredential.parse(saved.body["acs_credential"]), { acs_user_id, is_issued: true });
  const again = await ask(rig, "/postern/enrolments/save", save);
  t.match(again, { status: 409, body: { error: { type: "card_not_remembered" } } });
  await rig.doors.tap(front, bitsOf(6));
  const other = await enrol(rig, { from: "last_unknown" });
  await outcomeOf(rig, other);
  await rig.doors.clock.elapse(scannedKeptMs);
  const late = await ask(rig, "/postern/enrolments/save", { ...save, action_attempt_id: other });
  t.match(late, { status: 409, body: { error: { type: "card_not_remembered" } } });
});

t.test("a credential that waits for its card gets the one that is presented", async (t) => {
  const card = newCard();
  const { acs_user_id } = await addUser(rig);
  const made = await rig.client.acs.credentials.create({ acs_user_id, access_method: "card" });
  t.equal(made.is_issued, false);
  const id = await enrol(rig, { acs_credential_id: made.acs_credential_id });
  await listening(rig);
  await rig.doors.tap(front, card);
  const outcome = await outcomeOf(rig, id);
  t.match(outcome.result, { acs_credential_id: made.acs_credential_id, is_issued: true });
  const row = (await passRows(rig)).find(({ raw }) => raw === rawFromBits(card));
  t.match(row, { state: "issued", raw: rawFromBits(card) });
  const again = await ask(rig, "/postern/enrolments/create", {
    acs_encoder_id: await frontReader(rig),
    acs_credential_id: made.acs_credential_id,
  });
  t.match(again, { status: 400, body: { error: { type: "invalid_input" } } });
});

t.test("a user who is deleted meanwhile gets no card", async (t) => {
  const card = newCard();
  const { acs_user_id } = await addUser(rig);
  const before = await passRows(rig);
  const id = await scanToAssign(rig, acs_user_id);
  await rig.client.acs.users.delete({ acs_user_id });
  await rig.doors.tap(front, card);
  t.match(await outcomeOf(rig, id), { error: { message: /gone meanwhile/ } });
  t.same(await passRows(rig), before);
});

t.test("an enrolment is cancelled, and another may begin", async (t) => {
  const card = newCard();
  const first = await enrol(rig, {});
  await listening(rig);
  const busy = await enrol(rig, {});
  t.match(await outcomeOf(rig, busy), { error: { message: /waits for another card/ } });
  t.equal((await attemptOf(rig, first)).status, "pending");
  const cancelled = await ask(rig, "/postern/enrolments/cancel", { action_attempt_id: first });
  t.equal(cancelled.status, 200);
  t.match(await outcomeOf(rig, first), { error: { message: /cancelled/ } });
  const next = await enrol(rig, { listen_ms: enrolmentMsMax });
  await listening(rig);
  await rig.doors.tap(front, card);
  t.equal((await outcomeOf(rig, next)).status, "success");
  const nobodys = await ask(rig, "/postern/enrolments/cancel", { action_attempt_id: uuid(9) });
  t.equal(nobodys.status, 404);
});

t.test("requests that name nothing that is there are told by the field", async (t) => {
  const before = rig.doors.events.length;
  const acs_encoder_id = await frontReader(rig);
  const { acs_user_id } = await addUser(rig);
  const wrong: readonly (readonly [string, object, number])[] = [
    ["/acs/encoders/scan_credential", {}, 400],
    ["/acs/encoders/scan_credential", { acs_encoder_id: uuid(1) }, 404],
    ["/acs/encoders/scan_credential", { acs_encoder_id, forMs: 1 }, 400],
    ["/acs/encoders/scan_to_assign_credential", { acs_encoder_id }, 400],
    ["/acs/encoders/scan_to_assign_credential", { acs_encoder_id, acs_user_id: uuid(1) }, 400],
    ["/acs/encoders/scan_to_assign_credential", { acs_encoder_id, user_identity_id: uuid(1) }, 400],
    ["/postern/enrolments/create", { acs_encoder_id, listen_ms: 0 }, 400],
    ["/postern/enrolments/create", { acs_encoder_id, listen_ms: 1e9 }, 400],
    ["/postern/enrolments/create", { acs_encoder_id, from: "anywhere" }, 400],
    [
      "/postern/enrolments/create",
      { acs_encoder_id, acs_user_id, acs_credential_id: uuid(2) },
      400,
    ],
    ["/postern/enrolments/save", { action_attempt_id: uuid(3), acs_user_id }, 409],
    ["/postern/enrolments/get_card", { action_attempt_id: uuid(3) }, 404],
    ["/action_attempts/get", { action_attempt_id: uuid(3) }, 404],
    ["/action_attempts/get", { action_attempt_id: "x" }, 400],
  ];
  for (const [path, body, status] of wrong) {
    t.equal((await ask(rig, path, body)).status, status, `${path} ${JSON.stringify(body)}`);
  }
  const reading = await rig.addKey("read");
  const refused = await ask({ url: rig.url, key: reading }, "/acs/encoders/scan_credential", {
    acs_encoder_id,
  });
  t.equal(refused.status, 403);
  t.equal(rig.doors.events.length, before, "no reader was asked for anything");
  const error = await errorOf(
    rig.client.acs.encoders.scanCredential({ acs_encoder_id: uuid(1) }, once),
  );
  t.ok(isSeamHttpApiError(error));
});

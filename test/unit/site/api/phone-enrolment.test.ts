import { schemas } from "@seamapi/types/connect";
import t from "tap";
import {
  isPhoneCredential,
  phoneCredential,
  rawFromBits,
} from "../../../../src/domain/credential.ts";
import type { SiteCommand } from "../../../../src/protocols/sync/site-command.ts";
import { sealTableAck } from "../../../../src/protocols/sync/table-ack-message.ts";
import { topicsFor } from "../../../../src/protocols/sync/topics.ts";
import { bitsOf } from "../../controller/door-rig.ts";
import { one, site } from "../site-rig.ts";
import { TableTaker } from "../table-taker.ts";
import { addUser, uuid } from "./api-rig.ts";
import {
  ask,
  enrol,
  front,
  frontReader,
  listening,
  outcomeOf,
  passRows,
  startHardware,
} from "./hardware-rig.ts";
import { acsCredential } from "./seam-shapes.ts";

const rig = await startHardware(t);
let phoneNumber = 0;

/** A phone that nobody has presented yet. */
function newPhone() {
  phoneNumber += 1;
  return phoneCredential(phoneNumber.toString(16).padStart(4, "0").padEnd(32, "e"));
}

/** What a phone does that has proved its key to the reader, and asked to be enrolled. */
function presentPhone(phone = newPhone()) {
  const answer = rig.doors.controller.enrolmentAt(front)?.phone(phone);
  return { phone, answer };
}

async function mobileKey(acs_user_id: string): Promise<string> {
  const made = await rig.client.acs.credentials.create({
    acs_user_id,
    access_method: "mobile_key",
    is_multi_phone_sync_credential: true,
  });
  t.equal(made.is_issued, false);
  return made.acs_credential_id;
}

/** A phone of this mobile key's, by the administrator's form. */
async function enrolPhone(acs_credential_id: string, phone = newPhone()) {
  const id = await enrol(rig, { acs_credential_id });
  await listening(rig);
  t.equal(presentPhone(phone).answer, "enrolled");
  const outcome = await outcomeOf(rig, id);
  return { phone, outcome, credential: acsCredential.safeParse(outcome.result).data };
}

const rowOf = async (phone: string) => (await passRows(rig)).find(({ raw }) => raw === phone);

/** What controller `one` is told of a phone. */
const told = (phone: string) =>
  new TableTaker({ broker: rig.broker, service: rig.keys }, one)
    .passes()
    .find(({ presents }) => presents.as === "raw" && presents.raw === phone);

t.test("each phone becomes a credential of its own, under the one of its user", async (t) => {
  const { acs_user_id } = await addUser(rig);
  const parent = await mobileKey(acs_user_id);
  const first = await enrolPhone(parent);
  const second = await enrolPhone(parent);
  for (const { phone, credential } of [first, second]) {
    t.match(credential, {
      acs_user_id,
      access_method: "mobile_key",
      parent_acs_credential_id: parent,
      display_name: `Phone ${phone.slice(6, 10)}`,
      is_issued: true,
      is_multi_phone_sync_credential: false,
      code: null,
      card_number: null,
    });
    t.match(await rowOf(phone), { kind: "mobile", cardFormat: null, cardFields: null });
    t.match(told(phone), { kind: "mobile", active: true });
  }
  t.not(first.credential?.display_name, second.credential?.display_name);
  const whole = await rig.client.acs.credentials.get({ acs_credential_id: parent });
  t.match(acsCredential.parse(whole), { is_issued: true, is_multi_phone_sync_credential: true });
  t.same(rig.doors.strikes(), ["secured", "secured"], "and no door opened");
});

t.test("the official client's scan to assign takes the phone of a mobile key", async (t) => {
  const { acs_user_id } = await addUser(rig);
  const acs_credential_id = await mobileKey(acs_user_id);
  const acs_encoder_id = await frontReader(rig);
  const path = "/acs/encoders/scan_to_assign_credential";
  const { status, body } = await ask(rig, path, { acs_encoder_id, acs_credential_id });
  t.equal(status, 200);
  const begun = schemas.action_attempt.parse(body["action_attempt"]);
  await listening(rig);
  const { phone } = presentPhone();
  const outcome = await outcomeOf(rig, begun.action_attempt_id);
  t.match(outcome, { action_type: "SCAN_TO_ASSIGN_CREDENTIAL", status: "success" });
  t.match(await rowOf(phone), { kind: "mobile" });
  const both = { acs_encoder_id, acs_credential_id, acs_user_id };
  t.match(await ask(rig, path, both), { status: 400 });
  t.match(await ask(rig, path, { acs_encoder_id, acs_credential_id: uuid(7) }), { status: 400 });
});

t.test("cards are asked for as ever, so that older controllers understand", async (t) => {
  const asked: SiteCommand[] = [];
  const { engine } = rig.issuer;
  const command = engine.command.bind(engine);
  engine.command = (controller, one) => {
    asked.push(one);
    return command(controller, one);
  };
  t.teardown(() => {
    engine.command = command;
  });
  const { acs_user_id } = await addUser(rig);
  const cancel = async (id: string) => {
    await listening(rig);
    await ask(rig, "/postern/enrolments/cancel", { action_attempt_id: id });
    await outcomeOf(rig, id);
  };
  await cancel(await enrol(rig, { acs_user_id }));
  await cancel(await enrol(rig, { acs_credential_id: await mobileKey(acs_user_id) }));
  const enrolments = asked.filter(({ kind }) => kind === "enrol");
  t.notOk("expects" in (enrolments[0] ?? {}));
  t.match(enrolments[1], { expects: "phone" });
});

t.test("a card that is presented meanwhile is judged as ever, and is not taken", async (t) => {
  const { acs_user_id } = await addUser(rig);
  const id = await enrol(rig, { acs_credential_id: await mobileKey(acs_user_id) });
  await listening(rig);
  const before = (await passRows(rig)).length;
  await rig.doors.tap(front, bitsOf(4_711));
  t.ok(rig.doors.events.some(({ kind }) => kind === "access_denied"));
  t.equal((await passRows(rig)).length, before);
  t.equal(presentPhone().answer, "enrolled");
  t.equal((await outcomeOf(rig, id)).status, "success");
});

t.test("a phone that is a credential already is refused, whoever's it is", async (t) => {
  const ada = await addUser(rig);
  const bob = await addUser(rig, "Bob");
  const { phone } = await enrolPhone(await mobileKey(ada.acs_user_id));
  const before = await passRows(rig);
  for (const { acs_user_id } of [ada, bob]) {
    const parent = await mobileKey(acs_user_id);
    const { outcome } = await enrolPhone(parent, phone);
    t.match(outcome, {
      status: "error",
      error: { message: `This phone is a credential already: Phone ${phone.slice(6, 10)}.` },
    });
  }
  const after = await passRows(rig);
  t.equal(after.filter(({ raw }) => raw === phone).length, 1);
  t.equal(after.length, before.length + 2, "but for the two that wait");
});

t.test("nobody presents a phone: the attempt says so", async (t) => {
  const { acs_user_id } = await addUser(rig);
  const acs_credential_id = await mobileKey(acs_user_id);
  const id = await enrol(rig, { acs_credential_id, listen_ms: 5_000 });
  await listening(rig);
  await rig.doors.clock.elapse(5_000);
  t.match(await outcomeOf(rig, id), {
    error: { type: "no_credential_on_encoder", message: /^No phone was presented/ },
  });
});

t.test("what is not what was asked for is no pass, whatever a controller answers", async (t) => {
  const { engine } = rig.issuer;
  const command = engine.command.bind(engine);
  t.teardown(() => {
    engine.command = command;
  });
  const { acs_user_id } = await addUser(rig);
  const acs_credential_id = await mobileKey(acs_user_id);
  const before = await passRows(rig);
  const card = rawFromBits(bitsOf(4_712));
  for (const [raw, part] of [
    [card, { acs_credential_id }],
    [newPhone(), { acs_user_id }],
    [newPhone(), {}],
  ] as const) {
    engine.command = async () => ({ ok: true, value: { kind: "presented", raw } });
    const outcome = await outcomeOf(rig, await enrol(rig, part));
    t.match(outcome, { status: "error", error: { message: /was expected/ } }, raw);
  }
  t.same(await passRows(rig), before);
});

t.test("readers remember no phones, and no card becomes a phone's pass", async (t) => {
  const { acs_user_id } = await addUser(rig);
  const acs_credential_id = await mobileKey(acs_user_id);
  const acs_encoder_id = await frontReader(rig);
  const remembered = { acs_encoder_id, acs_credential_id, from: "last_unknown" };
  t.match(await ask(rig, "/postern/enrolments/create", remembered), {
    status: 400,
    body: { error: { type: "invalid_input", validation_errors: { from: {} } } },
  });
  await rig.doors.tap(front, bitsOf(4_713));
  const shown = await enrol(rig, { from: "last_unknown" });
  t.equal((await outcomeOf(rig, shown)).status, "success");
  const save = { action_attempt_id: shown, acs_credential_id };
  t.match(await ask(rig, "/postern/enrolments/save", save), {
    status: 400,
    body: { error: { validation_errors: { acs_credential_id: {} } } },
  });
});

t.test("one phone is revoked, and the other goes on; both go with the pass", async (t) => {
  const { acs_user_id } = await addUser(rig);
  const acs_credential_id = await mobileKey(acs_user_id);
  const first = await enrolPhone(acs_credential_id);
  const second = await enrolPhone(acs_credential_id);
  await rig.client.acs.credentials.delete({
    acs_credential_id: first.credential?.acs_credential_id ?? "",
  });
  t.equal(told(first.phone), undefined);
  t.match(told(second.phone), { active: true });
  const again = await enrolPhone(acs_credential_id, first.phone);
  t.equal(again.outcome.status, "success", "and the phone may come back");
  const suspend = { acs_credential_id, active: false };
  t.equal((await ask(rig, "/postern/passes/update", suspend)).status, 200);
  for (const { phone } of [again, second]) t.match(told(phone), { active: false });
  await rig.client.acs.credentials.delete({ acs_credential_id });
  for (const { phone } of [again, second]) {
    t.equal(told(phone), undefined);
    t.equal(await rowOf(phone), undefined);
  }
});

t.test("phones go with their credential to another user, and not alone", async (t) => {
  const ada = await addUser(rig);
  const bob = await addUser(rig, "Bob");
  const acs_credential_id = await mobileKey(ada.acs_user_id);
  const { phone, credential } = await enrolPhone(acs_credential_id);
  const { credentials } = rig.client.acs;
  const alone = { acs_credential_id: credential?.acs_credential_id ?? "" };
  for (const path of ["/acs/credentials/unassign", "/acs/credentials/assign"]) {
    const moved = await ask(rig, path, { ...alone, acs_user_id: ada.acs_user_id });
    t.match(moved, { status: 409, body: { error: { type: "phone_of_credential" } } }, path);
  }
  t.match(told(phone), { active: true });
  await credentials.unassign({ acs_credential_id, acs_user_id: ada.acs_user_id });
  t.equal(told(phone), undefined);
  t.match(await rowOf(phone), { userId: null });
  await credentials.assign({ acs_credential_id, acs_user_id: bob.acs_user_id });
  const owner = (await rowOf(phone))?.userId;
  t.match(told(phone), { user: owner });
  t.match(await credentials.get(alone), { acs_user_id: bob.acs_user_id });
  await rig.client.acs.users.delete({ acs_user_id: ada.acs_user_id });
  t.match(told(phone), { user: owner }, "it is Ada's no more");
});

t.test("who is deleted loses all phones, and each is told of once", async (t) => {
  const { acs_user_id } = await addUser(rig);
  const acs_credential_id = await mobileKey(acs_user_id);
  const phones = [await enrolPhone(acs_credential_id), await enrolPhone(acs_credential_id)];
  const ids = await Promise.all(phones.map(async ({ phone }) => (await rowOf(phone))?.id ?? ""));
  await rig.client.acs.users.delete({ acs_user_id });
  for (const { phone } of phones) t.equal(told(phone), undefined);
  const deleted = await rig.store.rows
    .selectFrom("audit")
    .select("subjectId")
    .where("action", "=", "pass.delete")
    .execute();
  const gone = deleted.filter(({ subjectId }) => ids.includes(subjectId));
  t.equal(gone.length, 2);
});

t.test("a phone's key stands in no log, no event, no attempt and no audit entry", async (t) => {
  const { acs_user_id } = await addUser(rig);
  const { phone, outcome } = await enrolPhone(await mobileKey(acs_user_id));
  t.ok(isPhoneCredential(phone));
  const { rows } = rig.store;
  const said = [
    rig.log.text,
    JSON.stringify(rig.doors.events),
    JSON.stringify(await rows.selectFrom("actionAttempts").selectAll().execute()),
    JSON.stringify(await rows.selectFrom("audit").selectAll().execute()),
    JSON.stringify(await rows.selectFrom("notices").selectAll().execute()),
    JSON.stringify(outcome),
    JSON.stringify(await rig.client.acs.credentials.list({ acs_user_id })),
  ].join("\n");
  t.notOk(said.includes(phone.slice(6)));
  t.notOk(said.includes(phone.slice(6, 15)));
});

t.test("a credential and its phones are not synced before the doors know of both", async (t) => {
  const { acs_user_id } = await addUser(rig);
  const acs_credential_id = await mobileKey(acs_user_id);
  const { credential } = await enrolPhone(acs_credential_id);
  const both = [acs_credential_id, credential?.acs_credential_id ?? ""];
  /** Of the credential, and of its phone. */
  const isSynced = async () => {
    const found = await Promise.all(
      both.map((id) => rig.client.acs.credentials.get({ acs_credential_id: id })),
    );
    return found.map((one) => one.is_latest_desired_state_synced_with_provider);
  };
  const acknowledge = () => {
    for (const controller of rig.keys.controllers()) {
      const { messageKey } = rig.keys.keysFor(controller);
      const taker = new TableTaker({ broker: rig.broker, service: rig.keys }, controller);
      const ack = { outcome: "complete", table: taker.head().mark } as const;
      const message = sealTableAck({ site, controller, messageKey }, ack);
      rig.broker.deliver(topicsFor(site, controller).tableAck, message);
    }
  };
  t.same(await isSynced(), [false, false]);
  acknowledge();
  t.same(await isSynced(), [true, true]);
  await ask(rig, "/postern/passes/update", { acs_credential_id, active: false });
  t.same(await isSynced(), [false, false]);
  acknowledge();
  t.same(await isSynced(), [true, true]);
});

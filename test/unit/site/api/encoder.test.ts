import t from "tap";
import { SimCard } from "../../../../hal/sim/sim-card-encoder.ts";
import { addUser, uuid } from "./api-rig.ts";
import { ask, frontReader, outcomeOf, passRows, startHardware, writerId } from "./hardware-rig.ts";
import { acsCredential } from "./seam-shapes.ts";

const rig = await startHardware(t);
const { encoder } = rig;

/** A credential of a card that is still to be written. */
async function waiting() {
  const { acs_user_id } = await addUser(rig);
  const made = await rig.client.acs.credentials.create({ acs_user_id, access_method: "card" });
  return acsCredential.parse(made);
}

async function encode(acs_credential_id: string, acs_encoder_id = writerId) {
  const begun = await rig.client.acs.encoders.encodeCredential(
    { acs_encoder_id, acs_credential_id },
    { waitForActionAttempt: false },
  );
  return await outcomeOf(rig, begun.action_attempt_id);
}

const stateOf = async (acs_credential_id: string) =>
  (await passRows(rig)).find(({ uuid: id }) => id === acs_credential_id);

t.beforeEach(() => {
  encoder.card = new SimCard();
  encoder.isOffline = false;
});

t.test("a card that is written and read back is bound to the credential", async (t) => {
  const made = await waiting();
  t.match(made, { is_issued: false, warnings: [{ warning_code: "waiting_to_be_issued" }] });
  const outcome = await encode(made.acs_credential_id);
  t.match(outcome, { status: "success", action_type: "ENCODE_CREDENTIAL" });
  t.match(acsCredential.parse(outcome.result), {
    acs_credential_id: made.acs_credential_id,
    is_issued: true,
    warnings: [],
  });
  const identity = Buffer.from(encoder.card?.identity ?? []).toString("hex");
  t.equal(identity.length, 32);
  t.match(await stateOf(made.acs_credential_id), {
    kind: "nfc_card",
    state: "issued",
    raw: `128:${identity}`,
  });
  t.notOk(JSON.stringify(outcome).includes(identity), "which nobody is told");
});

t.test("no two cards are given the same identity", async (t) => {
  const first = await waiting();
  const second = await waiting();
  await encode(first.acs_credential_id);
  encoder.card = new SimCard();
  await encode(second.acs_credential_id);
  const [a, b] = [await stateOf(first.acs_credential_id), await stateOf(second.acs_credential_id)];
  t.not(a?.raw, b?.raw);
});

t.test("whatever goes wrong at the encoder, nothing is bound, and it is said what", async (t) => {
  const made = await waiting();
  const cases: readonly (readonly [string, () => void, string])[] = [
    ["no card lies there", () => (encoder.card = undefined), "no_credential_on_encoder"],
    ["it is of another kind", () => setFlaw("unfit"), "incompatible_card_format"],
    ["it is taken away", () => setFlaw("taken_away"), "encoding_interrupted"],
    ["it holds something else", () => setFlaw("wears_out"), "encoding_interrupted"],
    ["the encoder is away", () => (encoder.isOffline = true), "encoder_not_online"],
  ];
  for (const [name, arrange, type] of cases) {
    encoder.card = new SimCard();
    arrange();
    t.match(await encode(made.acs_credential_id), { status: "error", error: { type } }, name);
    t.match(await stateOf(made.acs_credential_id), { state: "waiting", raw: null }, name);
  }
  encoder.card = new SimCard();
  encoder.isOffline = false;
  t.match(await encode(made.acs_credential_id), { status: "success" }, "and then it goes well");
});

function setFlaw(flaw: SimCard["flaw"]): void {
  if (encoder.card !== undefined) encoder.card.flaw = flaw;
}

t.test("what is issued already, or is no card that is written, is not encoded", async (t) => {
  const made = await waiting();
  await encode(made.acs_credential_id);
  t.match(await encode(made.acs_credential_id), {
    error: { type: "credential_cannot_be_reissued" },
  });
  const { acs_user_id } = await addUser(rig);
  const code = await rig.client.acs.credentials.create({ acs_user_id, access_method: "code" });
  t.match(await encode(code.acs_credential_id), { error: { type: "incompatible_card_format" } });
});

t.test("a reader that cannot write says so, and unknown ones are not found", async (t) => {
  const made = await waiting();
  const reader = await frontReader(rig);
  t.match(await encode(made.acs_credential_id, reader), { error: { type: "encoder_not_online" } });
  const path = "/acs/encoders/encode_credential";
  const wrong: readonly (readonly [object, number])[] = [
    [{ acs_encoder_id: uuid(1), acs_credential_id: made.acs_credential_id }, 404],
    [{ acs_encoder_id: writerId, acs_credential_id: uuid(1) }, 400],
    [{ acs_encoder_id: writerId }, 400],
    [{ acs_encoder_id: writerId, access_method_id: uuid(1) }, 400],
  ];
  for (const [body, status] of wrong) t.equal((await ask(rig, path, body)).status, status);
  const scan = await ask(rig, "/acs/encoders/scan_credential", { acs_encoder_id: writerId });
  t.equal(scan.status, 400, "and what only writes waits for no card");
});

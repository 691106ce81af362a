import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import t from "tap";
import { createBoardFace } from "../../../hal/sim/board-face.ts";
import { SimBoard } from "../../../hal/sim/sim-board.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { SimPhones, simPhonesMax } from "../../../hal/sim/sim-phones.ts";
import { parseBoardProfile } from "../../../src/compose/config/board-profile-file.ts";
import { siteId } from "../../../src/domain/ids.ts";
import { parsePhone, siteKeyText } from "../../../src/protocols/mobile-pass/phone-state.ts";

const site_key = siteKeyText(generateKeyPairSync("ed25519").publicKey);
const file = "config/boards/sim.toml";

/** The demonstration board, whose radios nobody listens to. */
function openFace(text = readFileSync(file, "utf8")) {
  const clock = new SimClock();
  const parsed = parseBoardProfile({ file, text });
  if (!parsed.ok) throw new Error("the demonstration profile is at fault");
  const { profile } = parsed.value;
  const phones = new SimPhones({ profile, clock, site: siteId("demo") });
  const face = createBoardFace(new SimBoard({ ...parsed.value, clock }), phones);
  const ask = async (path: string, body: unknown) => {
    const asked = Promise.resolve(
      face.request(path, { method: "POST", body: JSON.stringify(body) }),
    );
    await clock.elapse(4_000);
    const response = await asked;
    return { status: response.status, body: await response.json() };
  };
  return { face, phones, ask };
}

const front = "/sim/readers/front/phone";
const present = { phone: "ada", action: "present", site_key };

t.test("what is wrong with a phone's request is named", async (t) => {
  const { ask } = openFace();
  for (const [body, field] of [
    [{ ...present, action: "open" }, "action"],
    [{ action: "present", site_key }, "phone"],
    [{ phone: "ada", site_key }, "action"],
    [{ ...present, phone: "" }, "phone"],
    [{ ...present, phone: "a".repeat(65) }, "phone"],
    [{ ...present, site_key: "AAAA" }, "site_key"],
    [{ ...present, site_key: 7 }, "site_key"],
    [{ ...present, rssi: -200 }, "rssi"],
    [{ ...present, pin: "1" }, "pin"],
    [{ phone: "ada", action: "present" }, "site_key"],
  ] as const) {
    const { status, body: answer } = await ask(front, body);
    t.equal(status, 400, field);
    t.match(answer, { ok: false, error: { field } });
  }
});

t.test("a reader without a radio is named with those that have one", async (t) => {
  const { ask } = openFace();
  const { status, body } = await ask("/sim/readers/back/phone", present);
  t.equal(status, 404);
  t.match(body, { error: { field: "reader", message: /front, lab/ } });
  const without = openFace(readFileSync(file, "utf8").replace(/^ble = .*$/gm, ""));
  t.match(await without.ask(front, present), {
    status: 404,
    body: { error: { message: /there is none/ } },
  });
});

t.test("a reader that does not answer is said to be none", async (t) => {
  const { ask } = openFace();
  t.match(await ask(front, present), { status: 200, body: { ok: true, outcome: "failed" } });
  const again = await ask(front, { phone: "ada", action: "enrol" });
  t.equal(again.status, 200, "the phone knows its site by now");
});

t.test("a phone can go on elsewhere with what it keeps", async (t) => {
  const { face, ask } = openFace();
  t.equal((await face.request("/sim/phones/ada")).status, 404);
  await ask(front, present);
  const kept = parsePhone(await (await face.request("/sim/phones/ada")).text());
  t.match(kept, { ok: true, value: { site: "demo" } });
});

t.test("phones are remembered up to a limit", async (t) => {
  const { ask, phones } = openFace(readFileSync(file, "utf8"));
  phones.close();
  for (let count = 0; count < simPhonesMax; count += 1) {
    t.match(await ask(front, { ...present, phone: `phone-${count}` }), { status: 200 });
  }
  t.match(await ask(front, present), { status: 503, body: { error: { field: "phone" } } });
});

import t from "tap";
import { createBoardFace } from "../../../hal/sim/board-face.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { doorId, readerId } from "../../../src/domain/ids.ts";
import { bitsOf, doorOf, openRig, readerOf } from "./sim-rig.ts";

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

function openFace() {
  const rig = openRig();
  const face = createBoardFace(rig.sim);
  const answerTo = async (asked: Response | Promise<Response>): Promise<Answer> => {
    const response = await asked;
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    rig.until(
      answerTo(
        face.request(path, {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: typeof body === "string" ? body : JSON.stringify(body),
        }),
      ),
    );
  const get = (path: string, headers: Record<string, string> = {}) =>
    answerTo(face.request(path, { headers }));
  return { ...rig, face, post, get };
}

const ada = { format: "H10301", facility: 12, number: 34567 };

t.test("a card at the face reaches the reader as the same bits", async (t) => {
  const { post, reports } = openFace();
  const bits = bitsOf("H10301", { facility: 12, number: 34567 });
  const { status, body } = await post("/sim/readers/front/card", ada);
  t.equal(status, 200);
  t.match(body, { ok: true, bits });
  t.match(reports, [
    { kind: "card", reader: "front", raw: rawFromBits(bits), at: body["lastEdgeAtNs"] },
  ]);
});

t.test("a serial number is hexadecimal, and its leading zeros count", async (t) => {
  const { post, reports } = openFace();
  const { body } = await post("/sim/readers/back/card", {
    format: "CSN80",
    uid: "000000000000000000FF",
  });
  t.match(body, { ok: true, bits: "1".repeat(8).padStart(80, "0") });
  t.match(reports, [{ raw: "80:000000000000000000ff" }]);
});

t.test("raw bits go to the lines as they are, good or bad", async (t) => {
  const { post, reports, clock } = openFace();
  t.equal((await post("/sim/readers/front/card", { bits: "0110" })).status, 200);
  t.equal((await post("/sim/readers/front/card", { bits: "1".repeat(128) })).status, 200);
  await clock.elapse(200);
  t.match(reports, [
    { kind: "key", key: "6" },
    { kind: "misread", verdict: "parity" },
  ]);
  t.equal(reports.length, 2);
});

t.test("keys are typed one by one", async (t) => {
  const { post, reports } = openFace();
  const { status, body } = await post("/sim/readers/front/keys", { keys: "*1234#" });
  t.equal(status, 200);
  t.match(body, { ok: true, keys: 6, lastEdgeAtNs: reports.at(-1)?.at });
  t.same(
    reports.map((report) => (report.kind === "key" ? report.key : report.kind)),
    [..."*1234#"],
  );
});

t.test("the whole board is shown as its lines have it", async (t) => {
  const { post, get, board } = openFace();
  t.same((await post("/sim/doors/front/contact", { leaf: "open" })).body, { ok: true });
  t.same((await post("/sim/doors/front/rex", { pressed: true })).body, { ok: true });
  doorOf(board, "lab").strike.drive("released");
  readerOf(board, "front").indicator.show({ kind: "steady", light: "amber" });
  t.same(await get("/sim"), {
    status: 200,
    body: {
      doors: {
        front: {
          strike: "secured",
          leaf: "open",
          rex: "pressed",
          wires: { contact: "sound", rex: "sound" },
        },
        lab: {
          strike: "released",
          leaf: "closed",
          rex: null,
          wires: { contact: "sound", rex: null },
        },
      },
      readers: {
        front: { led: "amber", beeper: "off", tamper: { state: "idle", wire: "sound" } },
        lab: { led: "off", beeper: "off", tamper: null },
        back: { led: "off", beeper: "off", tamper: null },
      },
      fire: { state: "idle", wire: "sound" },
      tamper: { state: "idle", wire: "sound" },
    },
  });
});

const card = "/sim/readers/front/card";
const keys = "/sim/readers/front/keys";
const contact = "/sim/doors/front/contact";
const rex = "/sim/doors/front/rex";
const wires = "/sim/doors/front/wires";
const fire = "/sim/fire";
const tamper = "/sim/tamper";
const refused: readonly (readonly [string, unknown, number, string])[] = [
  [card, { ...ada, number: 65_536 }, 400, "number"],
  [card, { ...ada, number: -1 }, 400, "number"],
  [card, { ...ada, number: 1.5 }, 400, "number"],
  [card, { ...ada, number: "34567" }, 400, "number"],
  [card, { ...ada, number: null }, 400, "number"],
  [card, { ...ada, facility: 256 }, 400, "facility"],
  [card, { format: "H10301", number: 1 }, 400, "facility"],
  [card, { ...ada, colour: "blue" }, 400, "colour"],
  [card, '{"format":"H10301","facility":1,"number":1,"__proto__":1}', 400, "__proto__"],
  [card, { ...ada, format: "H10399" }, 400, "format"],
  [card, { ...ada, format: 26 }, 400, "format"],
  [card, { format: "CSN32", uid: "1234567" }, 400, "uid"],
  [card, { format: "CSN32", uid: "1234567g" }, 400, "uid"],
  [card, {}, 400, "format"],
  [card, { bits: "" }, 400, "bits"],
  [card, { bits: "012" }, 400, "bits"],
  [card, { bits: "0".repeat(129) }, 400, "bits"],
  [card, { bits: 101 }, 400, "bits"],
  [card, { bits: "01", format: "H10301" }, 400, "format"],
  [card, "", 400, "body"],
  [card, '{"format":', 400, "body"],
  [card, "[]", 400, "body"],
  [card, "null", 400, "body"],
  [card, '"H10301"', 400, "body"],
  ["/sim/readers/none/card", ada, 404, "reader"],
  ["/sim/readers/__proto__/card", ada, 404, "reader"],
  [keys, { keys: "" }, 400, "keys"],
  [keys, { keys: "12a" }, 400, "keys"],
  [keys, { keys: 1234 }, 400, "keys"],
  [keys, { keys: "1".repeat(65) }, 400, "keys"],
  [keys, { keys: "1", more: 1 }, 400, "more"],
  ["/sim/readers/none/keys", { keys: "1" }, 404, "reader"],
  [contact, { leaf: "ajar" }, 400, "leaf"],
  [contact, {}, 400, "leaf"],
  [contact, { leaf: "open", strike: "released" }, 400, "strike"],
  ["/sim/doors/none/contact", { leaf: "open" }, 404, "door"],
  [rex, { pressed: "true" }, 400, "pressed"],
  ["/sim/doors/lab/rex", { pressed: true }, 404, "door"],
  ["/sim/doors/none/rex", { pressed: true }, 404, "door"],
  [wires, { contact: "broken" }, 400, "contact"],
  [wires, { rex: null }, 400, "rex"],
  [wires, { contact: "cut", rex: "frayed" }, 400, "rex"],
  [wires, { strike: "cut" }, 400, "strike"],
  [wires, {}, 400, "body"],
  [wires, "[]", 400, "body"],
  ["/sim/doors/lab/wires", { contact: "cut", rex: "cut" }, 400, "rex"],
  ["/sim/doors/none/wires", { contact: "cut" }, 404, "door"],
  [fire, {}, 400, "state"],
  [fire, { state: "burning" }, 400, "state"],
  [fire, { state: true }, 400, "state"],
  [fire, { state: "raised", wire: "burnt" }, 400, "wire"],
  [fire, { state: "raised", reader: "front" }, 400, "reader"],
  [fire, '{"state":', 400, "body"],
  [tamper, {}, 400, "state"],
  [tamper, { reader: "front" }, 400, "state"],
  [tamper, { state: "cleared" }, 400, "state"],
  [tamper, { state: "raised", reader: "none" }, 400, "reader"],
  [tamper, { state: "raised", reader: "__proto__" }, 400, "reader"],
  [tamper, { state: "raised", reader: null }, 400, "reader"],
  [tamper, { state: "raised", reader: "lab" }, 400, "reader"],
  [tamper, { state: "raised", door: "front" }, 400, "door"],
  ["/sim/faults", { seed: 1, board: { lostEdge: 7 } }, 400, "board.lostEdge"],
  ["/sim/faults", { seed: 1, lines: { nowhere: {} } }, 400, "lines.nowhere"],
  ["/sim/clock", { quality: "fine" }, 400, "quality"],
  ["/sim/clock", { offsetMs: "1" }, 400, "offsetMs"],
  ["/sim/clock", { offsetMs: 0.5 }, 400, "offsetMs"],
  ["/sim/clock", { offsetMs: 1e300 }, 400, "offsetMs"],
  ["/sim/clock", { offsetMs: -100 * 365 * 86_400_000 }, 400, "offsetMs"],
  ["/sim/clock", { year: 1970 }, 400, "year"],
  ["/sim/nothing", {}, 404, "path"],
];

t.test("bad input is refused with the field named, and moves nothing", async (t) => {
  const { post, reports, sim, clock } = openFace();
  const before = sim.state();
  for (const [path, body, status, field] of refused) {
    const answer = await post(path, body);
    const what = `${path} ${JSON.stringify(body)}`;
    t.match(answer, { status, body: { ok: false, error: { field } } }, what);
    const { expected, message } = answer.body["error"] as Record<string, string>;
    t.equal(message, `${field}: expected ${expected}`);
  }
  await clock.elapse(1_000);
  t.same(reports, []);
  t.same(sim.state(), before);
});

t.test("fire, tamper and pliers reach the board's inputs, and the board shows them", async (t) => {
  const { post, get, board, clock } = openFace();
  const front = doorOf(board, "front");
  const told: unknown[] = [];
  front.position?.listen((leaf) => told.push(["contact", leaf]));
  front.rex?.listen((state) => told.push(["rex", state]));
  board.fire?.listen((state) => told.push(["fire", state]));
  board.tamper?.listen((state) => told.push(["enclosure", state]));
  readerOf(board, "front").tamper?.listen((state) => told.push(["reader", state]));
  const asked = [
    [fire, { state: "raised" }],
    [tamper, { state: "raised" }],
    [tamper, { state: "raised", reader: "front" }],
    [wires, { contact: "shorted", rex: "shorted" }],
    [fire, { state: "idle" }],
    [fire, { wire: "cut" }],
    [tamper, { state: "idle", reader: "front" }],
  ] as const;
  for (const [path, body] of asked) {
    t.same(await post(path, body), { status: 200, body: { ok: true } }, JSON.stringify(body));
    await clock.elapse(50);
  }
  t.same(told, [
    ["fire", "raised"],
    ["enclosure", "raised"],
    ["reader", "raised"],
    ["rex", "pressed"],
    ["contact", "shorted"],
    ["fire", "idle"],
    ["fire", "cut"],
    ["reader", "idle"],
  ]);
  t.match((await get("/sim")).body, {
    doors: { front: { rex: "idle", wires: { contact: "shorted", rex: "shorted" } } },
    readers: { front: { tamper: { state: "idle", wire: "sound" } }, lab: { tamper: null } },
    fire: { state: "idle", wire: "cut" },
    tamper: { state: "raised", wire: "sound" },
  });
  await post(wires, { contact: "sound", rex: "sound" });
  await post(fire, { state: "raised", wire: "sound" });
  await clock.elapse(50);
  t.same(told.slice(8), [
    ["rex", "idle"],
    ["contact", "closed"],
    ["fire", "raised"],
  ]);
});

t.test("a number out of range is told the range", async (t) => {
  const { post } = openFace();
  const { body } = await post(card, { ...ada, number: 65_536 });
  t.match(body, { error: { field: "number", expected: /0 to 65535/ } });
});

t.test("a reader without keypad refuses keys", async (t) => {
  const rig = openRig({
    doors: [],
    readers: [
      {
        id: readerId("plain"),
        door: doorId("front"),
        d0: "d0",
        d1: "d1",
        formats: ["H10301"],
        keypad: "none",
      },
    ],
    expanders: [],
  });
  const face = createBoardFace(rig.sim);
  const post = (path: string, body: string) => face.request(path, { method: "POST", body });
  const response = await post("/sim/readers/plain/keys", '{"keys":"1"}');
  t.equal(response.status, 400);
  t.match(await response.json(), { error: { field: "reader" } });
  for (const input of ["fire", "tamper"]) {
    const refused = await post(`/sim/${input}`, '{"state":"raised"}');
    t.equal(refused.status, 404, "nor has this board a fire panel or a tamper switch");
    t.match(await refused.json(), { error: { field: input } });
  }
});

t.test("a body of more than 16 KiB is refused", async (t) => {
  const { post } = openFace();
  const answer = await post(card, { bits: "0".repeat(17_000) });
  t.match(answer, { status: 413, body: { ok: false, error: { field: "body" } } });
});

t.test("a web page elsewhere cannot open a door here", async (t) => {
  const { post, get, reports, clock } = openFace();
  const strangers = [
    { origin: "https://example.com" },
    { origin: "http://localhost:9" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
    { host: "example.com" },
    { host: "127.0.0.1.example.com" },
    { host: "localhost.example.com:8322" },
  ];
  for (const headers of strangers) {
    t.equal((await post(card, ada, headers)).status, 403, JSON.stringify(headers));
    t.equal((await get("/sim", headers)).status, 403);
  }
  await clock.elapse(500);
  t.same(reports, []);
  const friends = [
    { host: "127.0.0.1:8322", origin: "http://127.0.0.1:8322" },
    { host: "[::1]:8322" },
    { host: "LOCALHOST:8322" },
    { "content-type": "application/x-www-form-urlencoded" },
  ];
  for (const headers of friends) {
    t.equal((await post(card, ada, headers)).status, 200, JSON.stringify(headers));
  }
});

t.test("faults are switched at the face and counted", async (t) => {
  const { post, get, reports, clock } = openFace();
  const faults = { seed: 3, board: {}, lines: { "front-d0": { bothLow: 1 } } };
  t.match(await post("/sim/faults", faults), { status: 200, body: { ok: true, faults } });
  await post(card, ada);
  await clock.elapse(200);
  t.match(reports, [{ kind: "misread", verdict: "both_low" }]);
  const { body } = await get("/sim/faults");
  t.match(body, { faults });
  t.ok((body["counts"] as Record<string, number>)["bothLow"]);
  await post("/sim/faults", { seed: 0 });
  await post(card, ada);
  t.match(reports.at(-1), { kind: "card" });
});

t.test("the controller's wall clock is set wrong at the face", async (t) => {
  const { post, sim } = openFace();
  const before = sim.clock.wall().at;
  await post("/sim/clock", { quality: "unknown", offsetMs: -3_600_000 });
  t.equal(sim.clock.wall().quality, "unknown");
  t.ok(sim.clock.wall().at < before - 3_500_000);
  await post("/sim/clock", { quality: "holdover" });
  t.equal(sim.clock.wall().quality, "holdover");
  t.ok(sim.clock.wall().at < before - 3_500_000, "what is left out stays");
});

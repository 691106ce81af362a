import t from "tap";
import { doorId, readerId } from "../../../../src/domain/ids.ts";
import {
  encodeLocalRequest,
  encodeLocalResponse,
  type LocalQuestion,
  type LocalResponse,
  lightMsMax,
  parseLocalRequest,
  parseLocalResponse,
  pulseMsMax,
  pulseMsMin,
} from "../../../../src/protocols/local/local-message.ts";

const questions: readonly LocalQuestion[] = [
  { verb: "status", args: {} },
  { verb: "events", args: { follow: false } },
  { verb: "events", args: { after: 0, limit: 1, follow: true } },
  { verb: "explain", args: { door: doorId("front"), pin: "246810" } },
  {
    verb: "explain",
    args: { door: doorId("lab"), card: { format: "H10301", values: ["12", "34567"] } },
  },
  {
    verb: "explain",
    args: {
      door: doorId("lab"),
      card: { format: "CSN32", fields: { uid: "00a1b2c3", number: 7 } },
    },
  },
  { verb: "explain", args: { door: doorId("lab"), card: { bits: "0110" }, pin: "1234" } },
  { verb: "explain", args: { door: doorId("lab"), card: { phone: "0123456789abcdef".repeat(2) } } },
  { verb: "lines", args: { follow: true } },
  { verb: "watch_reader", args: { reader: readerId("front"), bits: false } },
  { verb: "pulse", args: { door: doorId("front"), forMs: pulseMsMin } },
  { verb: "pulse", args: { door: doorId("front"), forMs: pulseMsMax } },
  { verb: "show_light", args: { reader: readerId("front"), light: "boot", forMs: lightMsMax } },
];

function requestWith(changes: Record<string, unknown>): string {
  return JSON.stringify({ v: 1, id: 7, verb: "status", args: {}, ...changes });
}

function faultOf(line: string) {
  const parsed = parseLocalRequest(line);
  if (parsed.ok) throw new Error(`taken: ${line}`);
  return parsed.fault;
}

t.test("what a command asks is what the controller reads", async (t) => {
  for (const question of questions) {
    const line = encodeLocalRequest({ id: 7, ...question });
    t.equal(line.indexOf("\n"), line.length - 1, "one line");
    t.same(parseLocalRequest(line), { ok: true, value: { v: 1, id: 7, ...question } });
  }
});

t.test("a request that is wrong is answered with the name of its field", async (t) => {
  const explain = (args: Record<string, unknown>) =>
    requestWith({ verb: "explain", args: { door: "front", pin: "1234", ...args } });
  const events = (args: Record<string, unknown>) =>
    requestWith({ verb: "events", args: { follow: false, ...args } });
  const cases: readonly (readonly [string, string])[] = [
    [requestWith({ verb: "unlock" }), "verb"],
    [requestWith({ args: { door: "front" } }), "args.door"],
    [requestWith({ key: 1 }), "key"],
    [events({ after: -1 }), "args.after"],
    [events({ after: 1.5 }), "args.after"],
    [events({ limit: 0 }), "args.limit"],
    [events({ follow: "yes" }), "args.follow"],
    [requestWith({ verb: "events", args: {} }), "args.follow"],
    [explain({ door: "../etc" }), "args.door"],
    [explain({ door: 1 }), "args.door"],
    [explain({ pin: "12" }), "args.pin"],
    [explain({ pin: "1234567890" }), "args.pin"],
    [explain({ pin: 1234 }), "args.pin"],
    [explain({ at: "noon" }), "args.at"],
    [explain({ card: { bits: "012" } }), "args.card"],
    [explain({ card: { phone: "0".repeat(31) } }), "args.card"],
    [explain({ card: { phone: "A".repeat(32) } }), "args.card"],
    [explain({ card: { phone: "0".repeat(32), bits: "0" } }), "args.card"],
    [explain({ card: { bits: "0".repeat(129) } }), "args.card"],
    [explain({ card: { format: "H10301" } }), "args.card"],
    [explain({ card: "H10301:12:34567" }), "args.card"],
    [explain({ card: { format: "H10301", fields: { number: true } } }), "args.card"],
    [explain({ card: { format: "H10301", fields: { "\u001b[2J": 1 } } }), "args.card"],
    [explain({ card: { format: "H10301", fields: {}, values: [] } }), "args.card"],
    [requestWith({ verb: "explain", args: { door: "front" } }), "args"],
    [requestWith({ v: 2 }), "v"],
  ];
  for (const [line, field] of cases) {
    const { id, error } = faultOf(line);
    t.equal(error.field, field, line);
    t.match(error.message, /expected/, line);
    t.equal(id, 7, "the answer can be told from others");
  }
});

t.test("no client may have a strike released or lamps lit for longer than is good", async (t) => {
  const pulse = (forMs: unknown) => requestWith({ verb: "pulse", args: { door: "front", forMs } });
  for (const forMs of [pulseMsMin - 1, pulseMsMax + 1, 500.5, -500, "500", null]) {
    t.match(faultOf(pulse(forMs)).error, { code: "bad_request", field: "args.forMs" });
  }
  const lit = (args: Record<string, unknown>) =>
    requestWith({
      verb: "show_light",
      args: { reader: "front", light: "red", forMs: 1_000, ...args },
    });
  t.equal(faultOf(lit({ forMs: lightMsMax + 1 })).error.field, "args.forMs");
  t.equal(faultOf(lit({ light: "blue" })).error.field, "args.light");
  const watch = requestWith({ verb: "watch_reader", args: { reader: "front", bits: "yes" } });
  t.equal(faultOf(watch).error.field, "args.bits");
});

t.test("a command of another version is told so, whatever else it says", async (t) => {
  for (const line of [requestWith({ v: 2 }), requestWith({ v: 2, verb: "unlock", args: 1 })]) {
    t.match(faultOf(line), { id: 7, error: { code: "unsupported_version" } });
  }
});

t.test("a PIN is in no answer, whatever is wrong with it or beside it", async (t) => {
  const pins = [
    "31415926535",
    "3141 5926",
    "３１４１５９２６",
    31415926,
    ["31415926"],
    { x: "31415926" },
  ];
  for (const pin of pins) {
    for (const others of [{}, { door: "front" }, { door: "front", unexpected: 1 }]) {
      const line = requestWith({ verb: "explain", args: { ...others, pin } });
      t.notMatch(JSON.stringify(faultOf(line)), /3141|３１４１/, line);
    }
  }
  t.notMatch(
    JSON.stringify(faultOf('{"v":1,"id":1,"verb":"explain","args":{"pin":"31415926')),
    /3141/,
  );
});

t.test("what is no request at all is refused without an id", async (t) => {
  for (const line of ["", "status", "null", "[]", "17", "{", '"x"', '{"v":1,"id":"a"}']) {
    t.equal(faultOf(line).id, null, line);
  }
});

t.test("an answer reads as it was meant, and anything else as none", async (t) => {
  const responses: readonly LocalResponse[] = [
    { id: 1, kind: "value", value: { any: ["thing"] } },
    { id: 1, kind: "item", item: null },
    { id: 1, kind: "end" },
    { id: null, kind: "error", error: { code: "too_long", message: "long" } },
    { id: 1, kind: "error", error: { code: "bad_request", message: "m", field: "args.door" } },
  ];
  for (const response of responses) {
    t.same(parseLocalResponse(encodeLocalResponse(response)), { ok: true, value: response });
  }
  for (const line of ["", "HTTP/1.1 400 Bad Request", '{"v":9,"id":1,"kind":"end"}', '{"v":1}']) {
    t.equal(parseLocalResponse(line).ok, false, line);
  }
});

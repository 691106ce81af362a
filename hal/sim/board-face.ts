import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as v from "valibot";
import { rawBitsMax } from "../../src/domain/credential.ts";
import { fail, type Result, succeed } from "../../src/domain/result.ts";
import { encodeCard } from "../../src/protocols/wiegand/format.ts";
import type { Key } from "../reader.ts";
import { addPhones } from "./board-face-phones.ts";
import { boardStream } from "./board-stream.ts";
import { type Body, type BodyFault, bodyOf, parsedBy, refuse } from "./face-request.ts";
import { parseFaultSettings } from "./faults.ts";
import type { SimAlarm, SimBoard } from "./sim-board.ts";
import type { SimPhones } from "./sim-phones.ts";
import { ReaderBusy, type Sent } from "./sim-reader.ts";

/** Far above the largest sensible request, and small enough to hold many. */
const bodyBytesMax = 16 * 1024;

/** Nobody types more before a key times out. */
const keysMax = 64;

/**
 * The outside of a simulated board, for a person with curl or a test: cards, keys, leaves and buttons
 * go in, strikes and lamps come out, as they are on the lines. No socket: the caller serves it, on
 * loopback. Without `phones` nobody has one. Every refusal is `{"ok":false,"error":{"field","expected","message"}}`.
 */
export function createBoardFace(board: SimBoard, phones?: SimPhones): Hono {
  const face = new Hono();
  face.use(refuseStrangers);
  face.use(
    bodyLimit({
      maxSize: bodyBytesMax,
      onError: (c) =>
        refuse(c, { status: 413, field: "body", expected: `at most ${bodyBytesMax} bytes` }),
    }),
  );
  face.get("/sim", (c) => c.json(board.state()));
  face.get("/sim/stream", (c) => {
    const stream = boardStream(board);
    if (stream !== undefined) return stream;
    return refuse(c, { status: 503, field: "stream", expected: "fewer clients at a time" });
  });
  addReaders(face, board);
  if (phones !== undefined) addPhones(face, phones);
  addDoors(face, board);
  addWires(face, board);
  addAlarms(face, board);
  addTroubleMaking(face, board);
  face.notFound((c) => {
    const paths = "a path and method of the simulated board; GET /sim shows it";
    return refuse(c, { status: 404, field: "path", expected: paths });
  });
  face.onError((error, c) => {
    if (error instanceof ReaderBusy) {
      return refuse(c, { status: 503, field: "reader", expected: "fewer presentations at a time" });
    }
    return refuse(c, { status: 500, field: "board", expected: `no fault: ${error.message}` });
  });
  return face;
}

/**
 * A web page elsewhere must not open doors here, neither by a request that the browser sends along
 * (Origin) nor by a name of its own that it lets resolve to this machine (Host). No content type is
 * asked for: with these two closed it would only annoy who uses curl.
 */
const refuseStrangers: MiddlewareHandler = async (c, next) => {
  const host = c.req.header("host") ?? new URL(c.req.url).host;
  const loopback = /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?$/i;
  if (!loopback.test(host)) {
    return refuse(c, { status: 403, field: "host", expected: "a loopback address" });
  }
  const origin = c.req.header("origin");
  const site = c.req.header("sec-fetch-site");
  const elsewhere = origin !== undefined && origin.toLowerCase() !== `http://${host}`.toLowerCase();
  if (elsewhere || site === "cross-site") {
    return refuse(c, { status: 403, field: "origin", expected: `none, or http://${host}` });
  }
  return next();
};

function addReaders(face: Hono, board: SimBoard): void {
  const ids = board.profile.readers.map((reader) => reader.id).join(", ");
  const noReader = { status: 404, field: "reader", expected: `one of ${ids}` } as const;

  face.post("/sim/readers/:reader/card", async (c) => {
    const reader = board.reader(c.req.param("reader"));
    if (reader === undefined) return refuse(c, noReader);
    const body = await bodyOf(c);
    const bits = body.ok ? cardBits(board, body.value) : body;
    if (!bits.ok) return refuse(c, { status: 400, ...bits.fault });
    const sent = await board.presentCard(reader.id, bits.value);
    return c.json({ ok: true, bits: bits.value, lastEdgeAtNs: lastEdgeAtNs(sent) });
  });

  face.post("/sim/readers/:reader/keys", async (c) => {
    const reader = board.reader(c.req.param("reader"));
    if (reader === undefined) return refuse(c, noReader);
    if (reader.keypad === "none") {
      return refuse(c, { status: 400, field: "reader", expected: "a reader with a keypad" });
    }
    const body = await bodyOf(c);
    const parsed = body.ok ? fieldsOf(body.value, { keys: isKeys }, keysExpected) : body;
    if (!parsed.ok) return refuse(c, { status: 400, ...parsed.fault });
    const keys = [...parsed.value.keys].filter(isKey);
    const sent = await board.typeKeys(reader.id, keys);
    return c.json({ ok: true, keys: keys.length, lastEdgeAtNs: lastEdgeAtNs(sent) });
  });
}

/** Null where a keypad kept it all to itself, waiting for `#`. */
const lastEdgeAtNs = (sent: Sent): number | null => sent.lastEdgeAt ?? null;

function addDoors(face: Hono, board: SimBoard): void {
  const ids = board.profile.doors.map((door) => door.id).join(", ");
  const noDoor = { status: 404, field: "door", expected: `one of ${ids}` } as const;

  face.post("/sim/doors/:door/contact", async (c) => {
    const door = board.door(c.req.param("door"));
    if (door === undefined) return refuse(c, noDoor);
    const body = await bodyOf(c);
    const parsed = body.ok ? fieldsOf(body.value, { leaf: isLeaf }, '"open" or "closed"') : body;
    if (!parsed.ok) return refuse(c, { status: 400, ...parsed.fault });
    board.setLeaf(door.id, parsed.value.leaf);
    return c.json({ ok: true });
  });

  face.post("/sim/doors/:door/rex", async (c) => {
    const door = board.door(c.req.param("door"));
    if (door === undefined) return refuse(c, noDoor);
    if (door.rex === undefined) {
      return refuse(c, { status: 404, field: "door", expected: "a door with a REX" });
    }
    const body = await bodyOf(c);
    const parsed = body.ok ? fieldsOf(body.value, { pressed: isBoolean }, "true or false") : body;
    if (!parsed.ok) return refuse(c, { status: 400, ...parsed.fault });
    board.setRex(door.id, parsed.value.pressed ? "pressed" : "idle");
    return c.json({ ok: true });
  });
}

const wire = v.exactOptional(
  v.picklist(["sound", "cut", "shorted"], '"sound", "cut" or "shorted"'),
);
const wiresSchema = v.strictObject({ contact: wire, rex: wire }, "no field of this name");

/** The wire of each input of a door: supervised or not, pliers go through it. */
function addWires(face: Hono, board: SimBoard): void {
  const ids = board.profile.doors.map((door) => door.id).join(", ");

  face.post("/sim/doors/:door/wires", async (c) => {
    const door = board.door(c.req.param("door"));
    if (door === undefined) {
      return refuse(c, { status: 404, field: "door", expected: `one of ${ids}` });
    }
    const body = await bodyOf(c);
    const parsed = body.ok ? parsedBy(wiresSchema, body.value) : body;
    if (!parsed.ok) return refuse(c, { status: 400, ...parsed.fault });
    const { contact, rex } = parsed.value;
    if (contact === undefined && rex === undefined) {
      return refuse(c, { status: 400, field: "body", expected: "contact or rex, or both" });
    }
    const cuts = [
      { kind: "contact", wire: contact },
      { kind: "rex", wire: rex },
    ] as const;
    // All are looked at before any moves: what is refused has moved nothing.
    const missing = cuts.find(
      ({ kind, wire }) => wire !== undefined && !board.has({ kind, door: door.id }),
    );
    if (missing !== undefined) {
      const expected = `a door with a ${missing.kind === "rex" ? "REX" : "contact"}`;
      return refuse(c, { status: 400, field: missing.kind, expected });
    }
    for (const { kind, wire } of cuts) {
      if (wire !== undefined) board.setWire({ kind, door: door.id }, wire);
    }
    return c.json({ ok: true });
  });
}

const alarmFields = {
  state: v.exactOptional(v.picklist(["raised", "idle"], '"raised" or "idle"')),
  wire,
};
const fireSchema = v.strictObject(alarmFields, "no field of this name");
const tamperSchema = v.strictObject(
  { ...alarmFields, reader: v.exactOptional(v.string("a reader's id")) },
  "no field of this name",
);

/** The fire panel, and the switches of readers and of the enclosure. */
function addAlarms(face: Hono, board: SimBoard): void {
  const move = (
    c: Context,
    alarm: SimAlarm,
    { state, wire }: v.InferOutput<typeof fireSchema>,
  ): Response => {
    if (state === undefined && wire === undefined) {
      return refuse(c, { status: 400, field: "state", expected: '"raised" or "idle"; or a wire' });
    }
    if (state !== undefined) board.setAlarm(alarm, state);
    if (wire !== undefined) board.setWire(alarm, wire);
    return c.json({ ok: true });
  };

  face.post("/sim/fire", async (c) => {
    const fire = { kind: "fire" } as const;
    if (!board.has(fire)) {
      return refuse(c, { status: 404, field: "fire", expected: "a board with a fire input" });
    }
    const body = await bodyOf(c);
    const parsed = body.ok ? parsedBy(fireSchema, body.value) : body;
    return parsed.ok ? move(c, fire, parsed.value) : refuse(c, { status: 400, ...parsed.fault });
  });

  const switched = board.profile.readers.filter(({ tamper }) => tamper !== undefined);
  const ids = switched.map(({ id }) => id).join(", ");
  face.post("/sim/tamper", async (c) => {
    const body = await bodyOf(c);
    const parsed = body.ok ? parsedBy(tamperSchema, body.value) : body;
    if (!parsed.ok) return refuse(c, { status: 400, ...parsed.fault });
    const { reader: id, ...asked } = parsed.value;
    if (id === undefined) {
      const enclosure = { kind: "tamper" } as const;
      if (board.has(enclosure)) return move(c, enclosure, asked);
      return refuse(c, { status: 404, field: "tamper", expected: "a board with a tamper switch" });
    }
    const reader = switched.find((candidate) => candidate.id === id);
    if (reader !== undefined) return move(c, { kind: "tamper", reader: reader.id }, asked);
    const expected = `a reader with a tamper switch: ${ids === "" ? "there is none" : ids}`;
    return refuse(c, { status: 400, field: "reader", expected });
  });
}

const offsetMsMax = 100 * 366 * 86_400_000;
const offsetExpected =
  "a whole number of milliseconds within 100 years, and none that leads before 1970";
const clockSchema = v.strictObject(
  {
    quality: v.exactOptional(
      v.picklist(["trusted", "holdover", "unknown"], '"trusted", "holdover" or "unknown"'),
    ),
    offsetMs: v.exactOptional(
      v.pipe(
        v.number(offsetExpected),
        v.safeInteger(offsetExpected),
        v.minValue(-offsetMsMax, offsetExpected),
        v.maxValue(offsetMsMax, offsetExpected),
      ),
    ),
  },
  "no field of this name",
);

/** What a board of copper does by itself: faults on its lines and a clock that is wrong. */
function addTroubleMaking(face: Hono, board: SimBoard): void {
  const faults = () => ({
    faults: board.gpio.faults.settings(),
    counts: board.gpio.faults.counts(),
    lines: board.gpio.lines,
  });
  face.get("/sim/faults", (c) => c.json(faults()));
  face.post("/sim/faults", async (c) => {
    const body = await bodyOf(c);
    const parsed = body.ok ? parseFaultSettings(body.value, board.gpio.lines) : body;
    if (!parsed.ok) return refuse(c, { status: 400, ...parsed.fault });
    board.setFaults(parsed.value);
    return c.json({ ok: true, ...faults() });
  });
  face.post("/sim/clock", async (c) => {
    const body = await bodyOf(c);
    const parsed = body.ok ? parsedBy(clockSchema, body.value) : body;
    if (!parsed.ok) return refuse(c, { status: 400, ...parsed.fault });
    const { offsetMs = 0 } = parsed.value;
    if (board.clock.trueAt() + offsetMs < 0) {
      return refuse(c, { status: 400, field: "offsetMs", expected: offsetExpected });
    }
    board.clock.setWall(parsed.value);
    return c.json({ ok: true, wall: board.clock.wall() });
  });
}

type Guards = Readonly<Record<string, (value: unknown) => value is unknown>>;
type Guarded<G extends Guards> = {
  readonly [Name in keyof G]: G[Name] extends (value: unknown) => value is infer T ? T : never;
};

/** Exactly these fields, of which each is `expected`. */
function fieldsOf<G extends Guards>(
  body: Body,
  guards: G,
  expected: string,
): Result<Guarded<G>, BodyFault> {
  const names = Object.keys(guards);
  const unknown = Object.keys(body).find((name) => !names.includes(name));
  if (unknown !== undefined) return fail({ field: unknown, expected: `only ${names.join(", ")}` });
  const wrong = names.find((name) => guards[name]?.(body[name]) !== true);
  if (wrong !== undefined) return fail({ field: wrong, expected });
  return succeed(body as Guarded<G>);
}

const keysExpected = `1 to ${keysMax} of 0-9, * and #`;
const isKeys = (value: unknown): value is string =>
  typeof value === "string" && value.length <= keysMax && /^[0-9*#]+$/.test(value);
const isKey = (character: string): character is Key => /^[0-9*#]$/.test(character);
const isLeaf = (value: unknown): value is "open" | "closed" =>
  value === "open" || value === "closed";
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isBits = (value: unknown): value is string =>
  typeof value === "string" && value.length <= rawBitsMax && /^[01]+$/.test(value);

/** Either raw bits, good or bad, or a format and the fields that are printed on the card. */
function cardBits(board: SimBoard, body: Body): Result<string, BodyFault> {
  if (Object.hasOwn(body, "bits")) {
    const parsed = fieldsOf(body, { bits: isBits }, `1 to ${rawBitsMax} of 0 and 1`);
    return parsed.ok ? succeed(parsed.value.bits) : parsed;
  }
  const { format: name, ...rest } = body;
  const format = board.formats.find((candidate) => candidate.name === name);
  if (format === undefined) {
    const names = board.formats.map((candidate) => candidate.name).join(", ");
    return fail({ field: "format", expected: `one of ${names}; or bits instead` });
  }
  const fields: [string, number | string][] = [];
  for (const [field, value] of Object.entries(rest)) {
    if (typeof value !== "number" && typeof value !== "string") {
      return fail({ field, expected: "a number, or hexadecimal digits for a serial number" });
    }
    fields.push([field, value]);
  }
  return encodeCard(format, Object.fromEntries(fields));
}

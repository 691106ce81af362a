import * as v from "valibot";
import { fail, type Result, succeed } from "../../../src/domain/result.ts";

/** Of one message, which is one line of JSON. A write of 512 bytes in base64 is the longest. */
export const messageBytesMax = 2_048;

/** What an attribute of GATT may hold (Core Specification, Vol 3, Part F, 3.2.9). */
export const attributeBytesMax = 512;

/** The smallest and the largest notification: what is left of an ATT packet of 23 bytes, and of 512. */
export const frameBytesMin = 20;
export const frameBytesMost = 509;

/** The libraries that drive an adapter, by who maintains them. */
export const bleDrivers = ["abandonware", "stoprocent"] as const;
export type BleDriver = (typeof bleDrivers)[number];

/** Why a radio is down: `BleHealth.reason`. */
export const radioFailures = [
  /** There is no such adapter, or it was unplugged. */
  "no_adapter",
  /** The kernel has no Bluetooth, or the service may not have sockets of it. */
  "not_supported",
  /** The service may not have the adapter for itself: CAP_NET_ADMIN. */
  "not_permitted",
  /** Somebody else has it: bluetoothd, or another program like ours. */
  "adapter_busy",
  /** By its own switch, or the machine's (rfkill). */
  "switched_off",
  /** It does not answer. */
  "adapter_hangs",
  /** It does not want to be seen. */
  "advertising_refused",
  /** The library is not installed, or was not compiled. */
  "driver_missing",
  /** The library threw. */
  "driver_failed",
  /** Its process ended. */
  "driver_exited",
  /** Its process does not answer, or does not do what it was told. */
  "driver_hangs",
  /** Its process says more than a radio can hear. */
  "driver_flooded",
  /** Its process says what makes no sense. */
  "driver_confused",
] as const;
export type RadioFailure = (typeof radioFailures)[number];

const link = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

function base64Bytes({ min, max }: { readonly min: number; readonly max: number }) {
  return v.pipe(
    v.string(),
    v.base64(),
    v.transform((text): Uint8Array => Uint8Array.from(Buffer.from(text, "base64"))),
    v.check(({ length }) => length >= min && length <= max),
  );
}

const wholeBetween = (min: number, max: number) =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(min), v.maxValue(max));

const attribute = base64Bytes({ min: 1, max: attributeBytesMax });
const uuid = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));

/** What the driver's process says. Links are numbered by it, from 1. */
const fromDriverSchema = v.variant("kind", [
  /** The adapter is ours and answers. */
  v.strictObject({ kind: v.literal("powered") }),
  v.strictObject({ kind: v.literal("advertising") }),
  v.strictObject({ kind: v.literal("silent") }),
  v.strictObject({
    kind: v.literal("connected"),
    link,
    address: v.pipe(v.string(), v.regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/)),
  }),
  v.strictObject({
    kind: v.literal("subscribed"),
    link,
    frameBytesMax: wholeBetween(frameBytesMin, frameBytesMost),
  }),
  v.strictObject({ kind: v.literal("written"), link, bytes: attribute }),
  v.strictObject({ kind: v.literal("heard"), link, rssi: wholeBetween(-127, 20) }),
  v.strictObject({ kind: v.literal("disconnected"), link }),
  /** The answer to `ask`. */
  v.strictObject({ kind: v.literal("alive") }),
  /** It ends itself next. */
  v.strictObject({ kind: v.literal("failed"), reason: v.picklist(radioFailures) }),
]);

/** What it is told. `open` is the first, once. */
const toDriverSchema = v.variant("kind", [
  v.strictObject({
    kind: v.literal("open"),
    driver: v.picklist(bleDrivers),
    service: v.strictObject({ service: uuid, hello: uuid, pass: uuid, result: uuid }),
  }),
  v.strictObject({ kind: v.literal("advertise"), wanted: v.picklist(["on", "off"]) }),
  v.strictObject({ kind: v.literal("hello"), link, bytes: attribute }),
  v.strictObject({
    kind: v.literal("notify"),
    link,
    bytes: base64Bytes({ min: 1, max: frameBytesMost }),
  }),
  v.strictObject({ kind: v.literal("disconnect"), link }),
  v.strictObject({ kind: v.literal("ask") }),
]);

export type FromDriver = v.InferOutput<typeof fromDriverSchema>;
export type ToDriver = v.InferOutput<typeof toDriverSchema>;

export function parseFromDriver(line: string): Result<FromDriver, "malformed"> {
  return parse(fromDriverSchema, line);
}

export function parseToDriver(line: string): Result<ToDriver, "malformed"> {
  return parse(toDriverSchema, line);
}

/** With its line's end. */
export function serialiseRadioMessage(message: FromDriver | ToDriver): string {
  // Not by a replacer: a Buffer has made something else of itself before one is asked.
  const plain =
    "bytes" in message
      ? { ...message, bytes: Buffer.from(message.bytes).toString("base64") }
      : message;
  return `${JSON.stringify(plain)}\n`;
}

function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  line: string,
): Result<v.InferOutput<Schema>, "malformed"> {
  let read: unknown;
  try {
    read = JSON.parse(line);
  } catch {
    return fail("malformed");
  }
  const parsed = v.safeParse(schema, read);
  return parsed.success ? succeed(parsed.output) : fail("malformed");
}

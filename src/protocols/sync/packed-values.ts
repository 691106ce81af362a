import { phoneCredential, phoneKeyBytes, phonePrefix } from "../../domain/credential.ts";
import { epochMsMax } from "../../domain/time.ts";

/**
 * The short forms in which deltas carry what a change is made of. Each value has one form only; what
 * is read here is still to be checked by a schema, and undefined stands for what is no such form.
 */

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const uuidBytes = 16;

/** A UUID in lower case as its 16 bytes, any other id as text. */
export function packId(id: string): string | Uint8Array {
  return uuidPattern.test(id) ? bytesOfHex(id.replaceAll("-", "")) : id;
}

export function unpackId(packed: unknown): string | undefined {
  if (typeof packed === "string") return uuidPattern.test(packed) ? undefined : packed;
  if (!(packed instanceof Uint8Array) || packed.length !== uuidBytes) return undefined;
  const hex = hexOf(packed);
  const [a, b, c, d, e] = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ];
  return `${a}-${b}-${c}-${d}-${e}`;
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const instantBytes = 6;

/**
 * Whole minutes as a number from 0 up, whole seconds as one from -1 down, both of which take 5 bytes
 * in CBOR; milliseconds as 6 bytes, big-endian; a fraction of one as it is.
 */
export function packInstant(ms: number): number | Uint8Array {
  if (!Number.isInteger(ms)) return ms;
  if (ms % minuteMs === 0) return ms / minuteMs;
  if (ms % secondMs === 0) return -1 - ms / secondMs;
  const bytes = Buffer.alloc(instantBytes);
  bytes.writeUIntBE(ms, 0, instantBytes);
  return new Uint8Array(bytes);
}

export function unpackInstant(packed: unknown): number | undefined {
  const ms = readInstant(packed);
  // Beyond the bounds of an instant there is no form to compare with.
  if (ms === undefined || ms > epochMsMax) return undefined;
  return isSameForm(packInstant(ms), packed) ? ms : undefined;
}

function readInstant(packed: unknown): number | undefined {
  if (typeof packed === "number") {
    // Below 0 a fraction stays below 0, where no schema takes it.
    if (!Number.isInteger(packed)) return packed < 0 ? undefined : packed;
    return packed >= 0 ? packed * minuteMs : (-1 - packed) * secondMs;
  }
  if (!(packed instanceof Uint8Array) || packed.length !== instantBytes) return undefined;
  return Buffer.from(packed).readUIntBE(0, instantBytes);
}

function isSameForm(form: number | Uint8Array, packed: unknown): boolean {
  if (typeof form === "number") return form === packed;
  return packed instanceof Uint8Array && Buffer.compare(form, packed) === 0;
}

/** Of a phone, where a card has its bit count: more than any card has. */
const phoneCode = 129;

/**
 * The bit count in one byte, then the bits, padded on the left to whole bytes; of a phone 129 in their
 * place, then its 16 bytes.
 */
export function packRaw(raw: string): Uint8Array {
  if (raw.startsWith(phonePrefix)) {
    return Uint8Array.of(phoneCode, ...bytesOfHex(raw.slice(phonePrefix.length)));
  }
  const [bitCount, digits = ""] = raw.split(":");
  const hex = digits.length % 2 === 0 ? digits : `0${digits}`;
  return Uint8Array.of(Number(bitCount), ...bytesOfHex(hex));
}

export function unpackRaw(packed: unknown): string | undefined {
  if (!(packed instanceof Uint8Array)) return undefined;
  const [bitCount = 0] = packed;
  if (bitCount === phoneCode) {
    return packed.length === 1 + phoneKeyBytes
      ? phoneCredential(hexOf(packed.subarray(1)))
      : undefined;
  }
  if (packed.length !== 1 + Math.ceil(bitCount / 8)) return undefined;
  const hex = hexOf(packed.subarray(1));
  const digits = hex.slice(hex.length - Math.ceil(bitCount / 4));
  // The digit that pads an odd number of them to bytes; bits within a digit are for the schema.
  return hex.length === digits.length || hex.startsWith("0") ? `${bitCount}:${digits}` : undefined;
}

/** One bit for each, the first of `all` lowest. */
export function packTraits(all: readonly string[], traits: readonly string[] = []): number {
  return traits.reduce((bits, trait) => bits | (1 << all.indexOf(trait)), 0);
}

export function unpackTraits<Trait extends string>(
  all: readonly Trait[],
  bits: number,
): readonly Trait[] {
  return all.filter((_, index) => (bits & (1 << index)) !== 0);
}

export function bytesOfHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import * as v from "valibot";
import type { SiteId } from "../../domain/ids.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { hexOf } from "./packed-values.ts";
import { parseContent } from "./parse-content.ts";
import { integer } from "./schema-parts.ts";
import { signatureBytes } from "./site-seal.ts";
import { decodeCbor, encodeCbor } from "./strict-cbor.ts";

/** From one site key to the next. */
export interface KeyHandOver {
  /** 1 for the first that the site ever made, each next one 1 more. */
  readonly serial: number;
  /** Ed25519, SPKI in PEM. */
  readonly next: string;
}

/** `unknown_key`: no hand-over in it leads on from the key in force. */
export interface HandOverRefusal {
  readonly reason: "too_long" | "malformed" | "invalid_content" | "unknown_key" | "altered";
  readonly detail: string;
}

/** The oldest are dropped; a controller that missed more is provisioned anew. */
export const handOversMax = 64;
export const handOversBytesMax = 16_384;

const formatVersion = 1;
const publicKeyBytes = 32;

/** A hand-over as it is sent: who takes over, the word of who hands over, and of who takes. */
interface Link {
  readonly next: Uint8Array;
  readonly given: Uint8Array;
  readonly taken: Uint8Array;
}

/**
 * The keys of a site in their order. On the wire one format byte, then CBOR [the first one's serial,
 * the key before it, [next, given, taken], ...], keys raw and signatures Ed25519. A key's serial is
 * that of the hand-over that made it the site's.
 */
interface Chain {
  readonly firstSerial: number;
  readonly firstKey: Uint8Array;
  readonly links: readonly Link[];
}

export interface HandOverToSeal {
  readonly site: SiteId;
  /** The message so far, as this function returned it. Absent: none yet. */
  readonly sealed?: Uint8Array;
  /** The private keys: the one in use, and the one to come. */
  readonly from: KeyObject;
  readonly to: KeyObject;
}

/**
 * The message to publish, with one more hand-over at its end. Throws where `sealed` is not a message
 * that ends in `from`, or has `to` in it already.
 */
export function sealHandOver({ site, sealed, from, to }: HandOverToSeal): Uint8Array {
  const previous = rawKey(from);
  const next = rawKey(to);
  const before: Chain =
    sealed === undefined ? { firstSerial: 1, firstKey: previous, links: [] } : openOwn(sealed);
  const { firstSerial, links } = before;
  if (!areEqual(links.at(-1)?.next ?? before.firstKey, previous)) {
    throw new Error("the hand-overs so far end in another key");
  }
  if (keysOf(before).some((key) => areEqual(key, next))) {
    throw new Error("the site had that key before");
  }
  const signed = signedBytes(site, { serial: firstSerial + links.length, previous, next });
  const link = {
    next,
    given: new Uint8Array(sign(null, signed, from)),
    taken: new Uint8Array(sign(null, signed, to)),
  };
  return encodeChain(withoutOldest({ ...before, links: [...links, link] }));
}

function openOwn(sealed: Uint8Array): Chain {
  const chain = decodeChain(sealed);
  if (!chain.ok) throw new Error(`the hand-overs so far: ${chain.fault.detail}`);
  return chain.value;
}

function withoutOldest(chain: Chain): Chain {
  const [oldest, ...links] = chain.links;
  return oldest === undefined || chain.links.length <= handOversMax
    ? chain
    : { firstSerial: chain.firstSerial + 1, firstKey: oldest.next, links };
}

/** What a message says, its signatures unseen: for the site, about its own. */
export function listHandOvers(
  message: Uint8Array,
): Result<readonly KeyHandOver[], HandOverRefusal> {
  const chain = decodeChain(message);
  if (!chain.ok) return chain;
  const { firstSerial, links } = chain.value;
  return succeed(
    links.map(({ next }, index) => ({ serial: firstSerial + index, next: pemOf(next) })),
  );
}

/**
 * Where the chain leads from a key that stands in it. `key` is `from` again, in canonical PEM, where
 * it ends there. What leads to `from` is believed only so far as `from` itself has signed it.
 */
export function followHandOvers(
  site: SiteId,
  from: string,
  message: Uint8Array,
): Result<{ readonly key: string; readonly serial: number }, HandOverRefusal> {
  const chain = decodeChain(message);
  if (!chain.ok) return chain;
  const { firstSerial, links } = chain.value;
  const keys = keysOf(chain.value);
  const known = rawKey(createPublicKey(from));
  const start = keys.findIndex((key) => areEqual(key, known));
  if (start < 0) return fail({ reason: "unknown_key", detail: "not of the key in force" });
  let key = known;
  for (const [index, link] of links.entries()) {
    const previous = keys[index];
    // The one that leads to `from` counts: by it anybody could give the key in force any serial.
    if (previous === undefined || index < start - 1) continue;
    const step = { serial: firstSerial + index, previous, next: link.next };
    if (!isGenuine(site, step, link)) {
      const detail = `the signatures of hand-over ${step.serial} do not match`;
      return fail({ reason: "altered", detail });
    }
    key = link.next;
  }
  return succeed({ key: pemOf(key), serial: firstSerial + links.length - 1 });
}

interface Step {
  readonly serial: number;
  readonly previous: Uint8Array;
  readonly next: Uint8Array;
}

function isGenuine(site: SiteId, step: Step, { given, taken }: Link): boolean {
  const signed = signedBytes(site, step);
  return (
    verify(null, signed, keyOf(step.previous), given) &&
    verify(null, signed, keyOf(step.next), taken)
  );
}

/** Both keys sign the same: as either is named in its place, neither's word passes for the other's. */
function signedBytes(site: SiteId, { serial, previous, next }: Step): Uint8Array {
  return Buffer.concat([
    Buffer.from(`postern/1\0key/hand-over\0${formatVersion}\0${site}\0`),
    encodeCbor([serial, previous, next]),
  ]);
}

function keysOf({ firstKey, links }: Chain): readonly Uint8Array[] {
  return [firstKey, ...links.map(({ next }) => next)];
}

function encodeChain({ firstSerial, firstKey, links }: Chain): Uint8Array {
  const packed = links.map(({ next, given, taken }) => [next, given, taken]);
  return Buffer.concat([
    Uint8Array.of(formatVersion),
    encodeCbor([firstSerial, firstKey, ...packed]),
  ]);
}

const bytesOf = (count: number) =>
  v.pipe(
    v.instance(Uint8Array),
    v.check(({ length }) => length === count, `${count} bytes`),
  );

const linkSchema = v.pipe(
  v.strictTuple([bytesOf(publicKeyBytes), bytesOf(signatureBytes), bytesOf(signatureBytes)]),
  v.transform(([next, given, taken]) => ({ next, given, taken })),
);

const chainSchema = v.pipe(
  v.strictObject({
    firstSerial: integer(1, 2 ** 32),
    firstKey: bytesOf(publicKeyBytes),
    links: v.pipe(
      v.array(linkSchema),
      v.minLength(1, "at least one"),
      v.maxLength(handOversMax, `at most ${handOversMax}`),
    ),
  }),
  v.check((chain) => {
    const keys = keysOf(chain);
    return new Set(keys.map(hexOf)).size === keys.length;
  }, "each key once"),
);

function decodeChain(message: Uint8Array): Result<Chain, HandOverRefusal> {
  if (message.length > handOversBytesMax) {
    const detail = `${message.length} bytes, at most ${handOversBytesMax}`;
    return fail({ reason: "too_long", detail });
  }
  if (message[0] !== formatVersion) {
    return fail({ reason: "malformed", detail: `expected format ${formatVersion}` });
  }
  const decoded = decodeCbor(message.subarray(1));
  if (!decoded.ok) return fail({ reason: "malformed", detail: decoded.fault });
  if (!Array.isArray(decoded.value))
    return fail({ reason: "malformed", detail: "expected a list" });
  const [firstSerial, firstKey, ...links] = decoded.value as readonly unknown[];
  return parseContent(chainSchema, { firstSerial, firstKey, links });
}

function rawKey(key: KeyObject): Uint8Array {
  const { x } = createPublicHalf(key).export({ format: "jwk" });
  if (x === undefined) throw new Error("not an Ed25519 key");
  return new Uint8Array(Buffer.from(x, "base64url"));
}

const createPublicHalf = (key: KeyObject): KeyObject =>
  key.type === "private" ? createPublicKey(key) : key;

function keyOf(raw: Uint8Array): KeyObject {
  const x = Buffer.from(raw).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

function pemOf(raw: Uint8Array): string {
  return String(keyOf(raw).export({ type: "spki", format: "pem" }));
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

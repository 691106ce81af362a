import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync } from "node:crypto";
import { purposeLabel } from "./version.ts";

const keyBytes = 32;
const tagBytes = 16;
const nonceBytes = 12;
const cipherName = "aes-256-gcm";

export type Direction = "to_reader" | "to_phone";

/**
 * What both ends have in common once each has the other's ephemeral key. `transcript` is a hash over
 * all that was said so far, in order; it goes into every message, signature and MAC.
 */
export interface Channel {
  readonly transcript: Uint8Array;
  readonly keys: Readonly<Record<Direction, Uint8Array>>;
  readonly resumptionSecret: Uint8Array;
  /** How many messages were sealed under each key: the next one's nonce. */
  readonly counts: Readonly<Record<Direction, number>>;
}

/** `opening`: the first message of the phone up to what is encrypted. `agreed`: x of ECDH, 32 bytes. */
export function openChannel({
  hello,
  opening,
  agreed,
}: {
  readonly hello: Uint8Array;
  readonly opening: Uint8Array;
  readonly agreed: Uint8Array;
}): Channel {
  const helloCount = Uint8Array.of(hello.length >> 8, hello.length & 0xff);
  const transcript = hashOf(purposeLabel("transcript"), helloCount, hello, opening);
  const material = new Uint8Array(
    hkdfSync("sha256", agreed, transcript, purposeLabel("keys"), 3 * keyBytes),
  );
  return {
    transcript,
    keys: {
      to_reader: material.subarray(0, keyBytes),
      to_phone: material.subarray(keyBytes, 2 * keyBytes),
    },
    resumptionSecret: material.subarray(2 * keyBytes),
    counts: { to_reader: 0, to_phone: 0 },
  };
}

/** `box` is 16 bytes longer than `plain`. */
export function seal(
  channel: Channel,
  direction: Direction,
  plain: Uint8Array,
): { readonly channel: Channel; readonly box: Uint8Array } {
  const cipher = createCipheriv(cipherName, channel.keys[direction], nonceFor(channel, direction));
  cipher.setAAD(channel.transcript);
  const box = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return { channel: after(channel, direction, box), box };
}

/** Undefined where `box` is not the next message that the other end sealed. */
export function unseal(
  channel: Channel,
  direction: Direction,
  box: Uint8Array,
): { readonly channel: Channel; readonly plain: Uint8Array } | undefined {
  if (box.length < tagBytes) return undefined;
  const bodyBytes = box.length - tagBytes;
  const decipher = createDecipheriv(
    cipherName,
    channel.keys[direction],
    nonceFor(channel, direction),
    { authTagLength: tagBytes },
  );
  decipher.setAAD(channel.transcript);
  decipher.setAuthTag(box.subarray(bodyBytes));
  const plain = decipher.update(box.subarray(0, bodyBytes));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return { channel: after(channel, direction, box), plain };
}

export const sealedBytes = (plainBytes: number): number => plainBytes + tagBytes;

/** The key of the next fast form, of a session that ended granted. */
export function resumptionKeyOf({ resumptionSecret, transcript }: Channel): Uint8Array {
  return createHmac("sha256", resumptionSecret)
    .update(purposeLabel("resumption"))
    .update(transcript)
    .digest();
}

function nonceFor({ counts }: Channel, direction: Direction): Uint8Array {
  const nonce = Buffer.alloc(nonceBytes);
  nonce.writeUInt32BE(counts[direction], nonceBytes - 4);
  return nonce;
}

function after(channel: Channel, direction: Direction, box: Uint8Array): Channel {
  const { counts, transcript } = channel;
  return {
    ...channel,
    transcript: hashOf(transcript, box),
    counts: { ...counts, [direction]: counts[direction] + 1 },
  };
}

function hashOf(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

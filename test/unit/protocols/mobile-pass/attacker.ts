import { type KeyObject, randomBytes } from "node:crypto";
import { readerId } from "../../../../src/domain/ids.ts";
import {
  type Channel,
  openChannel,
  seal,
  unseal,
} from "../../../../src/protocols/mobile-pass/channel.ts";
import { splitFrames } from "../../../../src/protocols/mobile-pass/frames.ts";
import { encodeHello } from "../../../../src/protocols/mobile-pass/hello.ts";
import { type EphemeralKey, ephemeralKeyFrom } from "../../../../src/protocols/mobile-pass/p256.ts";

const openingBytes = 34;

export const joined = (frames: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat(frames.map((frame) => frame.subarray(1)));

/** A hello by whoever has this certificate and this key. */
export function helloBy(certificate: Uint8Array, controllerKey: KeyObject) {
  const ephemeral = ephemeralKeyFrom(randomBytes(48));
  const bytes = encodeHello({
    certificate,
    reader: readerId("front"),
    nonce: randomBytes(16),
    ephemeral: ephemeral.point,
    controllerKey,
  });
  return { bytes, ephemeral };
}

/** What a phone said, to who has the ephemeral key of the hello that it answers. */
export function overhear(
  hello: { readonly bytes: Uint8Array; readonly ephemeral: Pick<EphemeralKey, "agree"> },
  frames: readonly Uint8Array[],
): { readonly channel: Channel; readonly plain: Uint8Array } | undefined {
  const message = joined(frames);
  const opening = message.subarray(0, openingBytes);
  const agreed = hello.ephemeral.agree(opening.subarray(1));
  if (agreed === undefined) return undefined;
  const channel = openChannel({ hello: hello.bytes, opening, agreed });
  return unseal(channel, "to_reader", message.subarray(openingBytes));
}

/** Frames by which somebody answers a hello with what he likes, properly encrypted. */
export function speakTo(
  hello: Uint8Array,
  say: (channel: Channel) => Uint8Array,
): { readonly frames: readonly Uint8Array[]; readonly channel: Channel } {
  const ours = ephemeralKeyFrom(randomBytes(48));
  const opening = Buffer.concat([Uint8Array.of(1), ours.point]);
  const agreed = ours.agree(ephemeralOf(hello));
  if (agreed === undefined) throw new Error("no point");
  const channel = openChannel({ hello, opening, agreed });
  const sealed = seal(channel, "to_reader", say(channel));
  const frames = splitFrames(Buffer.concat([opening, sealed.box]), 20);
  return { frames, channel: sealed.channel };
}

/** The reader's ephemeral key, in clear in every hello. */
export function ephemeralOf(hello: Uint8Array): Uint8Array {
  return hello.subarray(hello.length - 64 - 33, hello.length - 64);
}

/** The nonce, before it. */
export function nonceOf(hello: Uint8Array): Uint8Array {
  return hello.subarray(hello.length - 64 - 33 - 16, hello.length - 64 - 33);
}

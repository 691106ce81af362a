/** Bits 7-6 of a frame's header: the version of the framing. */
const framing = 0b0100_0000;
const framingMask = 0b1100_0000;
const firstBit = 0b0010_0000;
const lastBit = 0b0001_0000;
const sequenceMask = 0b0000_1111;
const headerBytes = 1;

/** Far above what anybody has to say (149 bytes), and all that a session holds in memory. */
export const messageBytesMax = 256;

/** What MTU 23 and MTU 512 leave for a frame (Bluetooth Core, Vol 3, Part F, 3.4.5.1 and 3.4.7.1). */
export const frameBytesLeast = 20;
export const frameBytesMost = 509;

/** A `frameBytesMax` outside of 20 to 509 is taken for the nearest of them, what is no number for 20. */
export function splitFrames(message: Uint8Array, frameBytesMax: number): readonly Uint8Array[] {
  const isSize = frameBytesMax >= frameBytesLeast;
  const frameBytes = isSize ? Math.min(Math.floor(frameBytesMax), frameBytesMost) : frameBytesLeast;
  const partBytes = frameBytes - headerBytes;
  const frames: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += partBytes) {
    const isLast = at + partBytes >= message.length;
    const header =
      framing | (at === 0 ? firstBit : 0) | (isLast ? lastBit : 0) | (frames.length & sequenceMask);
    frames.push(Buffer.concat([Uint8Array.of(header), message.subarray(at, at + partBytes)]));
  }
  return frames;
}

/** A message of which frames are here. */
export interface FrameAssembly {
  readonly frameCount: number;
  readonly parts: readonly Uint8Array[];
  readonly byteCount: number;
}

export const noFrames: FrameAssembly = { frameCount: 0, parts: [], byteCount: 0 };

export type FrameStep =
  | { readonly kind: "incomplete"; readonly assembly: FrameAssembly }
  | { readonly kind: "complete"; readonly message: Uint8Array }
  /** Nothing can be made of this message any more: a link loses, repeats and reorders nothing. */
  | { readonly kind: "malformed" };

export function takeFrame(assembly: FrameAssembly, frame: Uint8Array): FrameStep {
  const header = frame[0] ?? 0;
  const part = frame.subarray(headerBytes);
  const byteCount = assembly.byteCount + part.length;
  if ((header & framingMask) !== framing || part.length === 0 || byteCount > messageBytesMax) {
    return { kind: "malformed" };
  }
  const isFirst = (header & firstBit) !== 0;
  if (isFirst !== (assembly.frameCount === 0)) return { kind: "malformed" };
  if ((header & sequenceMask) !== (assembly.frameCount & sequenceMask)) {
    return { kind: "malformed" };
  }
  // A copy: whose memory a radio's driver gave us, it may use again.
  const parts = [...assembly.parts, new Uint8Array(part)];
  return (header & lastBit) === 0
    ? { kind: "incomplete", assembly: { frameCount: parts.length, parts, byteCount } }
    : { kind: "complete", message: Buffer.concat(parts) };
}

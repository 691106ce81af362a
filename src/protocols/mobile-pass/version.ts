/** The version of everything that reader and phone say to each other; see README.md. */
export const protocolVersion = 1;

/** So many bytes, never the same twice, that nobody can guess. */
export type Entropy = (byteCount: number) => Uint8Array;

/** What every hash, signature and MAC of the protocol begins with: none passes for another's. */
export function purposeLabel(purpose: string): Uint8Array {
  return Buffer.from(`postern/mobile-pass/1\0${purpose}\0`, "ascii");
}

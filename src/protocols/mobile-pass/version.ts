/** The version of everything that reader and phone say to each other; see README.md. */
export const protocolVersion = 1;

/** What every hash, signature and MAC of this protocol begins with, so that none passes for another's. */
export const protocolLabel = "postern/mobile-pass/1";

/** So many bytes, never the same twice, that nobody can guess. */
export type Entropy = (byteCount: number) => Uint8Array;

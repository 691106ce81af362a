export interface TarEntry {
  /** Of ASCII, at most 100 bytes, as `postern/status.json`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const blockBytes = 512;
/** Octal, readable and writable by who unpacks it. */
const mode = "0000600";

/** POSIX ustar (IEEE Std 1003.1, pax, "ustar Interchange Format"): plain files of nobody in particular. */
export function tarFile(entries: readonly TarEntry[], modifiedMs: number): Uint8Array {
  const parts = entries.flatMap(({ name, bytes }) => [
    header(name, bytes.length, modifiedMs),
    bytes,
    new Uint8Array((blockBytes - (bytes.length % blockBytes)) % blockBytes),
  ]);
  // Two empty blocks end an archive.
  return Buffer.concat([...parts, new Uint8Array(2 * blockBytes)]);
}

function header(name: string, byteCount: number, modifiedMs: number): Uint8Array {
  const block = Buffer.alloc(blockBytes);
  const write = (text: string, at: number) => block.write(text, at, "ascii");
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  if (name.length > 100) throw new Error(`too long for an archive: ${name}`);
  write(name, 0);
  write(mode, 100);
  write(octal(0, 7), 108);
  write(octal(0, 7), 116);
  write(octal(byteCount, 11), 124);
  write(octal(Math.floor(modifiedMs / 1_000), 11), 136);
  // The sum is taken with blanks where it will stand.
  write("        ", 148);
  write("0", 156);
  write("ustar\u000000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  write(`${octal(sum, 6)}\u0000 `, 148);
  return block;
}

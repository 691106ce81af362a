/** The narrowest array that can hold numbers from 0 to `most`: zeros at first. */
export function indexArray(length: number, most: number): Uint8Array | Uint16Array | Uint32Array {
  if (most <= 0xff) return new Uint8Array(length);
  if (most <= 0xffff) return new Uint16Array(length);
  return new Uint32Array(length);
}

export type IndexArray = Uint8Array | Uint16Array | Uint32Array;

/** The narrowest array that can hold numbers from 0 to `most`: zeros at first. */
export function indexArray(length: number, most: number): IndexArray {
  if (most <= 0xff) return new Uint8Array(length);
  if (most <= 0xffff) return new Uint16Array(length);
  return new Uint32Array(length);
}

/** `length` numbers over these bytes, whose count tells how wide each is. Throws where none fits. */
export function indexArrayOver(bytes: Uint8Array, length: number): IndexArray {
  const { buffer, byteOffset } = bytes;
  switch (bytes.length) {
    case length:
      return bytes;
    case length * 2:
      return new Uint16Array(buffer, byteOffset, length);
    case length * 4:
      return new Uint32Array(buffer, byteOffset, length);
    default:
      throw new RangeError(`${bytes.length} bytes for ${length} numbers`);
  }
}

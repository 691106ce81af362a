import type { TableMark } from "../domain/table-change.ts";

/** Epoch and version as 8 bytes each, tag as 4, little-endian. */
export const tableMarkBytes = 20;

export function encodeTableMark({ epoch, version, tag }: TableMark): Buffer {
  const bytes = Buffer.alloc(tableMarkBytes);
  bytes.writeBigUInt64LE(BigInt(epoch), 0);
  bytes.writeBigUInt64LE(BigInt(version), 8);
  bytes.writeUInt32LE(tag, 16);
  return bytes;
}

/** For bytes that a checksum has vouched for. */
export function decodeTableMark(bytes: Uint8Array): TableMark {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, tableMarkBytes);
  return {
    epoch: Number(view.readBigUInt64LE(0)),
    version: Number(view.readBigUInt64LE(8)),
    tag: view.readUInt32LE(16),
  };
}

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What stands in the folder that prepare-postern.ts makes and postern-table.ts loads. */
export const posternFiles = {
  provision: "provision.json",
  /** The store's own folder, as at a controller. */
  store: "table",
  /** The changes of changes.ts as the site would send them, one after the other with their lengths. */
  deltas: "deltas",
} as const;

const lengthBytes = 4;

export function writeMessages(folder: string, messages: readonly Uint8Array[]): void {
  const parts = messages.flatMap((message) => {
    const length = Buffer.alloc(lengthBytes);
    length.writeUInt32LE(message.length);
    return [length, message];
  });
  writeFileSync(join(folder, posternFiles.deltas), Buffer.concat(parts));
}

export function readMessages(folder: string, count: number): readonly Uint8Array[] {
  const bytes = readFileSync(join(folder, posternFiles.deltas));
  const messages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length && messages.length < count; ) {
    const startsAt = at + lengthBytes;
    at = startsAt + bytes.readUInt32LE(at);
    // Its own copy, as one from a broker is.
    messages.push(new Uint8Array(bytes.subarray(startsAt, at)));
  }
  return messages;
}

import { isId } from "../../domain/ids.ts";
import { GrowingBytes } from "./growing-bytes.ts";
import { entriesPerBlock, idCharsMax, packedFlag } from "./id-column.ts";
import { packUuid } from "./packed-uuid.ts";

/** Writes what `IdColumn` reads, one identifier after the other in the order of their numbers. */
export class IdColumnWriter {
  private readonly bytes = new GrowingBytes();
  private readonly blockStarts: Uint32Array;
  private readonly spelling = new Uint8Array(idCharsMax);
  private count = 0;
  private head: Uint8Array = new Uint8Array(0);
  private isHeadPacked = false;

  constructor(count: number) {
    this.blockStarts = new Uint32Array(Math.ceil(count / entriesPerBlock));
  }

  add(id: string): void {
    if (!isId(id)) throw new Error(`an identifier that is none: ${JSON.stringify(id)}`);
    const packed = packUuid(id);
    const stored = packed ?? this.characters(id);
    const isHead = this.count % entriesPerBlock === 0;
    let shared = 0;
    if (isHead) {
      this.blockStarts[this.count / entriesPerBlock] = this.bytes.length;
      this.head = stored.slice();
      this.isHeadPacked = packed !== undefined;
    } else if (this.isHeadPacked === (packed !== undefined)) {
      shared = sharedPrefix(this.head, stored);
    }
    this.bytes.push(shared);
    this.bytes.push((stored.length - shared) | (packed === undefined ? 0 : packedFlag));
    this.bytes.append(stored.subarray(shared));
    this.count += 1;
  }

  finish(): { readonly bytes: Uint8Array; readonly blockStarts: Uint32Array } {
    return { bytes: this.bytes.written(), blockStarts: this.blockStarts };
  }

  private characters(id: string): Uint8Array {
    for (let at = 0; at < id.length; at += 1) this.spelling[at] = id.charCodeAt(at);
    return this.spelling.subarray(0, id.length);
  }
}

function sharedPrefix(left: Uint8Array, right: Uint8Array): number {
  const most = Math.min(left.length, right.length);
  let shared = 0;
  while (shared < most && left[shared] === right[shared]) shared += 1;
  return shared;
}

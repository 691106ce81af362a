import { type KeyKind, keyDataBytes, keyKindCount } from "./credential-key.ts";
import { type HashKey, keyedHash } from "./keyed-hash.ts";

/** Full enough to be compact, empty enough that a search ends within one or two cache lines. */
const slotsPerKey = 4 / 3;
const slotCountMin = 8;

/**
 * From a credential's key to its number: open addressing over a keyed hash, in two typed arrays and
 * nothing that the garbage collector walks.
 *
 * Keys are numbered so that those of one kind stand together. A slot holds `number + 1` in its low
 * bits and, in the bits that leaves, a tag from the hash, so that a search rarely touches a key that
 * is not the one. The tag only saves time: what decides is the comparison of the whole key, so two
 * cards whose hashes are equal stay two cards.
 */
export class CredentialIndex {
  readonly count: number;
  private readonly hashKey: HashKey;
  private readonly slots: Uint32Array;
  private readonly numberBits: number;
  private readonly keys: Uint8Array;
  /** By kind: the first number, the number after the last, where in `keys` the first key stands. */
  private readonly firstOfKind = new Uint32Array(keyKindCount);
  private readonly endOfKind = new Uint32Array(keyKindCount);
  private readonly keysOfKind = new Float64Array(keyKindCount);

  /** `countOfKind[kind]` keys of each kind must then be added. */
  constructor(hashKey: HashKey, countOfKind: Uint32Array) {
    this.hashKey = hashKey;
    let count = 0;
    let keyBytes = 0;
    for (let kind = 0; kind < keyKindCount; kind += 1) {
      const ofKind = countOfKind[kind] ?? 0;
      this.firstOfKind[kind] = count;
      this.endOfKind[kind] = count;
      this.keysOfKind[kind] = keyBytes;
      count += ofKind;
      keyBytes += ofKind * keyDataBytes(kind);
    }
    this.count = count;
    this.numberBits = Math.max(1, 32 - Math.clz32(count));
    this.keys = new Uint8Array(keyBytes);
    this.slots = new Uint32Array(Math.max(slotCountMin, Math.ceil(count * slotsPerKey)));
  }

  /** The number that the key got. `found` is the number of an equal key that was there before. */
  add(kind: KeyKind, key: Uint8Array): { readonly number: number; readonly found: number } {
    const found = this.find(kind, key);
    const number = this.endOfKind[kind] ?? 0;
    if (found >= 0) return { number, found };
    this.endOfKind[kind] = number + 1;
    const dataBytes = keyDataBytes(kind);
    this.keys.set(key.subarray(1, 1 + dataBytes), this.keyAt(kind, number, dataBytes));

    const hash = keyedHash(this.hashKey, key, 1 + dataBytes);
    let slot = this.homeOf(hash);
    while (this.slots[slot] !== 0) slot = slot + 1 === this.slots.length ? 0 : slot + 1;
    this.slots[slot] = (hash << this.numberBits) | (number + 1);
    return { number, found };
  }

  /** The key's number, or -1. */
  find(kind: KeyKind, key: Uint8Array): number {
    const dataBytes = keyDataBytes(kind);
    const hash = keyedHash(this.hashKey, key, 1 + dataBytes);
    const first = this.firstOfKind[kind] ?? 0;
    const end = this.endOfKind[kind] ?? 0;
    const tag = hash << this.numberBits;
    const numberMask = (1 << this.numberBits) - 1;
    const slots = this.slots;
    let slot = this.homeOf(hash);
    for (;;) {
      const entry = slots[slot] ?? 0;
      if (entry === 0) return -1;
      if ((entry ^ tag) >>> this.numberBits === 0) {
        const number = (entry & numberMask) - 1;
        // A number outside its kind's range is a key of another length.
        if (number >= first && number < end && this.holds(kind, number, dataBytes, key)) {
          return number;
        }
      }
      slot = slot + 1 === slots.length ? 0 : slot + 1;
    }
  }

  /** Scales the hash to the slots by its high bits, so that the tag can be its low ones. */
  private homeOf(hash: number): number {
    return Math.floor((hash / 0x1_0000_0000) * this.slots.length);
  }

  private keyAt(kind: KeyKind, number: number, dataBytes: number): number {
    return (this.keysOfKind[kind] ?? 0) + (number - (this.firstOfKind[kind] ?? 0)) * dataBytes;
  }

  private holds(kind: KeyKind, number: number, dataBytes: number, key: Uint8Array): boolean {
    const at = this.keyAt(kind, number, dataBytes);
    for (let index = 0; index < dataBytes; index += 1) {
      if (this.keys[at + index] !== key[1 + index]) return false;
    }
    return true;
  }
}

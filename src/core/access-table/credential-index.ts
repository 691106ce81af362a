import { type KeyKind, keyDataBytes, keyKindCount, newKeyBuffer } from "./credential-key.ts";
import { type HashKey, keyedHash } from "./keyed-hash.ts";

/** Full enough to be compact, empty enough that a search ends within one or two cache lines. */
const slotsPerKey = 4 / 3;
const slotCountMin = 8;

/** Always more than there are keys, so that a search comes to an end. */
export function slotCountFor(keyCount: number): number {
  return Math.max(slotCountMin, Math.ceil(keyCount * slotsPerKey));
}

export interface KeyColumns {
  readonly hashKey: HashKey;
  /** How many keys of each kind there are: those of one kind stand together, kinds in order. */
  readonly kindCounts: Uint32Array;
  /** All keys' data, by number. */
  readonly keys: Uint8Array;
  /** `slotCountFor` of them. */
  readonly slots: Uint32Array;
}

/**
 * From a credential's key to its number: open addressing over a keyed hash, in two typed arrays and
 * nothing that the garbage collector walks.
 *
 * A slot holds `number + 1` in its low bits and, in the bits that leaves, a tag from the hash, so that
 * a search rarely touches a key that is not the one. The tag only saves time: what decides is the
 * comparison of the whole key, so two cards whose hashes are equal stay two cards.
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

  constructor({ hashKey, kindCounts, keys, slots }: KeyColumns) {
    this.hashKey = hashKey;
    this.keys = keys;
    this.slots = slots;
    let count = 0;
    let keyBytes = 0;
    for (let kind = 0; kind < keyKindCount; kind += 1) {
      this.firstOfKind[kind] = count;
      this.keysOfKind[kind] = keyBytes;
      count += kindCounts[kind] ?? 0;
      keyBytes += (kindCounts[kind] ?? 0) * keyDataBytes(kind);
      this.endOfKind[kind] = count;
    }
    this.count = count;
    this.numberBits = Math.max(1, 32 - Math.clz32(count));
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

  /** The numbers of the keys of this kind: from `first` to before `end`. */
  rangeOf(kind: KeyKind): { readonly first: number; readonly end: number } {
    return { first: this.firstOfKind[kind] ?? 0, end: this.endOfKind[kind] ?? 0 };
  }

  /** Writes the key over `into`. */
  read(kind: KeyKind, number: number, into: Uint8Array): void {
    const dataBytes = keyDataBytes(kind);
    const at = this.keyAt(kind, number, dataBytes);
    into[0] = kind;
    into.set(this.keys.subarray(at, at + dataBytes), 1);
  }

  /** Of a key that has no slot yet. */
  place(kind: KeyKind, number: number, key: Uint8Array): void {
    const hash = keyedHash(this.hashKey, key, 1 + keyDataBytes(kind));
    let slot = this.homeOf(hash);
    while (this.slots[slot] !== 0) slot = slot + 1 === this.slots.length ? 0 : slot + 1;
    this.slots[slot] = (hash << this.numberBits) | (number + 1);
  }

  /** The number that stands in a slot, or -1 in one that is empty. */
  numberIn(slot: number): number {
    return ((this.slots[slot] ?? 0) & ((1 << this.numberBits) - 1)) - 1;
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

/** The slots of these keys. `onTwice` hears of two numbers that have one key, and does not return. */
export function fillSlots(
  columns: Omit<KeyColumns, "slots">,
  onTwice: (one: number, other: number) => never,
): Uint32Array {
  const keyCount = columns.kindCounts.reduce((sum, count) => sum + count, 0);
  const slots = new Uint32Array(slotCountFor(keyCount));
  const index = new CredentialIndex({ ...columns, slots });
  const key = newKeyBuffer();
  for (let kind = 0; kind < keyKindCount; kind += 1) {
    const { first, end } = index.rangeOf(kind);
    for (let number = first; number < end; number += 1) {
      index.read(kind, number, key);
      const found = index.find(kind, key);
      if (found >= 0) onTwice(found, number);
      index.place(kind, number, key);
    }
  }
  return slots;
}

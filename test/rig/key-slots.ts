import type { ReaderWiring } from "../../hal/board-profile.ts";
import type { Key } from "../../hal/reader.ts";
import { encodeKey } from "../../src/protocols/keypad/key-burst.ts";

/** What a keypad puts on its wires for each key. Throws for a reader that sends no key by itself. */
export function keySlots({ id, keypad }: ReaderWiring, keys: string): readonly string[] {
  if (keypad === "none" || keypad === "pin_26")
    throw new Error(`reader ${id} sends no single keys`);
  const isKey = (key: string): key is Key => /^[0-9*#]$/.test(key);
  return [...keys].map((key) => {
    if (!isKey(key)) throw new Error(`${key} is no key`);
    return encodeKey(keypad, key);
  });
}

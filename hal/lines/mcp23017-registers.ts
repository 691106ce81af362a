/**
 * The registers of an MCP23017, by the address of port A's; port B's is the next one. Where a function
 * here speaks of a word, its low byte is port A and bit 0 is A0. Source: Microchip DS20001952, table 3-3
 * (IOCON.BANK = 0).
 */
export const registers = {
  /** 1 is an input. */
  direction: 0x00,
  interruptEnable: 0x04,
  configuration: 0x0a,
  pullUp: 0x0c,
  interruptFlags: 0x0e,
  latch: 0x14,
} as const;

/** From `direction` to the latch of port B. */
export const registerCount = 0x16;

/** Flags, captured levels and levels of both ports, in one piece. */
export const inputRegisterCount = 6;

export interface ChipInputs {
  /** Lines that moved since they were last read. */
  readonly flags: number;
  /** Levels when the first of them moved. Means nothing for the others. */
  readonly captured: number;
  readonly levels: number;
}

export const wordBytes = (word: number): Uint8Array =>
  Uint8Array.of(word & 0xff, (word >> 8) & 0xff);

export const wordAt = (bytes: Uint8Array, index: number): number =>
  (bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8);

/** From `registers.interruptFlags` on. */
export function inputsFrom(bytes: Uint8Array): ChipInputs {
  return { flags: wordAt(bytes, 0), captured: wordAt(bytes, 2), levels: wordAt(bytes, 4) };
}

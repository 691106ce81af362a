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

/**
 * Either interrupt pin tells of both ports (MIRROR) and only ever pulls low (ODR): the pin of a chip that
 * runs on 5 V must not drive a board's line of 3.3 V. Low addresses count up by themselves (SEQOP = 0).
 */
const configuration = 0x44;

/** Where IOCON is in the other bank: there, 0 brings the chip back; here it is GPINTENB. */
export const otherBankConfiguration = 0x05;

/** What we want of the chip, as words. */
export interface ChipSettings {
  readonly direction: number;
  readonly pullUp: number;
  readonly interruptEnable: number;
  readonly latch: number;
}

/** As it is when its power comes. */
export const chipAtPowerOn: ChipSettings = {
  direction: 0xffff,
  pullUp: 0,
  interruptEnable: 0,
  latch: 0,
};

export interface ChipInputs {
  /** Lines that moved since they were last read. */
  readonly flags: number;
  /** Levels when the first of them moved. Means nothing for the others. */
  readonly captured: number;
  readonly levels: number;
}

export const wordBytes = (word: number): Uint8Array =>
  Uint8Array.of(word & 0xff, (word >> 8) & 0xff);

const wordAt = (bytes: Uint8Array, index: number): number =>
  (bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8);

/** From `registers.interruptFlags` on. */
export function inputsFrom(bytes: Uint8Array): ChipInputs {
  return { flags: wordAt(bytes, 0), captured: wordAt(bytes, 2), levels: wordAt(bytes, 4) };
}

/** All registers, as far as they are set and not found. */
export function settingsFrom(bytes: Uint8Array): ChipSettings {
  return {
    direction: wordAt(bytes, registers.direction),
    pullUp: wordAt(bytes, registers.pullUp),
    interruptEnable: wordAt(bytes, registers.interruptEnable),
    latch: wordAt(bytes, registers.latch),
  };
}

/** Whether a chip whose registers are `bytes` is one that was set so, by us. */
export function isSetAs(settings: ChipSettings, bytes: Uint8Array): boolean {
  const { direction, pullUp, interruptEnable, latch } = settingsFrom(bytes);
  return (
    direction === settings.direction &&
    pullUp === settings.pullUp &&
    interruptEnable === settings.interruptEnable &&
    latch === settings.latch &&
    (bytes[registers.configuration] ?? 0) === configuration
  );
}

/**
 * What is written, and in which order, to set a chip that may be in any state: addresses count up first,
 * and an output has its level before it becomes one.
 */
export function settingWrites(
  settings: ChipSettings,
): readonly { readonly first: number; readonly values: Uint8Array }[] {
  const { direction, pullUp, interruptEnable, latch } = settings;
  const plain = [0, 0];
  return [
    { first: otherBankConfiguration, values: Uint8Array.of(0) },
    { first: registers.configuration, values: Uint8Array.of(configuration) },
    { first: registers.latch, values: wordBytes(latch) },
    {
      first: registers.direction,
      values: Uint8Array.of(
        ...wordBytes(direction),
        // Levels as they are, and an interrupt at each change: IPOL, then DEFVAL and INTCON.
        ...plain,
        ...wordBytes(interruptEnable),
        ...[...plain, ...plain],
        ...[configuration, configuration],
        ...wordBytes(pullUp),
      ),
    },
  ];
}

import { HalError } from "../../src/domain/hal-error.ts";
import type { I2cDevice } from "../i2c.ts";
import { registerCount, registers, wordAt, wordBytes } from "./mcp23017-registers.ts";

/**
 * Either interrupt pin tells of both ports (MIRROR) and only ever pulls low (ODR): the pin of a chip that
 * runs on 5 V must not drive a board's line of 3.3 V. Low addresses count up by themselves (SEQOP = 0).
 */
const configuration = 0x44;

/** Where IOCON is in the other bank: there, 0 brings the chip back; here it is GPINTENB. */
const otherBankConfiguration = 0x05;

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

/** All registers, as far as they are set and not found. */
function settingsFrom(bytes: Uint8Array): ChipSettings {
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
function settingWrites(
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

/**
 * Sets a chip that may be in any state, and looks whether it took it: whatever else answers at its address
 * did not. Returns all of its registers. Throws `HalError`.
 */
export function setChip(device: I2cDevice, settings: ChipSettings): Uint8Array {
  for (const { first, values } of settingWrites(settings)) device.writeRegisters(first, values);
  const bytes = device.readRegisters(0, registerCount);
  if (isSetAs(settings, bytes)) return bytes;
  throw new HalError("io", "what is written to it is not what it has");
}

/** Of a chip that is set: outputs have their level before they are ones. Throws `HalError`. */
export function changeChip(device: I2cDevice, wanted: Partial<ChipSettings>): void {
  for (const part of ["latch", "pullUp", "direction", "interruptEnable"] as const) {
    const word = wanted[part];
    if (word !== undefined) device.writeRegisters(registers[part], wordBytes(word));
  }
}

/**
 * Our settings of the lines of `ours`, with the others as the chip has them now: a maglock that an earlier
 * process held is not let go for the moment until its door is opened. Throws `HalError`.
 */
export function adoptChip(device: I2cDevice, settings: ChipSettings, ours: number): ChipSettings {
  for (const first of [otherBankConfiguration, registers.configuration]) {
    device.writeRegisters(first, Uint8Array.of(0));
  }
  const found = settingsFrom(device.readRegisters(0, registerCount));
  const mixed = (own: number, other: number) => (own & ours) | (other & ~ours & 0xffff);
  return {
    ...settings,
    direction: mixed(settings.direction, found.direction),
    latch: mixed(settings.latch, found.latch),
  };
}

import { HalError } from "../../../src/domain/hal-error.ts";
import { type EpochMs, epochMs } from "../../../src/domain/time.ts";
import type { ClockChip, ClockChipReading } from "../../clock-chip.ts";
import type { I2cDevice } from "../../i2c.ts";

// Maxim 19-5170, figure 1. Two decimal digits to a byte, the day of the week counting from 1.
const secondsRegister = 0x00;
const controlRegister = 0x0e;
const statusRegister = 0x0f;
const registerCount = 0x10;

/** In the hours: twelve of them and an afternoon. */
const twelveHours = 0x40;
const afternoon = 0x20;
/** In the month: a hundred years have passed. */
const century = 0x80;
/** In the control register: the oscillator stops on the battery. */
const oscillatorOff = 0x80;
/** In the status register: the oscillator has been stopped, since the chip was set. */
const oscillatorStopped = 0x80;

const firstYear = 2000;
const firstAt = Date.UTC(firstYear, 0, 1);
/** Beyond what two digits and a century can say. */
const endAt = Date.UTC(firstYear + 200, 0, 1);

/**
 * A DS3231 that keeps UTC, as Linux's own driver would set it: which is why either can read what the other
 * wrote. Not both at once: a chip that the kernel holds (`dtoverlay=i2c-rtc`) is `in_use`.
 *
 * It drifts by 2 ppm, a minute in a year. It does *not* notice that somebody set it to a wrong time.
 */
export function openDs3231(device: I2cDevice): ClockChip {
  return {
    read: () => readingOf(device.readRegisters(secondsRegister, registerCount)),
    set: (at) => set(device, at),
    close: () => device.close(),
  };
}

/** Throws `HalError` `io` for registers that are no time. */
function readingOf(registers: Uint8Array): ClockChipReading {
  const byte = (index: number) => registers[index] ?? 0;
  const decimal = (index: number, mask: number) => digits(byte(index) & mask);
  const year = firstYear + digits(byte(6)) + ((byte(5) & century) === 0 ? 0 : 100);
  const month = decimal(5, 0x1f);
  const day = decimal(4, 0x3f);
  const hour = hourOf(byte(2));
  const minute = decimal(1, 0x7f);
  const second = decimal(0, 0x7f);
  const at = Date.UTC(year, month - 1, day, hour, minute, second);
  // Impossible dates would roll over into other days: 31 February is no 3 March.
  const date = new Date(at);
  const isDate = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isDate || !(hour < 24 && minute < 60 && second < 60)) {
    const shown = [...registers.subarray(0, 7)].map((value) => value.toString(16).padStart(2, "0"));
    throw new HalError("io", `the clock chip says no time: ${shown.join(" ")}`);
  }
  return { at: epochMs(at), kept: (byte(statusRegister) & oscillatorStopped) === 0 };
}

function set(device: I2cDevice, at: EpochMs): void {
  const rounded = Math.round(at / 1_000) * 1_000;
  if (!(rounded >= firstAt && rounded < endAt)) {
    throw new HalError("not_supported", "a clock chip keeps the years 2000 to 2199");
  }
  const date = new Date(rounded);
  const years = date.getUTCFullYear() - firstYear;
  const month = bcd(date.getUTCMonth() + 1) | (years >= 100 ? century : 0);
  const [control = 0, status = 0] = device.readRegisters(controlRegister, 2);
  // In one piece, so that no carry comes in between. The seconds begin anew with it.
  device.writeRegisters(
    secondsRegister,
    Uint8Array.of(
      bcd(date.getUTCSeconds()),
      bcd(date.getUTCMinutes()),
      bcd(date.getUTCHours()),
      date.getUTCDay() + 1,
      bcd(date.getUTCDate()),
      month,
      bcd(years % 100),
    ),
  );
  device.writeRegisters(controlRegister, Uint8Array.of(control & ~oscillatorOff));
  // Last: before the time is in the chip, it must not say that it kept it.
  device.writeRegisters(statusRegister, Uint8Array.of(status & ~oscillatorStopped));
}

function hourOf(byte: number): number {
  if ((byte & twelveHours) === 0) return digits(byte & 0x3f);
  const hour = digits(byte & 0x1f);
  if (hour < 1 || hour > 12) return Number.NaN;
  return (hour % 12) + ((byte & afternoon) === 0 ? 0 : 12);
}

/** NaN for what are no two decimal digits. */
function digits(byte: number): number {
  const [tens, units] = [byte >> 4, byte & 0x0f];
  return tens > 9 || units > 9 ? Number.NaN : tens * 10 + units;
}

const bcd = (value: number): number => (Math.floor(value / 10) << 4) | (value % 10);

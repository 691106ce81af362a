import type { ClockRecord } from "../core/clock-trust.ts";
import { epochMs, monotonicMs, writableEpochMs } from "../domain/time.ts";
import { openRegisterFile, type RegisterFile } from "./register-file.ts";

/**
 * How far time has come, on disk, so that a start never shows an earlier time than the process before.
 *
 * | offset | bytes | |
 * | --- | --- | --- |
 * | 0 | 8 | wall time, a double in ms since 1970 |
 * | 8 | 8 | monotonic time at that moment, a double in ms |
 * | 16 | 8 | monotonic time when a time source last vouched, likewise; NaN for none |
 * | 24 | 1 | 1: the machine's clock was not believed |
 * | 25 | 1 | 1: the boot is known |
 * | 26 | 16 | the kernel's id of that boot |
 *
 * Numbers are little-endian. It is written at a start, when a time source first vouches, each hour,
 * when the clock is set by more than a minute, and at a stop: some 27 times a day, 4 KiB each.
 */
export interface ClockFloor {
  /** What was kept before this start; undefined for nothing that is whole. */
  readonly found: ClockRecord | undefined;
  /** Why what was kept cannot be read. */
  readonly damage: string | undefined;
  /** Rejects with the file system's error: a restart may find either record then. One at a time. */
  write(record: ClockRecord): Promise<void>;
  close(): Promise<void>;
}

const recordBytes = 42;
const bootBytes = 16;

/** Never rejects: doors work without it. */
export async function openClockFloor(file: string): Promise<ClockFloor> {
  const register = await openRegisterFile(file, recordBytes);
  return {
    ...readFloor(register),
    write: (record) => register.write(encodeRecord(record)),
    close: () => register.close(),
  };
}

function readFloor(register: RegisterFile): Pick<ClockFloor, "found" | "damage"> {
  const bytes = register.read();
  if (bytes === undefined) return { found: undefined, damage: register.damage() };
  const found = decodeRecord(Buffer.from(bytes));
  return { found, damage: found === undefined ? "it holds no time" : register.damage() };
}

function encodeRecord(record: ClockRecord): Uint8Array {
  const { wallAt, monotonicAt, vouchedAt, boot, isHeld } = record;
  const bytes = Buffer.alloc(recordBytes);
  bytes.writeDoubleLE(writableEpochMs(wallAt), 0);
  bytes.writeDoubleLE(monotonicAt, 8);
  bytes.writeDoubleLE(vouchedAt ?? Number.NaN, 16);
  bytes.writeUInt8(isHeld ? 1 : 0, 24);
  if (boot === undefined) return bytes;
  bytes.writeUInt8(1, 25);
  bytes.write(boot, 26, bootBytes, "hex");
  return bytes;
}

/** Undefined for what this program would not have written: its checksum says that it was not torn. */
function decodeRecord(bytes: Buffer): ClockRecord | undefined {
  const wallAt = bytes.readDoubleLE(0);
  const monotonicAt = bytes.readDoubleLE(8);
  const vouchedAt = bytes.readDoubleLE(16);
  if (wallAt !== writableEpochMs(wallAt) || !(monotonicAt >= 0)) return undefined;
  if (vouchedAt > monotonicAt) return undefined;
  return {
    wallAt: epochMs(wallAt),
    monotonicAt: monotonicMs(monotonicAt),
    vouchedAt: Number.isNaN(vouchedAt) ? undefined : monotonicMs(vouchedAt),
    isHeld: bytes.readUInt8(24) === 1,
    boot: bytes.readUInt8(25) === 1 ? bytes.toString("hex", 26, 26 + bootBytes) : undefined,
  };
}

import { readFileSync } from "node:fs";

const bootIdFile = "/proc/sys/kernel/random/boot_id";

/**
 * Which run of the kernel this is, as 32 hex digits: within one, `Clock.monotonic` counts on from
 * process to process. Undefined where the kernel does not say.
 */
export function readBootId(file = bootIdFile): string | undefined {
  try {
    const digits = readFileSync(file, "latin1").trim().replaceAll("-", "");
    return /^[0-9a-f]{32}$/.test(digits) ? digits : undefined;
  } catch {
    return undefined;
  }
}

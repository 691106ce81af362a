import { join } from "node:path";
import { unreachable } from "../../domain/unreachable.ts";
import { type Finding, failed, ok, warn } from "./finding.ts";
import type { CheckUpSubject } from "./subject.ts";

/** The second edition of the GPIO character device came with Linux 5.10. */
const kernelMin = [5, 10] as const;
/** A clock that shows less was never set. */
const builtAt = Date.UTC(2025, 0, 1);

export function checkKernel({ machine, config }: CheckUpSubject): readonly Finding[] {
  const model = machine.read("/proc/device-tree/model");
  const saw = `Linux ${machine.kernel}${model === undefined ? "" : ` on ${model}`}`;
  const [major = 0, minor = 0] = machine.kernel.split(".").map(Number);
  const [majorMin, minorMin] = kernelMin;
  const isOld = major < majorMin || (major === majorMin && minor < minorMin);
  const board = "value" in config ? config.value.board : undefined;
  const needsNew = board?.kind === "linux" && board.driver === "character_device";
  if (!isOld || !needsNew) return [ok("kernel", saw)];
  const fix = 'install Linux 5.10 or newer; an older one has lines by board.driver = "sysfs" alone';
  return [failed("kernel", saw, fix)];
}

export async function checkClock({ machine, config }: CheckUpSubject): Promise<readonly Finding[]> {
  const now = new Date();
  const shows = `it shows ${now.toISOString().slice(0, 19)}Z`;
  if (now.getTime() < builtAt) {
    return [failed("clock", shows, "set it, and give the board a time source or a DS3231")];
  }
  const rule = "value" in config ? config.value.clockRule : "ntp";
  if (rule !== "ntp") return [ok("clock", `${shows}, and counts as ${rule} by configuration`)];
  const answer = await machine.timeSync.ask();
  const fix = "install and reach a time server: systemd-timesyncd or chrony";
  switch (answer) {
    case "synchronised":
      return [ok("clock", `${shows}, and a time source vouches for it`)];
    case "unsynchronised":
      return [warn("clock", `${shows}, and no time source vouches for it`, fix)];
    case "absent":
      return [warn("clock", `${shows}, and nothing here can say whether that is so`, fix)];
    default:
      return unreachable(answer);
  }
}

export function checkWatchdog({ machine }: CheckUpSubject): readonly Finding[] {
  const [dog] = machine.list("/sys/class/watchdog");
  if (dog === undefined) {
    const fix = "on a Raspberry Pi: dtparam=watchdog=on in config.txt";
    return [warn("watchdog", "none: a kernel that hangs stays so", fix)];
  }
  const folder = join("/sys/class/watchdog", dog);
  const identity = machine.read(join(folder, "identity")) ?? dog;
  const timeout = machine.read(join(folder, "timeout"));
  const saw = `${identity}${timeout === undefined ? "" : `, ${timeout} s`}`;
  if (machine.read(join(folder, "state")) === "active") return [ok("watchdog", `${saw}, armed`)];
  const fix = "install systemd/postern-watchdog.conf, and systemctl daemon-reexec";
  return [warn("watchdog", `${saw}, not armed`, fix)];
}

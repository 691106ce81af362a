import { spawnSync } from "node:child_process";

/** The kernel rig cannot be had on this machine; the message says what it lacks. */
export class RigMissing extends Error {
  override readonly name = "RigMissing";
}

/** A program that the kernel rig needs, and the Debian package that has it. */
const wanted = [
  { program: "qemu-system-x86_64", packageName: "qemu-system-x86" },
  { program: "busybox", packageName: "busybox-static" },
  { program: "modprobe", packageName: "kmod" },
  { program: "xz", packageName: "xz-utils" },
  { program: "make", packageName: "make" },
  { program: "cc", packageName: "gcc" },
  { program: "gpioset", packageName: "gpiod" },
  { program: "mkfs.ext4", packageName: "e2fsprogs" },
  { program: "apt-get", packageName: "apt" },
];

/** What some scenarios need beside. */
const wantedForBluetooth = [{ program: "btvirt", packageName: "bluez-test-tools" }];

/** Throws `RigMissing`. */
export function requireRigParts(): void {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new RigMissing(`the guest is built from Debian's packages for amd64, on amd64`);
  }
  requirePrograms(wanted);
}

/** Throws `RigMissing`. */
export function requireBluetooth(): void {
  requirePrograms(wantedForBluetooth);
}

function requirePrograms(all: typeof wanted): void {
  const missing = all.filter(({ program }) => {
    const { status } = spawnSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return status !== 0;
  });
  if (missing.length === 0) return;
  const programs = missing.map(({ program }) => program).join(", ");
  const packages = missing.map(({ packageName }) => packageName).join(" ");
  throw new RigMissing(`${programs} not found: apt-get install ${packages}`);
}

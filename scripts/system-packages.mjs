// Installs what the project needs of the system, on a machine that is ours to install on: CI's. Not
// part of `npm start` or `npm test`, which change nothing outside of this folder.
import { spawnSync } from "node:child_process";
import process from "node:process";

/** A program, and the Debian package that has it. */
const wanted = [
  { program: "python3", parameters: ["--version"], packageName: "python3" },
  { program: "make", parameters: ["--version"], packageName: "make" },
  { program: "g++", parameters: ["--version"], packageName: "g++" },
  // A real broker, beside the embedded one, in the end-to-end tests; they say so when it is missing.
  { program: "mosquitto", parameters: ["-h"], packageName: "mosquitto" },
  // What the kernel rig is built from and boots in; `npm run rig` says what it cannot do without them.
  { program: "qemu-system-x86_64", parameters: ["--version"], packageName: "qemu-system-x86" },
  { program: "busybox", parameters: ["true"], packageName: "busybox-static" },
  { program: "modprobe", parameters: ["--version"], packageName: "kmod" },
  { program: "xz", parameters: ["--version"], packageName: "xz-utils" },
  { program: "mkfs.ext4", parameters: ["-V"], packageName: "e2fsprogs" },
  { program: "gpioset", parameters: ["--version"], packageName: "gpiod" },
  { program: "i2cdetect", parameters: ["-V"], packageName: "i2c-tools" },
  { program: "socat", parameters: ["-V"], packageName: "socat" },
  // Makes the certificates that webhook tests refuse.
  { program: "openssl", parameters: ["version"], packageName: "openssl" },
  // A server of its own for each test of the site store, which are skipped without one. Debian has its
  // programs beside the path, and the client that comes along in it.
  { program: "psql", parameters: ["--version"], packageName: "postgresql" },
];

const missing = wanted.filter(({ program, parameters }) => !runs(program, parameters));
if (missing.length > 0) install(missing.map(({ packageName }) => packageName));

/**
 * @param {string} program
 * @param {string[]} parameters
 */
function runs(program, parameters) {
  return spawnSync(program, parameters, { stdio: "ignore" }).error === undefined;
}

/** @param {string[]} packages */
function install(packages) {
  const names = packages.join(" ");
  if (process.getuid?.() !== 0 || !runs("apt-get", ["--version"])) {
    process.stdout.write(`postern: not installed, and not ours to install: ${names}\n`);
    return;
  }
  process.stdout.write(`postern: installing ${names} with apt-get\n`);
  // RUNLEVEL=1: a broker that is installed for tests is not to be started as a service.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  for (const parameters of [
    ["update"],
    ["install", "-y", "--no-install-recommends", ...packages],
  ]) {
    const { status, stdout, stderr } = spawnSync("apt-get", ["-q", ...parameters], {
      env,
      encoding: "utf8",
    });
    if (status === 0) continue;
    // Not fatal: what needs a missing program fails, or is skipped, with that program's name.
    process.stdout.write(`${stdout}${stderr}postern: apt-get ${parameters[0]} failed\n`);
    return;
  }
}

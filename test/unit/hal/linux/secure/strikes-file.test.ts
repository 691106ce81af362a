import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import {
  serialiseStrikes,
  strikesFile,
  writeStrikesFile,
} from "../../../../../hal/linux/secure/strikes-file.ts";
import type { SecuredOutput } from "../../../../../hal/output-address.ts";
import { temporaryFolder } from "../../../controller/journal-records.ts";

const onChip: SecuredOutput = {
  line: "GPIO17",
  address: { kind: "gpio", device: "/dev/gpiochip0", offset: 17 },
  securedLevel: 0,
};

t.test("each strike's output is told with the level that secures it", async (t) => {
  const outputs: readonly SecuredOutput[] = [
    onChip,
    { ...onChip, line: "pinctrl-rp1:27", securedLevel: 1 },
    {
      line: "GPIO22",
      address: { kind: "sysfs", folder: "/sys/class/gpio/gpio534" },
      securedLevel: 1,
    },
    {
      line: "relays:B3",
      address: {
        kind: "i2c",
        device: "/dev/i2c-1",
        address: 0x20,
        outputs: { register: 0x15, directionRegister: 0x01 },
        bit: 3,
      },
      securedLevel: 1,
    },
  ];
  t.same(serialiseStrikes(outputs).split("\n").slice(1), [
    "gpio /dev/gpiochip0 17 0 GPIO17",
    "gpio /dev/gpiochip0 17 1 pinctrl-rp1:27",
    "sysfs /sys/class/gpio/gpio534 1 GPIO22",
    // A bit of the latch, then the same bit of the direction register as an output.
    "i2c /dev/i2c-1 0x20 0x15 0x08 0x08 relays:B3",
    "i2c /dev/i2c-1 0x20 0x01 0x08 0x00 relays:B3",
    "",
  ]);
});

t.test("what would be read as something else is refused", async (t) => {
  const at = (device: string, line = "GPIO17") =>
    serialiseStrikes([{ ...onChip, line, address: { kind: "gpio", device, offset: 1 } }]);
  for (const device of ["/dev/a b", "/dev/a\ngpio /dev/b 1 1 x", ""]) t.throws(() => at(device));
  t.throws(() => at("/dev/gpiochip0", "GPIO 17"));
});

t.test("the file is the unit's where there is one, and is replaced as a whole", async (t) => {
  const stateDir = temporaryFolder(t);
  t.equal(strikesFile({ env: {}, stateDir }), join(stateDir, "strikes"));
  t.equal(strikesFile({ env: { RUNTIME_DIRECTORY: "" }, stateDir }), join(stateDir, "strikes"));
  const env = { RUNTIME_DIRECTORY: "/run/postern:/run/other" };
  t.equal(strikesFile({ env, stateDir }), "/run/postern/strikes");

  const file = join(stateDir, "run", "strikes");
  writeStrikesFile(file, [onChip]);
  writeStrikesFile(file, [{ ...onChip, securedLevel: 1 }]);
  t.match(readFileSync(file, "utf8"), /^gpio \/dev\/gpiochip0 17 1 GPIO17$/m);
  t.same(readdirSync(join(stateDir, "run")), ["strikes"]);
  t.equal(statSync(file).mode & 0o777, 0o600);
});

t.test("a file that cannot be written is a failure, and the one before it stays", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "strikes");
  writeStrikesFile(file, [onChip]);
  // In the way of the new one, for every user: a test may run as root.
  mkdirSync(`${file}.new`);
  t.throws(() => writeStrikesFile(file, []));
  t.match(readFileSync(file, "utf8"), /GPIO17/);
});

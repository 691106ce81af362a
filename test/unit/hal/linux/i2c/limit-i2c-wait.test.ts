import { existsSync } from "node:fs";
import { constants } from "node:os";
import t from "tap";
import { limitI2cWait } from "../../../../../hal/linux/i2c/limit-i2c-wait.ts";
import { nativeSystem } from "../../../../../hal/linux/system/native-system.ts";
import { HalError } from "../../../../../src/domain/hal-error.ts";

function missingAddon(): string | false {
  try {
    nativeSystem();
    return false;
  } catch (error) {
    if (error instanceof HalError) return error.message;
    throw error;
  }
}

const skip = missingAddon();

t.test("a bus that is not there has no wait to limit, and that is no failure here", async (t) => {
  t.equal(existsSync("/dev/i2c-250"), false);
  t.doesNotThrow(() => limitI2cWait(250, 50));
});

t.test("the kernel's refusals come back as they are", { skip }, async (t) => {
  const system = nativeSystem();
  t.equal(system.limitI2cWait("/dev/i2c-250", 50), -constants.errno.ENOENT);
  t.equal(system.limitI2cWait("/dev/null", 50), -constants.errno.ENOTTY);
  t.equal(system.turnRs485(1_000_000), -constants.errno.EBADF);
});

t.test(
  "what is no device, no time or no descriptor is refused before the kernel",
  { skip },
  async (t) => {
    const system = nativeSystem();
    const longest = `/dev/${"i".repeat(58)}`;
    for (const ms of [0, -1, 60_001, Number.NaN]) {
      t.throws(() => system.limitI2cWait("/dev/null", ms), { name: "TypeError" }, `${ms} ms`);
    }
    t.equal(system.limitI2cWait(longest, 1), -constants.errno.ENOENT, "63 bytes fit");
    t.throws(() => system.limitI2cWait(`${longest}i`, 1), { name: "TypeError" });
    t.throws(() => system.turnRs485(-1), { name: "TypeError" });
  },
);

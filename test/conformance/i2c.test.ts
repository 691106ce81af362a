import t from "tap";
import { openLinuxI2c } from "../../hal/linux/i2c/linux-i2c.ts";
import { SimI2c } from "../../hal/sim/sim-i2c.ts";
import { SimMcp23017 } from "../../hal/sim/sim-mcp23017.ts";
import { HalError } from "../../src/domain/hal-error.ts";
import { i2cConformance, kindOf } from "./i2c-conformance.ts";
import { i2cKernelRig, missingForI2c } from "./i2c-kernel-rig.ts";

t.test("a bus that tests play", async (t) => {
  i2cConformance(t, async () => {
    const i2c = new SimI2c();
    const place = { bus: 1, address: 0x20 };
    i2c.add(place, new SimMcp23017());
    return {
      i2c,
      place,
      emptyAddress: 0x21,
      setConnection: (connection) => i2c.setConnection(place, connection),
      close: async () => undefined,
    };
  });
});

t.test("a bus of this machine", { skip: missingForI2c() }, async (t) => {
  i2cConformance(t, async () => i2cKernelRig());
});

t.test("a bus that this machine does not have says what may be missing", async (t) => {
  const device = openLinuxI2c().open({ bus: 250, address: 0x20 });
  const failures: unknown[] = [];
  for (const action of [
    () => device.readRegisters(0, 1),
    () => device.writeRegisters(0, Uint8Array.of(1)),
  ]) {
    try {
      action();
    } catch (error) {
      failures.push(error);
    }
  }
  await device.fetchRegisters(0, 1).catch((error: unknown) => failures.push(error));
  t.equal(failures.length, 3);
  for (const failure of failures) {
    if (!(failure instanceof HalError)) throw failure;
    t.equal(failure.kind, "not_found");
    t.match(failure.message, /0x20 on I2C bus 250: cannot .*i2c-dev/);
  }
  t.equal(await device.probe(), false);
  device.close();
});

t.test("an address that no chip can have is refused", async (t) => {
  for (const address of [0, 0x07, 0x78, 0x80, -1, Number.NaN]) {
    const kind = await kindOf(() => openLinuxI2c().open({ bus: 1, address }));
    t.equal(kind, "not_supported", `${address}`);
  }
});

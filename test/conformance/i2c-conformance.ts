import type { Test } from "tap";
import type { I2c, I2cDevice } from "../../hal/i2c.ts";
import { HalError } from "../../src/domain/hal-error.ts";

/** A bus with an MCP23017 that can be pulled out. One for each test. */
export interface I2cRig {
  readonly i2c: I2c;
  readonly place: { readonly bus: number; readonly address: number };
  /** On the same bus, where nothing is. */
  readonly emptyAddress: number;
  setConnection(connection: "connected" | "disconnected"): void;
  close(): Promise<void>;
}

/** Registers that the chip keeps as they are written: GPPU and DEFVAL, of port A and of port B. */
const pullUp = 0x0c;
const defaultValue = 0x06;

/** What `action` fails with, or that it does not. */
export async function kindOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    return error instanceof HalError ? error.kind : `not a HalError: ${String(error)}`;
  }
  return "did not throw";
}

/** What `hal/i2c.ts` promises, of any implementation. */
export function i2cConformance(t: Test, makeRig: () => Promise<I2cRig>): void {
  const withRig = (name: string, run: (t: Test, rig: I2cRig, device: I2cDevice) => Promise<void>) =>
    t.test(name, async (t) => {
      const rig = await makeRig();
      const device = rig.i2c.open(rig.place);
      t.teardown(async () => {
        device.close();
        await rig.close();
      });
      await run(t, rig, device);
    });

  withRig("registers read as they were written, alone and in one piece", async (t, rig, device) => {
    t.same([device.bus, device.address], [rig.place.bus, rig.place.address]);
    device.writeRegisters(pullUp, Uint8Array.of(0x5a));
    device.writeRegisters(pullUp + 1, Uint8Array.of(0xa5));
    t.same([...device.readRegisters(pullUp, 2)], [0x5a, 0xa5]);
    device.writeRegisters(pullUp, Uint8Array.of(0x01, 0x80));
    t.same([...device.readRegisters(pullUp, 1)], [0x01]);
    t.same([...device.readRegisters(pullUp + 1, 1)], [0x80]);
    t.same([...(await device.fetchRegisters(pullUp, 2))], [0x01, 0x80]);
    t.same([...(await device.fetchRegisters(pullUp, 1))], [0x01]);
  });

  withRig(
    "what is read is the reader's own, and what is written was copied",
    async (t, _, device) => {
      const values = Uint8Array.of(0x11, 0x22);
      device.writeRegisters(pullUp, values);
      values.fill(0);
      const read = device.readRegisters(pullUp, 2);
      read.fill(0);
      t.same([...device.readRegisters(pullUp, 2)], [0x11, 0x22]);
    },
  );

  withRig(
    "a chip that is not there says so, and is there when it is back",
    async (t, rig, device) => {
      for (let round = 0; round < 3; round += 1) {
        rig.setConnection("disconnected");
        t.equal(await device.probe(), false);
        const refusals = [
          () => device.readRegisters(pullUp, 2),
          () => device.fetchRegisters(pullUp, 2),
          () => device.writeRegisters(pullUp, Uint8Array.of(1, 2)),
          () => device.writeRegisters(pullUp, Uint8Array.of(1)),
        ];
        for (const refused of refusals) t.equal(await kindOf(refused), "disconnected");
        rig.setConnection("connected");
        t.equal(await device.probe(), true);
        device.writeRegisters(pullUp, Uint8Array.of(round, 7));
        t.same([...device.readRegisters(pullUp, 2)], [round, 7]);
      }
    },
  );

  withRig("an address where nothing is opens, and does not answer", async (t, rig, device) => {
    const empty = rig.i2c.open({ bus: rig.place.bus, address: rig.emptyAddress });
    t.equal(await empty.probe(), false);
    t.equal(await kindOf(() => empty.readRegisters(0, 1)), "disconnected");
    device.writeRegisters(pullUp, Uint8Array.of(3));
    t.same([...device.readRegisters(pullUp, 1)], [3], "and the chip beside it does");
    empty.close();
  });

  withRig("many that ask at once get what is theirs, from the first on", async (t, rig, device) => {
    const other = rig.i2c.open(rig.place);
    const asked: Promise<Uint8Array>[] = [];
    for (let count = 0; count < 40; count += 1) {
      asked.push(device.fetchRegisters(pullUp, 2), other.fetchRegisters(defaultValue, 2));
      device.writeRegisters(pullUp, Uint8Array.of(0x33, 0x44));
      other.writeRegisters(defaultValue, Uint8Array.of(0x55, 0x66));
      t.same([...device.readRegisters(pullUp, 2)], [0x33, 0x44]);
    }
    const answers = (await Promise.all(asked)).slice(-20).map((bytes) => [...bytes]);
    for (const [index, answer] of answers.entries()) {
      t.same(answer, index % 2 === 0 ? [0x33, 0x44] : [0x55, 0x66]);
    }
    other.close();
    t.equal(await device.probe(), true, "and one that closes closes nobody else");
  });

  withRig(
    "a device that was closed touches nothing, while it is asked too",
    async (t, rig, device) => {
      device.writeRegisters(pullUp, Uint8Array.of(0x77));
      const asked = Array.from({ length: 8 }, () => kindOf(() => device.fetchRegisters(pullUp, 1)));
      device.close();
      device.close();
      for (const kind of await Promise.all(asked)) {
        t.ok(kind === "disconnected" || kind === "did not throw", kind);
      }
      t.equal(await device.probe(), false);
      t.equal(await kindOf(() => device.writeRegisters(pullUp, Uint8Array.of(1))), "disconnected");
      const again = rig.i2c.open(rig.place);
      t.same([...again.readRegisters(pullUp, 1)], [0x77]);
      again.close();
    },
  );
}

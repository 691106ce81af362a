import { HalError } from "../../../src/domain/hal-error.ts";
import type { BleService } from "../../ble.ts";
import type { CentralLink } from "../../ble-central.ts";
import type { NobleCharacteristic, NoblePeripheral } from "./noble-driver.ts";

const characteristicNames = ["hello", "pass", "result"] as const;
type Characteristics = Readonly<Record<(typeof characteristicNames)[number], NobleCharacteristic>>;

/** An answer in time, or `HalError`. noble tells nothing of what the other end refused. */
export type Within = <T>(
  what: string,
  ask: (answered: (error: unknown, value: T) => void) => void,
) => Promise<T>;

/** Three bytes of a write and of a notification are ATT's (Bluetooth Core, Vol 3, Part F, 3.4.5). */
const attHeaderBytes = 3;
const mtuLeast = 23;
const frameBytesMost = 509;

/** What is there to talk to, of a peripheral that is connected. */
export async function findCharacteristics(
  peripheral: NoblePeripheral,
  service: BleService,
  within: Within,
): Promise<Characteristics> {
  const wanted = characteristicNames.map((name) => service[name]);
  const found = await within<readonly NobleCharacteristic[]>("looking for its service", (done) => {
    peripheral.discoverSomeServicesAndCharacteristics(
      [service.service],
      wanted,
      (error, _, characteristics) => done(error, characteristics),
    );
  });
  const of = (name: (typeof characteristicNames)[number]) => {
    const one = found.find(({ uuid }) => uuid === service[name]);
    if (one === undefined) throw new HalError("io", `the reader has no characteristic ${name}`);
    return one;
  };
  return { hello: of("hello"), pass: of("pass"), result: of("result") };
}

/** A connection that stands. `gone` is to resolve when it does not any more. */
export function nobleLink(options: {
  readonly peripheral: NoblePeripheral;
  readonly characteristics: Characteristics;
  readonly within: Within;
  readonly gone: Promise<void>;
  readonly disconnect: () => void;
}): CentralLink {
  const { peripheral, characteristics, within, gone, disconnect } = options;
  const { hello, pass, result } = characteristics;
  const frameBytes = (peripheral.mtu ?? mtuLeast) - attHeaderBytes;
  return {
    frameBytesMax: Math.min(frameBytes, frameBytesMost),
    gone,
    readHello: async () => {
      const data = await within<Buffer>("reading hello", (done) => hello.read(done));
      // So it tells of a read that was refused.
      if (data.length === 0) throw new HalError("io", "the reader's hello cannot be read");
      return Uint8Array.from(data);
    },
    subscribe: async (listener) => {
      result.on("data", (data) => listener(Uint8Array.from(data)));
      await within<undefined>("subscribing", (done) =>
        result.subscribe((error) => done(error, undefined)),
      );
    },
    write: async (frame) => {
      await within<undefined>("writing", (done) =>
        pass.write(Buffer.from(frame), false, (error) => done(error, undefined)),
      );
    },
    disconnect,
  };
}

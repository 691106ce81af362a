import { HalError, ioError } from "../../../src/domain/hal-error.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import type { BleService } from "../../ble.ts";
import type { BleCentral, CentralLink, HeardReader } from "../../ble-central.ts";
import type { Alarm, Clock } from "../../clock.ts";
import { type CentralDriver, type NoblePeripheral, openNoble } from "./noble-driver.ts";
import { findCharacteristics, nobleLink, type Within } from "./noble-link.ts";

/** An adapter that has not answered its reset by then has nobody in it. */
const powerMsMax = 5_000;
/** Of one question within a connection; a session is over before. */
const answerMsMax = 4_000;
/** A link that is not heard of for its supervision time is over, which is 420 ms with noble. */
const goneMsMax = 2_000;
/** "Not available" (Bluetooth Core, Vol 4, Part E, 7.7.65.2): else it would be the strongest of all. */
const rssiUnknown = 127;
const rssiLeast = -127;

/**
 * The radio of a phone on Linux. The adapter is this process's alone until `close`, or until this process
 * ends with `abandonware`, which closes its socket when it is garbage; and is not in the kernel's hands: it
 * is to be down before. Rejects with `HalError`.
 */
export async function openLinuxCentral(options: {
  readonly driver: CentralDriver;
  /** hci0 is 0. */
  readonly adapter: number;
  readonly service: BleService;
  readonly clock: Clock;
}): Promise<BleCentral> {
  const { driver, adapter, service, clock } = options;
  const { noble, settle, close } = openNoble(driver, adapter);
  const powered = new Promise<undefined>((resolve) => {
    const look = (state: string) => {
      if (state === "poweredOn") resolve(undefined);
    };
    noble.on("stateChange", look);
    look(noble.state);
  });
  await within(clock, powerMsMax, `powering hci${adapter}`, powered).catch((error: unknown) => {
    close();
    throw ioError(error);
  });
  settle();
  const heard = new Map<string, NoblePeripheral>();
  return {
    scan: async ({ forMs, isEnough = () => false }) => {
      const best = new Map<string, HeardReader>();
      let tellEnough: (enough: undefined) => void = () => undefined;
      const enough = new Promise<undefined>((resolve) => {
        tellEnough = resolve;
      });
      const hear = (peripheral: NoblePeripheral) => {
        heard.set(peripheral.id, peripheral);
        const reader = { id: peripheral.id, rssi: rssiOf(peripheral) };
        const before = best.get(reader.id);
        if (before === undefined || before.rssi < reader.rssi) best.set(reader.id, reader);
        if (isEnough(reader)) tellEnough(undefined);
      };
      noble.on("discover", hear);
      try {
        const started = new Promise<undefined>((resolve, reject) => {
          noble.startScanning([service.service], true, (error) => {
            if (isFailure(error)) reject(ioError(error));
            else resolve(undefined);
          });
        });
        await within(clock, answerMsMax, "beginning to listen", started);
        await firstOf(clock, forMs, enough);
      } finally {
        noble.removeListener("discover", hear);
        const stopped = new Promise<undefined>((resolve) => {
          noble.stopScanning(() => resolve(undefined));
        });
        // Connecting while it scans is refused by some controllers.
        await firstOf(clock, answerMsMax, stopped);
      }
      return [...best.values()].toSorted((one, other) => other.rssi - one.rssi);
    },
    connect: async (reader, withinMs) => {
      const peripheral = heard.get(reader.id);
      if (peripheral === undefined) throw new HalError("not_found", `${reader.id} was not heard`);
      return await within(
        clock,
        withinMs,
        `connecting to ${reader.id}`,
        connected(peripheral, service, clock),
      ).catch((error: unknown) => {
        giveUp(peripheral);
        throw error;
      });
    },
    close: async () => close(),
  };
}

const rssiOf = ({ rssi }: NoblePeripheral) => (rssi === rssiUnknown ? rssiLeast : rssi);

const isFailure = (error: unknown) => error !== null && error !== undefined;

async function connected(
  peripheral: NoblePeripheral,
  service: BleService,
  clock: Clock,
): Promise<CentralLink> {
  // From before it stands: an adapter may tell of a link and of its end in one breath.
  let tellGone: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    tellGone = resolve;
    peripheral.once("disconnect", () => resolve());
  });
  await new Promise<void>((resolve, reject) => {
    peripheral.connect((error) => {
      if (isFailure(error)) reject(new HalError("disconnected", String(error), { cause: error }));
      else resolve();
    });
  });
  const inTime: Within = async (what, ask) => {
    const answered = new Promise<Parameters<Parameters<typeof ask>[0]>[1]>((resolve, reject) => {
      ask((error, value) => {
        if (isFailure(error)) reject(ioError(error));
        else resolve(value);
      });
    });
    const lost = gone.then(() => {
      throw new HalError("disconnected", `${what}: the reader has gone`);
    });
    return await within(clock, answerMsMax, what, Promise.race([answered, lost]));
  };
  const characteristics = await findCharacteristics(peripheral, service, inTime);
  const disconnect = () => {
    if (peripheral.state !== "connected") return;
    peripheral.disconnect();
    // Of a link that it has not any more an adapter may say nothing.
    const late = clock.alarm(monotonicMs(clock.monotonic() + goneMsMax), tellGone);
    void gone.then(() => late.cancel());
  };
  return nobleLink({ peripheral, characteristics, within: inTime, gone, disconnect });
}

/** However far it came: one that is connected later, by a radio that was slow, is let go at once. */
function giveUp(peripheral: NoblePeripheral): void {
  if (peripheral.state === "connected") peripheral.disconnect();
  if (peripheral.state !== "connecting") return;
  peripheral.cancelConnect();
  peripheral.once("connect", (error) => {
    if (!isFailure(error)) peripheral.disconnect();
  });
}

async function within<T>(clock: Clock, ms: number, what: string, awaited: Promise<T>): Promise<T> {
  let alarm: Alarm | undefined;
  const late = new Promise<never>((_, reject) => {
    alarm = clock.alarm(monotonicMs(clock.monotonic() + ms), () => {
      reject(new HalError("disconnected", `${what}: no answer within ${ms} ms`));
    });
  });
  try {
    return await Promise.race([awaited, late]);
  } finally {
    alarm?.cancel();
  }
}

/** Resolves with whichever comes first. */
async function firstOf(clock: Clock, ms: number, awaited: Promise<undefined>): Promise<void> {
  let alarm: Alarm | undefined;
  const over = new Promise<undefined>((resolve) => {
    alarm = clock.alarm(monotonicMs(clock.monotonic() + ms), () => resolve(undefined));
  });
  await Promise.race([awaited, over]);
  alarm?.cancel();
}

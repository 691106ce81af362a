import { HalError } from "../../src/domain/hal-error.ts";
import type { I2c, I2cDevice } from "../i2c.ts";

/** A chip as its data sheet has it: what its registers do when they are read and written. */
export interface SimChip {
  read(first: number, count: number): Uint8Array;
  write(first: number, values: Uint8Array): void;
}

interface Place {
  readonly bus: number;
  readonly address: number;
}

interface Wired {
  readonly chip: SimChip;
  connection: "connected" | "disconnected";
  /** After so many sound transactions, so many are not acknowledged. */
  soundCount: number;
  spoiledCount: number;
}

const keyOf = ({ bus, address }: Place): string => `${bus}:${address}`;

/** I2C buses with chips on them that can be pulled out. A transaction that fails changes nothing. */
export class SimI2c implements I2c {
  readonly #wired = new Map<string, Wired>();
  #held: (() => void)[] | undefined;
  #transactionCount = 0;
  #blockingCount = 0;

  /** Of all chips, also those that failed. */
  get transactionCount(): number {
    return this.#transactionCount;
  }

  /** Those that held the event loop up. */
  get blockingCount(): number {
    return this.#blockingCount;
  }

  /** Wired and connected. */
  add(place: Place, chip: SimChip): void {
    this.#wired.set(keyOf(place), {
      chip,
      connection: "connected",
      soundCount: 0,
      spoiledCount: 0,
    });
  }

  setConnection(place: Place, connection: Wired["connection"]): void {
    this.#at(place).connection = connection;
  }

  /** Noise: `count` transactions are not acknowledged, after `soundCount` that are. */
  spoil(place: Place, count: number, soundCount = 0): void {
    Object.assign(this.#at(place), { spoiledCount: count, soundCount });
  }

  /** What is fetched or probed from now on is done, and its answer kept back until `letGo`. */
  hold(): void {
    this.#held ??= [];
  }

  letGo(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const resolve of held) resolve();
  }

  open(place: Place): I2cDevice {
    const { bus, address } = place;
    let isOpen = true;
    const transact = <T>(action: (chip: SimChip) => T): T => {
      if (!isOpen) throw new HalError("disconnected", `device ${keyOf(place)} was closed`);
      return this.#transact(place, action);
    };
    const blocking = <T>(action: (chip: SimChip) => T): T => {
      this.#blockingCount += 1;
      return transact(action);
    };
    return {
      bus,
      address,
      readRegisters: (first, count) => blocking((chip) => chip.read(first, count)),
      writeRegisters: (first, values) => blocking((chip) => chip.write(first, values)),
      fetchRegisters: (first, count) =>
        this.#later(() => transact((chip) => chip.read(first, count))),
      probe: async () => {
        try {
          await this.#later(() => transact((chip) => chip.read(0, 1)));
          return true;
        } catch {
          return false;
        }
      },
      close: () => {
        isOpen = false;
      },
    };
  }

  async #later<T>(action: () => T): Promise<T> {
    const outcome = (async () => action())();
    await Promise.allSettled([outcome]);
    const held = this.#held;
    if (held !== undefined) await new Promise<void>((resolve) => held.push(resolve));
    return outcome;
  }

  #transact<T>(place: Place, action: (chip: SimChip) => T): T {
    this.#transactionCount += 1;
    const wired = this.#wired.get(keyOf(place));
    if (wired === undefined || wired.connection === "disconnected") {
      throw new HalError("disconnected", `nothing answers at ${keyOf(place)}`);
    }
    if (wired.soundCount > 0) wired.soundCount -= 1;
    else if (wired.spoiledCount > 0) {
      wired.spoiledCount -= 1;
      throw new HalError("disconnected", `${keyOf(place)} did not acknowledge`);
    }
    return action(wired.chip);
  }

  #at(place: Place): Wired {
    const wired = this.#wired.get(keyOf(place));
    if (wired === undefined) throw new Error(`no chip at ${keyOf(place)}`);
    return wired;
  }
}

import { createRequire } from "node:module";
import type { I2CBus } from "i2c-bus";
import { describeFailure } from "../../../src/domain/describe-failure.ts";
import { HalError, type HalFailure } from "../../../src/domain/hal-error.ts";
import { type I2c, type I2cDevice, i2cMsMax } from "../../i2c.ts";
import { limitI2cWait } from "./limit-i2c-wait.ts";

/** The kernel's own: what is reserved for other uses of the bus lies outside. */
const firstAddress = 0x08;
const lastAddress = 0x77;

/**
 * I2C by `/dev/i2c-N`. Every transaction is an SMBus one of a byte or a block, which every adapter of Linux
 * can do. A bus that hangs costs the event loop `i2cMsMax` at most, where the kernel lets us say so.
 */
export function openLinuxI2c(): I2c {
  return {
    open: ({ bus, address }) => {
      if (!(address >= firstAddress && address <= lastAddress)) {
        throw new HalError("not_supported", `no chip can be at I2C address ${address}`);
      }
      return new LinuxI2cDevice(bus, address);
    },
  };
}

/** Loaded by the first device: a controller without one does without the addon. */
const load = createRequire(import.meta.url);
const i2cBus = (): typeof import("i2c-bus") => load("i2c-bus") as typeof import("i2c-bus");

class LinuxI2cDevice implements I2cDevice {
  readonly bus: number;
  readonly address: number;
  #open: I2CBus | undefined;
  /** The open file speaks to our address, so that calls in other threads may use it. */
  #isAddressed = false;
  #pendingCount = 0;
  /** Of no use any more: opened anew once nothing that is under way uses it. */
  #isStale = false;
  #closed = false;

  constructor(bus: number, address: number) {
    this.bus = bus;
    this.address = address;
  }

  readRegisters(first: number, count: number): Uint8Array {
    return this.#transact("read", (bus) => {
      if (count === 1) return Uint8Array.of(bus.readByteSync(this.address, first));
      const buffer = Buffer.alloc(count);
      const failure = this.#shortage(
        count,
        bus.readI2cBlockSync(this.address, first, count, buffer),
      );
      if (failure !== undefined) throw failure;
      return buffer;
    });
  }

  writeRegisters(first: number, values: Uint8Array): void {
    this.#transact("write", (bus) => {
      const [only = 0] = values;
      if (values.length === 1) bus.writeByteSync(this.address, first, only);
      else bus.writeI2cBlockSync(this.address, first, values.length, Buffer.from(values));
    });
  }

  fetchRegisters(first: number, count: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      // i2c-bus opens its file at the first call, and two first calls at once would share one halfway.
      if (!this.#isAddressed) return resolve(this.readRegisters(first, count));
      this.#transact("read", (bus) => {
        const buffer = Buffer.alloc(count);
        bus.readI2cBlock(this.address, first, count, buffer, (error: unknown, found) => {
          this.#pendingCount -= 1;
          const isRead = error === null || error === undefined;
          const failure = isRead ? this.#shortage(count, found) : this.#failed("read", error);
          if (failure === undefined) resolve(buffer);
          else reject(failure);
          if (this.#isStale || this.#closed) this.#closeFile();
        });
        this.#pendingCount += 1;
      });
    });
  }

  async probe(): Promise<boolean> {
    try {
      await this.fetchRegisters(0, 1);
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    this.#closed = true;
    this.#closeFile();
  }

  #transact<T>(verb: string, action: (bus: I2CBus) => T): T {
    if (this.#closed) throw new HalError("disconnected", `${this.#name()} was closed`);
    try {
      const done = action(this.#file());
      this.#isAddressed = true;
      return done;
    } catch (error) {
      throw this.#failed(verb, error);
    }
  }

  #file(): I2CBus {
    if (this.#isStale) throw new HalError("disconnected", `${this.#name()} is opened anew`);
    if (this.#open !== undefined) return this.#open;
    limitI2cWait(this.bus, i2cMsMax);
    const opened = i2cBus().openSync(this.bus);
    this.#open = opened;
    return opened;
  }

  #shortage(count: number, found: number): HalError | undefined {
    if (found === count) return undefined;
    return new HalError("io", `${this.#name()}: ${found} of ${count} registers were read`);
  }

  #failed(verb: string, cause: unknown): HalError {
    if (cause instanceof HalError) return cause;
    const { kind, hint, file } = failureOf(cause);
    if (file === "useless") {
      this.#isStale = true;
      this.#closeFile();
    } else this.#isAddressed = true;
    const message = `${this.#name()}: cannot ${verb}: ${describeFailure(cause)}${hint}`;
    return new HalError(kind, message, { cause });
  }

  #closeFile(): void {
    // Under a call in another thread its number could come to name another file.
    if (this.#pendingCount > 0) return;
    const open = this.#open;
    this.#open = undefined;
    this.#isAddressed = false;
    this.#isStale = false;
    try {
      open?.closeSync();
    } catch {
      // Gone with its adapter: there is nothing to close.
    }
  }

  #name(): string {
    return `chip 0x${this.address.toString(16)} on I2C bus ${this.bus}`;
  }
}

interface Failure {
  readonly kind: HalFailure;
  readonly hint: string;
  /**
   * `useless`: of an adapter that was unplugged, or one whose address the kernel refused; i2c-bus would
   * speak to address 0 by it from then on.
   */
  readonly file: "sound" | "useless";
}

function failureOf(cause: unknown): Failure {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const file = "useless";
  switch (code) {
    // Nobody acknowledged, or somebody holds the bus low.
    case "ENXIO":
    case "EREMOTEIO":
    case "ETIMEDOUT":
    case "EAGAIN":
      return { kind: "disconnected", hint: "", file: "sound" };
    case "EIO":
      return { kind: "io", hint: "", file: "sound" };
    case "ENODEV":
      return { kind: "disconnected", hint: "", file };
    case "ENOENT": {
      const hint = " (is I2C switched on, and the module i2c-dev loaded?)";
      return { kind: "not_found", hint, file };
    }
    case "EACCES":
    case "EPERM":
      return { kind: "not_permitted", hint: " (the user must be in the group i2c)", file };
    case "EBUSY":
      return { kind: "in_use", hint: " (a driver of the kernel holds this chip)", file };
    default:
      return { kind: "io", hint: "", file };
  }
}

import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import type { BleDriver } from "../../hal/linux/ble/radio-messages.ts";

const commandPacket = 1;
const aclPacket = 2;
const eventPacket = 4;
const attChannel = 4;

const commandComplete = 0x0e;
const commandStatus = 0x0f;
const disconnectionComplete = 0x05;
const completedPackets = 0x13;
const leMeta = 0x3e;

const opcodes = {
  disconnect: 0x0406,
  readLocalVersion: 0x1001,
  readAddress: 0x1009,
  readRssi: 0x1405,
  readLeHostSupported: 0x0c6c,
  readLeBufferSize: 0x2002,
  setAdvertiseEnable: 0x200a,
};

const disallowed = 0x0c;

const word = (value: number) => [value & 0xff, value >> 8];

/**
 * A Bluetooth controller as a library sees one through its HCI socket (Core Specification, Vol 4, Part E),
 * with one phone in range. It answers in the next turn of the event loop.
 */
export class FakeController extends EventEmitter {
  /** Whether a phone in range would see the reader. */
  isSeen = false;
  isAnswering = true;
  /** Sockets in which keys of pairings would be left with the kernel. */
  keySocketCount = 0;
  /** What the library wrote to the phone, whole ATT packets. */
  readonly toPhone: Buffer[] = [];
  #carried: Buffer = Buffer.alloc(0);
  #handle: number | undefined;
  readonly #onThrown: (error: unknown) => void;
  #wake: () => void = () => undefined;

  /** `onThrown`: what a library throws at what it is told, which nobody else could catch. */
  constructor(onThrown: (error: unknown) => void) {
    super();
    this.#onThrown = onThrown;
  }

  /** In place of the socket of `driver`, for whoever loads it from now on. */
  replaceSocket(driver: BleDriver): void {
    const load = createRequire(import.meta.url);
    const file = createRequire(load.resolve(`@${driver}/bleno`)).resolve(
      `@${driver}/bluetooth-hci-socket`,
    );
    const controller = this;
    // The first one that is bound is the library's own; others are for the keys of pairings.
    const socket = class extends EventEmitter {
      bindUser(): number {
        controller.on("data", (data) => this.emit("data", data));
        return 0;
      }
      bindControl(): void {
        controller.keySocketCount += 1;
      }
      start(): void {}
      stop(): void {}
      write(data: Buffer): void {
        controller.write(data);
      }
    };
    const exported = Object.assign(socket, { loadDriver: () => socket });
    load.cache[file] = {
      exports: exported,
      loaded: true,
      id: file,
      filename: file,
    } as NodeJS.Module;
  }

  write(data: Buffer): void {
    if (!this.isAnswering) return;
    if (data[0] === aclPacket) {
      this.#carry(data);
      this.tell([eventPacket, completedPackets, 5, 1, data[1] ?? 0, (data[2] ?? 0) & 0x0f, 1, 0]);
    } else if (data[0] === commandPacket) {
      this.#obey(data.readUInt16LE(1), data.subarray(4));
    }
  }

  /** A packet to the library, in a turn of its own. */
  tell(bytes: readonly number[]): void {
    setImmediate(() => {
      try {
        this.emit("data", Buffer.from(bytes));
      } catch (error) {
        this.#onThrown(error);
      }
      this.#wake();
    });
  }

  /** Resolves when something is so that what is told can make so. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setImmediate(resolve);
      });
    }
  }

  phoneComes(handle: number): void {
    this.#handle = handle;
    this.isSeen = false;
    const address = [1, 0, 0, 0, 0xee, 0xff];
    const timing = [...word(24), ...word(0), ...word(72), 0];
    this.tell([eventPacket, leMeta, 19, 1, 0, ...word(handle), 1, 1, ...address, ...timing]);
  }

  phoneGoes(): void {
    const handle = this.#handle ?? 0;
    this.#handle = undefined;
    this.tell([eventPacket, disconnectionComplete, 4, 0, ...word(handle), 0x13]);
  }

  /** An ATT packet from the phone. */
  att(...pdu: readonly number[]): void {
    const packet = [...word(pdu.length), ...word(attChannel), ...pdu];
    const handle = (this.#handle ?? 0) | 0x2000;
    this.tell([aclPacket, ...word(handle), ...word(packet.length), ...packet]);
  }

  /** As `att`; resolves with what comes back. */
  async ask(...pdu: readonly number[]): Promise<Buffer> {
    const before = this.toPhone.length;
    this.att(...pdu);
    await this.until(() => this.toPhone.length > before);
    return this.toPhone[before] ?? Buffer.alloc(0);
  }

  /** A packet to the phone may come in pieces; the first one says how long it is. */
  #carry(data: Buffer): void {
    const isContinued = ((data.readUInt16LE(1) >> 12) & 3) === 1;
    const piece = data.subarray(5);
    this.#carried = isContinued ? Buffer.concat([this.#carried, piece]) : Buffer.from(piece);
    const whole = this.#carried.readUInt16LE(0) + 4;
    if (this.#carried.length >= whole) this.toPhone.push(this.#carried.subarray(4, whole));
  }

  #obey(opcode: number, parameters: Buffer): void {
    if (opcode === opcodes.disconnect) {
      this.tell([eventPacket, commandStatus, 4, 0, 1, ...word(opcode)]);
      if (this.#handle === parameters.readUInt16LE(0)) this.phoneGoes();
      return;
    }
    const answer = this.#answerTo(opcode, parameters);
    const head = [eventPacket, commandComplete, 3 + answer.length, 1, ...word(opcode)];
    this.tell([...head, ...answer]);
  }

  /** Status first. */
  #answerTo(opcode: number, parameters: Buffer): readonly number[] {
    switch (opcode) {
      case opcodes.readLocalVersion:
        return [0, 8, ...word(0), 8, ...word(0), ...word(0)];
      case opcodes.readAddress:
        return [0, 1, 2, 3, 4, 5, 6];
      case opcodes.readLeHostSupported:
        return [0, 1, 0];
      case opcodes.readLeBufferSize:
        return [0, ...word(251), 8];
      case opcodes.readRssi:
        return [0, parameters[0] ?? 0, parameters[1] ?? 0, 256 - 55];
      case opcodes.setAdvertiseEnable: {
        const wanted = parameters[0] === 1;
        if (wanted === this.isSeen) return [disallowed];
        this.isSeen = wanted;
        return [0];
      }
      default:
        return [0];
    }
  }
}

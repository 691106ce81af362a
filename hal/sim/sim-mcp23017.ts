import type { Level } from "../gpio.ts";
import type { SimChip } from "./sim-i2c.ts";

// The register numbers of Microchip DS20001952, table 3-5 (BANK = 0), written down a second time: a model
// that took them from the driver would agree with it in every mistake.
const IODIR = 0x00;
const IPOL = 0x02;
const GPINTEN = 0x04;
const INTCON = 0x08;
const IOCON = 0x0a;
const GPPU = 0x0c;
const INTF = 0x0e;
const INTCAP = 0x10;
const GPIO = 0x12;
const OLAT = 0x14;
const registerCount = 0x16;

const ioconBank = 0x80;
const ioconMirror = 0x40;
const ioconSeqop = 0x20;
const ioconOdr = 0x04;

const pinCount = 16;

/**
 * An MCP23017 and what is wired to its pins, which are 0 (A0) to 15 (B7). Interrupts are those of
 * INTCON = 0, at each change. It has no time: what a pin's level becomes, it is at once.
 */
export class SimMcp23017 implements SimChip {
  #registers = new Uint8Array(registerCount);
  readonly #pulls: (Level | undefined)[] = new Array<Level | undefined>(pinCount).fill(undefined);
  /** Pins that a key or a wire joins, by the lower pin and the higher. */
  readonly #joints = new Set<number>();
  #levels: readonly Level[] = [];
  #driven: readonly (Level | undefined)[] = [];
  readonly #drives: { readonly pin: number; readonly level: Level | undefined }[] = [];
  #hadShort = false;
  #interruptListener: ((level: Level) => void) | undefined;
  #interruptLevel: Level = 1;

  constructor() {
    this.losePower();
  }

  /** Its power fails and returns: it forgets everything, and every pin is an input. */
  losePower(): void {
    this.#registers = new Uint8Array(registerCount);
    this.#registers.fill(0xff, IODIR, IODIR + 2);
    this.#settle();
  }

  /** The world pulls a pin, or lets go. */
  pull(pin: number, level: Level | undefined): void {
    this.#pulls[pin] = level;
    this.#settle();
  }

  /** A key that joins two pins is pressed or let go. */
  join(one: number, other: number, state: "joined" | "apart"): void {
    const joint = Math.min(one, other) * pinCount + Math.max(one, other);
    if (state === "joined") this.#joints.add(joint);
    else this.#joints.delete(joint);
    this.#settle();
  }

  /** What a meter on a pin shows; undefined where nothing drives or pulls it. */
  levelOf(pin: number): Level | undefined {
    const net = this.#netOf(pin);
    const levels = net.map((member) => this.#drivenLevel(member) ?? this.#pulls[member]);
    // Of two that disagree, low wins: what sinks is the stronger.
    if (levels.includes(0)) return 0;
    const isPulledUp = net.some((member) => this.#bit(GPPU, member) && this.#bit(IODIR, member));
    return levels.includes(1) || isPulledUp ? 1 : undefined;
  }

  /** What this chip drives a pin to, whatever else is on it. */
  drivenLevel(pin: number): Level | undefined {
    return this.#drivenLevel(pin);
  }

  /**
   * All that this chip ever drove a pin to, in order, beginning with what it did when it was made;
   * undefined is an input.
   */
  drivesOf(pin: number): readonly (Level | undefined)[] {
    return this.#drives.filter((drive) => drive.pin === pin).map(({ level }) => level);
  }

  /** Whether two outputs that disagree were ever joined: a short circuit, by which a real chip may die. */
  hadShort(): boolean {
    return this.#hadShort;
  }

  /** Each change of its interrupt pins, which are wired together and pulled up. One listener. */
  watchInterrupt(listener: (level: Level) => void): void {
    this.#interruptListener = listener;
  }

  read(first: number, count: number): Uint8Array {
    const values = Uint8Array.from({ length: count }, (_, index) => {
      const register = this.#registerAt(first, index);
      const value = this.#registers[register] ?? 0;
      // DS20001952, 3.5.9 and 1.6: reading either clears the interrupt of its port.
      const port = register % 2;
      if (register === INTCAP + port || register === GPIO + port) this.#registers[INTF + port] = 0;
      return value;
    });
    this.#settle();
    return values;
  }

  write(first: number, values: Uint8Array): void {
    for (const [index, value] of values.entries()) {
      const register = this.#registerAt(first, index);
      const port = register % 2;
      if (register >= INTF && register < GPIO) continue;
      if (register === IOCON || register === IOCON + 1)
        this.#registers.fill(value, IOCON, IOCON + 2);
      else if (register === GPIO + port) this.#registers[OLAT + port] = value;
      else if (register < registerCount) this.#registers[register] = value;
    }
    this.#settle();
  }

  /** As another program may have set it. */
  setRegister(register: number, value: number): void {
    this.#registers[register] = value;
    this.#settle();
  }

  /** Where the n-th byte of a transaction goes, as an address of BANK = 0. */
  #registerAt(first: number, index: number): number {
    const iocon = this.#registers[IOCON] ?? 0;
    const isCounting = (iocon & ioconSeqop) === 0;
    if ((iocon & ioconBank) !== 0) {
      const address = isCounting ? first + index : first;
      // Port A is 0x00 to 0x0a and port B 0x10 to 0x1a.
      return (address & 0x0f) * 2 + (address >> 4);
    }
    if (!isCounting) return (first & ~1) + ((first + index) % 2);
    return (first + index) % registerCount;
  }

  #bit(register: number, pin: number): boolean {
    const port = pin >> 3;
    return (((this.#registers[register + port] ?? 0) >> (pin & 7)) & 1) === 1;
  }

  #drivenLevel(pin: number): Level | undefined {
    if (this.#bit(IODIR, pin)) return undefined;
    return this.#bit(OLAT, pin) ? 1 : 0;
  }

  /** All pins that are joined with this one, by any way round. */
  #netOf(pin: number): readonly number[] {
    const net = [pin];
    for (const member of net) {
      for (const joint of this.#joints) {
        const [one, other] = [Math.floor(joint / pinCount), joint % pinCount];
        if (one === member && !net.includes(other)) net.push(other);
        if (other === member && !net.includes(one)) net.push(one);
      }
    }
    return net;
  }

  /** Levels follow what drives the pins; interrupts follow levels. */
  #settle(): void {
    const before = this.#levels;
    const driven = Array.from({ length: pinCount }, (_, pin) => this.#drivenLevel(pin));
    for (const [pin, level] of driven.entries()) {
      if (this.#driven.length === 0 || level !== this.#driven[pin])
        this.#drives.push({ pin, level });
    }
    this.#driven = driven;
    for (const joint of this.#joints) {
      const net = this.#netOf(joint % pinCount).map((pin) => driven[pin]);
      this.#hadShort ||= net.includes(0) && net.includes(1);
    }
    // A floating input reads what it likes; here, low.
    this.#levels = Array.from({ length: pinCount }, (_, pin) => this.levelOf(pin) ?? 0);
    for (const port of [0, 1]) {
      const gpio = this.#wordOf(port, (pin) => (this.#levels[pin] === 1) !== this.#bit(IPOL, pin));
      const moved = this.#wordOf(
        port,
        (pin) =>
          this.#bit(GPINTEN, pin) &&
          !this.#bit(INTCON, pin) &&
          before[pin] !== undefined &&
          before[pin] !== this.#levels[pin],
      );
      this.#registers[GPIO + port] = gpio;
      // Captured once, until it is read: DS20001952, 3.5.9.
      if (moved !== 0 && this.#registers[INTF + port] === 0) {
        this.#registers[INTF + port] = moved;
        this.#registers[INTCAP + port] = gpio;
      }
    }
    this.#tellInterrupt();
  }

  #wordOf(port: number, isSet: (pin: number) => boolean): number {
    let word = 0;
    for (let bit = 0; bit < 8; bit += 1) if (isSet(port * 8 + bit)) word |= 1 << bit;
    return word;
  }

  #tellInterrupt(): void {
    const iocon = this.#registers[IOCON] ?? 0;
    const isMirrored = (iocon & ioconMirror) !== 0 && (iocon & ioconOdr) !== 0;
    const flags = (this.#registers[INTF] ?? 0) | (this.#registers[INTF + 1] ?? 0);
    const level = isMirrored && flags !== 0 ? 0 : 1;
    if (level === this.#interruptLevel) return;
    this.#interruptLevel = level;
    this.#interruptListener?.(level);
  }
}

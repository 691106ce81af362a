import { describeFailure } from "../../src/domain/describe-failure.ts";
import { HalError } from "../../src/domain/hal-error.ts";
import { type EdgeNs, monotonicMs } from "../../src/domain/time.ts";
import type { Alarm, Clock } from "../clock.ts";
import type { Gpio, InputLines, InputRequest, OutputLine, OutputRequest } from "../gpio.ts";
import type { I2cDevice } from "../i2c.ts";
import type { OutputAddress } from "../output-address.ts";
import { ExpanderInputs } from "./expander-inputs.ts";
import { ExpanderOutput } from "./expander-output.ts";
import { inputRegisterCount, registerCount, registers } from "./mcp23017-registers.ts";
import {
  adoptChip,
  type ChipSettings,
  changeChip,
  chipAtPowerOn,
  isSetAs,
  setChip,
} from "./mcp23017-settings.ts";
import { RequestedInputs } from "./requested-inputs.ts";

/** How often it is looked whether the chip is there and set as we set it: its power may have failed. */
const checkMs = 1_000;
/** Beside an interrupt line: fifty polls a second for nothing would cost a small board more than its idling. */
const lostInterruptMs = 250;
const probeMsMin = 100;
const probeMsMax = 5_000;
/** The spark of a relay spoils a transaction now and then. A second one in a row is no spark. */
const triesMax = 2;

export interface Mcp23017Options {
  readonly device: I2cDevice;
  readonly clock: Clock;
  /**
   * How often inputs are read. Beside an interrupt line that is only for one that got lost, and is done every
   * 250 ms at most.
   */
  readonly pollMs: number;
  /** The one line that its interrupt pins pull low. Closed with the expander. */
  readonly interrupt?: InputLines;
  /** The chip does not answer; it does again, and all its lines are as they were. */
  readonly onTrouble: (trouble: "raised" | "cleared") => void;
}

export interface Expander extends Gpio {
  /** Throws `HalError` `not_found`. */
  addressOf(line: string): OutputAddress;
  isPresent(): boolean;
  /** Leaves the lines as they are: closing each is for who opened it. Safe to call twice. */
  close(): void;
}

/**
 * The sixteen lines `A0` to `B7` of an MCP23017.
 *
 * A chip that is not there is no reason for a line not to open: it opens, and reading and driving it throw
 * `disconnected` at once, without a try, until the chip is back. Only then is it spoken to by the
 * background, which sets its registers anew before it counts as present: each output has the level that it
 * was last driven to, or its initial one if it should have been driven there meanwhile; so a strike that
 * should be secured is. Inputs are told that they were lost when the chip is found gone, and all of them as
 * edges when it is back. A chip that lost its power and came back between two looks is found out within a
 * second.
 *
 * It does *not* stamp edges as a kernel does: they carry the time of the interrupt or, without one, of the
 * poll. One short press between two polls is seen (the chip latches it), a second one is not, and without
 * an interrupt nobody knows how long it was: a contact believes what lasts for a poll and its debouncing.
 * Readers that send pulses are refused. There is no pull-down.
 *
 * Reading costs the event loop about 1 ms and driving 0.3 ms at 100 kHz, polling nothing. Lines A7 and B7
 * are best used as outputs: as inputs that move during a transaction they can spoil it (data sheet,
 * revision D).
 */
export function openMcp23017(options: Mcp23017Options): Expander {
  return new Mcp23017(options);
}

class Mcp23017 implements Expander {
  readonly #options: Mcp23017Options;
  readonly #name: string;
  readonly #held = new Map<number, string>();
  readonly #inputs: RequestedInputs;
  #presence: "present" | "absent" = "absent";
  #hasBeenPresent = false;
  #settings: ChipSettings = chipAtPowerOn;
  /** Counts transactions of the event loop: what was fetched across one is older than it. */
  #turn = 0;
  #alarm: Alarm | undefined;
  #probeMs = probeMsMin;
  #isFetching = false;
  #isAskedAgain = false;
  #interruptAt: EdgeNs | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: Mcp23017Options) {
    this.#options = options;
    const { device, clock, interrupt, onTrouble } = options;
    this.#inputs = new RequestedInputs(clock);
    this.#name = `expander 0x${device.address.toString(16)} on I2C bus ${device.bus}`;
    interrupt?.listen(({ level, at }) => {
      if (level === 1) return;
      this.#interruptAt ??= at;
      this.#poll();
    });
    try {
      this.#restore();
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      onTrouble("raised");
      this.#armProbe();
    }
  }

  isPresent(): boolean {
    return this.#presence === "present";
  }

  openInputs(request: InputRequest): InputLines {
    const { lines, bias, carries } = request;
    if (lines.length === 0) throw new HalError("not_supported", "a request needs a line");
    if (carries === "pulses") {
      throw new HalError(
        "not_supported",
        `${this.#name}: lines ${lines.join(", ")} are polled, and a Wiegand reader's bits are too short for that`,
      );
    }
    if (bias === "pull_down") {
      throw new HalError("not_supported", `${this.#name} has no pull-down for ${lines.join(", ")}`);
    }
    const bits = lines.map((line) => this.#freeBit(line));
    if (new Set(bits).size !== bits.length) {
      throw new HalError("in_use", `a line is named twice: ${lines.join(", ")}`);
    }
    for (const bit of bits) this.#held.set(bit, "an input");
    const mask = bits.reduce((word, bit) => word | (1 << bit), 0);
    const { direction, pullUp, interruptEnable } = this.#settings;
    this.#set({
      direction: direction | mask,
      pullUp: bias === "pull_up" ? pullUp | mask : pullUp & ~mask,
      interruptEnable: interruptEnable | mask,
    });
    const inputs = new ExpanderInputs(lines, bits, {
      read: () => this.#readInputs(),
      close: () => this.#closeInputs(inputs, bits, mask),
    });
    this.#inputs.add(inputs);
    this.#tryToRead();
    this.#armPoll();
    return inputs;
  }

  openOutput({ line, initial, drive = "push_pull" }: OutputRequest): OutputLine {
    const bit = this.#freeBit(line);
    this.#held.set(bit, "an output");
    const output = new ExpanderOutput({ line, bit, initial, drive }, this.#settings, {
      settings: () => this.#settings,
      prepare: (wanted) => this.#set(wanted),
      drive: (wanted) => this.#drive(wanted),
      keep: (wanted) => {
        this.#settings = { ...this.#settings, ...wanted };
      },
      free: () => this.#held.delete(bit),
    });
    return output;
  }

  addressOf(line: string): OutputAddress {
    const { device } = this.#options;
    const bit = this.#bitOf(line);
    const port = bit >> 3;
    return {
      kind: "i2c",
      device: `/dev/i2c-${device.bus}`,
      address: device.address,
      outputs: {
        register: registers.latch + port,
        directionRegister: registers.direction + port,
      },
      bit: bit & 7,
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#alarm?.cancel();
    this.#inputs.close();
    this.#options.interrupt?.close();
    this.#options.device.close();
  }

  #bitOf(line: string): number {
    const [, port, digit] = /^([AB])([0-7])$/.exec(line) ?? [];
    if (port === undefined) {
      throw new HalError("not_found", `${this.#name} has no line "${line}": A0 to A7, B0 to B7`);
    }
    return Number(digit) + (port === "B" ? 8 : 0);
  }

  #freeBit(line: string): number {
    const bit = this.#bitOf(line);
    const use = this.#held.get(bit);
    if (use !== undefined) throw new HalError("in_use", `line "${line}" is in use as ${use}`);
    return bit;
  }

  #closeInputs(inputs: ExpanderInputs, bits: readonly number[], mask: number): void {
    for (const bit of bits) this.#held.delete(bit);
    this.#inputs.remove(inputs);
    this.#set({ interruptEnable: this.#settings.interruptEnable & ~mask });
  }

  /** What is not there yet is set when it comes. */
  #set(wanted: Partial<ChipSettings>): void {
    try {
      this.#drive(wanted);
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      this.#settings = { ...this.#settings, ...wanted };
    }
  }

  /** Nothing is taken for set that was not written, and what is set already is written all the same. */
  #drive(wanted: Partial<ChipSettings>): void {
    this.#spokenTo(() => changeChip(this.#options.device, wanted));
    this.#settings = { ...this.#settings, ...wanted };
  }

  #readInputs(): number {
    const bytes = this.#spokenTo(() =>
      this.#options.device.readRegisters(registers.interruptFlags, inputRegisterCount),
    );
    const { levels } = this.#inputs.take(bytes);
    this.#inputs.handOverSoon();
    return levels;
  }

  #tryToRead(): void {
    try {
      this.#readInputs();
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
    }
  }

  /** Throws `disconnected`, at once where the chip is known to be gone. */
  #spokenTo<T>(action: () => T): T {
    if (this.#closed || this.#presence === "absent") {
      throw new HalError("disconnected", `${this.#name} does not answer`);
    }
    this.#turn += 1;
    for (let tries = 1; ; tries += 1) {
      try {
        return action();
      } catch (cause) {
        if (!(cause instanceof HalError)) throw cause;
        if (tries < triesMax) continue;
        this.#lose();
        throw new HalError("disconnected", `${this.#name}: ${describeFailure(cause)}`, { cause });
      }
    }
  }

  #lose(): void {
    this.#presence = "absent";
    this.#probeMs = probeMsMin;
    this.#options.onTrouble("raised");
    this.#inputs.lose();
    this.#armProbe();
  }

  #armProbe(): void {
    this.#arm(this.#probeMs, () => void this.#probe());
    this.#probeMs = Math.min(this.#probeMs * 2, probeMsMax);
  }

  async #probe(): Promise<void> {
    const isThere = await this.#options.device.probe();
    if (this.#closed || this.#presence === "present") return;
    if (isThere && this.#tryToRestore()) {
      this.#options.onTrouble("cleared");
      this.#inputs.handOver();
    } else this.#armProbe();
  }

  #tryToRestore(): boolean {
    try {
      this.#restore();
      return true;
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      return false;
    }
  }

  #restore(): void {
    const { device } = this.#options;
    this.#turn += 1;
    if (!this.#hasBeenPresent) {
      const ours = [...this.#held.keys()].reduce((word, bit) => word | (1 << bit), 0);
      this.#settings = adoptChip(device, this.#settings, ours);
    }
    const bytes = setChip(device, this.#settings);
    this.#presence = "present";
    this.#hasBeenPresent = true;
    this.#inputs.take(bytes.subarray(registers.interruptFlags));
    this.#checkedAt = this.#options.clock.monotonic();
    this.#armPoll();
  }

  #armPoll(): void {
    if (this.#presence === "absent" || this.#isFetching) return;
    const { pollMs, interrupt } = this.#options;
    const inputsMs = interrupt === undefined ? pollMs : Math.max(pollMs, lostInterruptMs);
    const waitMs = this.#inputs.count > 0 ? Math.min(inputsMs, checkMs) : checkMs;
    this.#arm(waitMs, () => this.#poll());
  }

  #arm(waitMs: number, due: () => void): void {
    this.#alarm?.cancel();
    if (this.#closed) return;
    const { clock } = this.#options;
    this.#alarm = clock.alarm(monotonicMs(clock.monotonic() + waitMs), due);
  }

  #poll(): void {
    if (this.#closed || this.#presence === "absent") return;
    if (this.#isFetching) {
      this.#isAskedAgain = true;
      return;
    }
    this.#isFetching = true;
    this.#alarm?.cancel();
    this.#fetch(1);
  }

  /** By one promise: what is done for nothing, twenty times a second, should be little. */
  #fetch(tries: number): void {
    const { device, clock } = this.#options;
    const turn = this.#turn;
    const movedAt = this.#interruptAt;
    this.#interruptAt = undefined;
    this.#isAskedAgain = false;
    const isCheck = clock.monotonic() - this.#checkedAt >= checkMs;
    const first = isCheck ? 0 : registers.interruptFlags;
    void device.fetchRegisters(first, isCheck ? registerCount : inputRegisterCount).then(
      (bytes) => {
        // What was read or written meanwhile is newer than this, or not: nobody can tell.
        if (turn !== this.#turn) this.#isAskedAgain = true;
        else if (isCheck && !isSetAs(this.#settings, bytes)) return this.#missed(tries);
        else this.#fetched(bytes, { first, movedAt });
        if (this.#isAskedAgain && this.#isPolling()) this.#fetch(tries);
        else this.#endPoll();
      },
      (error: unknown) => {
        if (!(error instanceof HalError)) throw error;
        this.#missed(tries);
      },
    );
  }

  #missed(tries: number): void {
    if (tries < triesMax && this.#isPolling()) return this.#fetch(tries + 1);
    if (this.#isPolling()) this.#lose();
    this.#endPoll();
  }

  #isPolling(): boolean {
    return this.#presence === "present" && !this.#closed;
  }

  #endPoll(): void {
    this.#isFetching = false;
    this.#armPoll();
  }

  #fetched(
    bytes: Uint8Array,
    { first, movedAt }: { readonly first: number; readonly movedAt: EdgeNs | undefined },
  ): void {
    if (!this.#isPolling()) return;
    if (first === 0) this.#checkedAt = this.#options.clock.monotonic();
    const found = bytes.subarray(registers.interruptFlags - first);
    if (this.#inputs.take(found, movedAt).told === "news") this.#inputs.handOver();
  }
}

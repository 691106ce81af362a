import { Gpio as OnoffLine } from "onoff";
import { describeFailure } from "../../../src/domain/describe-failure.ts";
import { HalError, type HalFailure } from "../../../src/domain/hal-error.ts";
import { type EdgeNs, edgeNs } from "../../../src/domain/time.ts";
import type {
  Edge,
  Gpio,
  InputLines,
  InputRequest,
  Level,
  OutputLine,
  OutputRequest,
} from "../../gpio.ts";
import type { OutputAddress } from "../../output-address.ts";
import { findSysfsLine } from "./find-sysfs-line.ts";

/**
 * The lines of /sys/class/gpio, by `onoff`: for kernels whose character device is too old. Lines are
 * named as `findSysfsLine` says.
 *
 * Weaker than `Gpio` promises, which is why lines that are read together, and pulses, are refused
 * (`HalError` `not_permitted`) unless `acceptWeakWiegand`: sysfs keeps no queue, so of edges that come
 * faster than the process runs only the last is seen; it stamps nothing, so `Edge.at` is when we looked;
 * and edges of different lines come in any order. Measured over 2,000 Wiegand frames with a process that
 * is busy 20 of every 100 ms: 769 right, and 68 wrong ones that passed parity. An edge whose opposite
 * went unseen leaves a gap in the sequence; but for pulses, each of which is over before we look: there
 * only its end is waited for and both edges are told then, as of a pulse of usual length. Of pulses that
 * came faster than we look one is told, and nobody notices; nor is a line that goes low and stays so.
 *
 * It cannot bias or debounce: a pull-up is set in the device tree (on a Pi `gpio=17=ip,pu` in
 * config.txt) or is a resistor. It has no open drain (`not_supported`).
 *
 * A line that sysfs had exported already is taken over: whoever died holding it left it so, and refusing
 * it would keep the door controller from ever starting again. Two programs can so hold one line.
 */
export function openSysfsGpio(
  options: { readonly classFolder?: string; readonly acceptWeakWiegand?: boolean } = {},
): Gpio {
  const { classFolder = "/sys/class/gpio", acceptWeakWiegand = false } = options;
  const held = new Map<number, string>();
  const find = (line: string) => findSysfsLine(classFolder, line);
  const take = (line: string, use: string): number => {
    const number = find(line);
    const holder = held.get(number);
    if (holder !== undefined) throw new HalError("in_use", `line "${line}" is in use as ${holder}`);
    held.set(number, use);
    return number;
  };
  const takeAll = (lines: readonly string[], use: string): readonly number[] => {
    const taken: number[] = [];
    try {
      for (const line of lines) taken.push(take(line, use));
      return taken;
    } catch (error) {
      for (const number of taken) held.delete(number);
      throw error;
    }
  };
  const release = (numbers: readonly number[]) => {
    for (const number of numbers) held.delete(number);
  };
  return {
    openInputs: (request) => {
      refuseWeak(request, acceptWeakWiegand);
      const numbers = takeAll(request.lines, "an input");
      try {
        return new SysfsInputs(request, openAll(request, numbers), () => release(numbers));
      } catch (error) {
        release(numbers);
        throw error;
      }
    },
    openOutput: ({ line, initial, drive = "push_pull" }: OutputRequest) => {
      if (drive === "open_drain") {
        throw new HalError("not_supported", `line ${line}: sysfs has no open drain`);
      }
      const numbers = takeAll([line], "an output");
      try {
        const opened = openOutputLine(line, numbers[0] ?? Number.NaN, initial);
        return new SysfsOutput(opened, { line, initial }, () => release(numbers));
      } catch (error) {
        release(numbers);
        throw error;
      }
    },
    addressOf: (line): OutputAddress => ({
      kind: "sysfs",
      folder: `${classFolder}/gpio${find(line)}`,
    }),
  };
}

function refuseWeak({ lines, carries }: InputRequest, accepted: boolean): void {
  if (lines.length === 0) throw new HalError("not_supported", "a request needs a line");
  if (accepted || (lines.length === 1 && carries !== "pulses")) return;
  throw new HalError(
    "not_permitted",
    `lines ${lines.join(", ")}: sysfs loses edges, and those of lines that are read together come in any ` +
      "order; of a Wiegand reader's pulses it so makes wrong cards that pass parity. Take the driver " +
      '"character_device"; or accept that by name, with board.accept_weak_wiegand = true',
  );
}

function openAll(
  { lines, carries }: InputRequest,
  numbers: readonly number[],
): readonly SysfsLine[] {
  const opened: SysfsLine[] = [];
  const edge = carries === "pulses" ? "rising" : "both";
  try {
    for (const [index, number] of numbers.entries()) {
      opened.push(openLine(lines[index] ?? "", number, { direction: "in", edge }));
    }
    return opened;
  } catch (error) {
    for (const line of opened) line.unexport();
    throw error;
  }
}

/** `onoff` goes on quietly where a line was exported already and cannot be set: so it is asked. */
function openOutputLine(line: string, number: number, initial: Level): SysfsLine {
  const direction = initial === 1 ? "high" : "low";
  const opened = openLine(line, number, { direction, edge: "none" });
  if (opened.direction() === "out" && opened.level() === initial) return opened;
  opened.unexport();
  throw new HalError("io", `line ${line}: sysfs did not make it an output at its initial level`);
}

/** Its chip may go while it is watched, and what `onoff` then throws nobody could catch. */
class SysfsLine extends OnoffLine {
  /** Called by `onoff` from the event loop. Throws nothing: a line that cannot be read has no edges. */
  override readSync(): Level {
    try {
      return super.readSync();
    } catch {
      this.unwatchAll();
      return 0;
    }
  }

  /** Throws what the kernel says. */
  level(): Level {
    return super.readSync();
  }
}

function openLine(
  line: string,
  number: number,
  {
    direction,
    edge,
  }: {
    readonly direction: "in" | "high" | "low";
    readonly edge: "none" | "rising" | "both";
  },
): SysfsLine {
  try {
    return new SysfsLine(number, direction, edge, { activeLow: false });
  } catch (cause) {
    const kind = kindOf(cause);
    const holder = kind === "in_use" ? "; sysfs does not say by whom, gpioinfo does" : "";
    throw new HalError(kind, `line ${line}: ${describeFailure(cause)}${holder}`, { cause });
  }
}

const kinds: Readonly<Record<string, HalFailure>> = {
  EBUSY: "in_use",
  EACCES: "not_permitted",
  EPERM: "not_permitted",
  ENOENT: "disconnected",
  ENODEV: "disconnected",
  EBADF: "disconnected",
  EINVAL: "not_supported",
};

function kindOf(cause: unknown): HalFailure {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return kinds[code] ?? "io";
}

/** SIA AC-01: 20 to 100 us. */
const usualPulseNs = 50_000;

class SysfsInputs implements InputLines {
  readonly lines: readonly string[];
  readonly #carries: NonNullable<InputRequest["carries"]>;
  readonly #opened: readonly SysfsLine[];
  readonly #release: () => void;
  #state: "open" | "listening" | "closed" = "open";
  #sequence = 0;
  #lastAt = edgeNs(0);

  constructor(
    { lines, carries = "levels" }: InputRequest,
    opened: readonly SysfsLine[],
    release: () => void,
  ) {
    this.lines = lines;
    this.#carries = carries;
    this.#opened = opened;
    this.#release = release;
  }

  read(index: number): Level {
    const line = this.#opened[index];
    if (line === undefined) throw new HalError("not_found", `no line ${index} in this request`);
    if (this.#state === "closed") {
      throw new HalError("disconnected", `line ${this.lines[index]} was closed`);
    }
    try {
      return line.level();
    } catch (cause) {
      throw new HalError("disconnected", `line ${this.lines[index]}: ${describeFailure(cause)}`, {
        cause,
      });
    }
  }

  listen(listener: (edge: Edge) => void): void {
    if (this.#state !== "open") throw new Error("these lines have their one listener already");
    this.#state = "listening";
    for (const [line, opened] of this.#opened.entries()) {
      const told = (level: Level, at: EdgeNs) => {
        this.#sequence += 1;
        this.#lastAt = at;
        listener({ line, level, at, sequence: this.#sequence });
      };
      // Reading also takes back what the kernel would wake us for.
      let known = this.read(line);
      opened.watch((error, level) => {
        if (this.#state === "closed" || error instanceof Error) return;
        const [seconds, nanoseconds] = process.hrtime();
        const at = edgeNs(seconds * 1e9 + nanoseconds);
        if (this.#carries === "pulses") {
          // One that ended before another was told is too short for any reader: a misread.
          told(0, edgeNs(Math.max(this.#lastAt, at - usualPulseNs)));
          told(1, at);
        } else if (level === known) {
          // Two edges at least made one.
          this.#sequence += 2;
        } else {
          known = level;
          told(level, at);
        }
      });
    }
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    for (const line of this.#opened) line.unexport();
    this.#release();
  }
}

class SysfsOutput implements OutputLine {
  readonly line: string;
  readonly #opened: SysfsLine;
  readonly #initial: Level;
  readonly #release: () => void;
  #driven: Level;
  #state: "open" | "closed" = "open";

  constructor(
    opened: SysfsLine,
    { line, initial }: { readonly line: string; readonly initial: Level },
    release: () => void,
  ) {
    this.line = line;
    this.#opened = opened;
    this.#initial = initial;
    this.#driven = initial;
    this.#release = release;
  }

  drive(level: Level): void {
    if (this.#state === "closed") {
      throw new HalError("disconnected", `line ${this.line} was closed`);
    }
    try {
      this.#opened.writeSync(level);
    } catch (cause) {
      throw new HalError(kindOf(cause), `line ${this.line}: ${describeFailure(cause)}`, { cause });
    }
    this.#driven = level;
  }

  driven(): Level {
    return this.#driven;
  }

  close(): void {
    if (this.#state === "closed") return;
    try {
      this.drive(this.#initial);
    } finally {
      this.#state = "closed";
      this.#opened.unexport();
      this.#release();
    }
  }
}

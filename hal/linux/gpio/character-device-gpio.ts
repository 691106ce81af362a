import { HalError } from "../../../src/domain/hal-error.ts";
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
import { EdgeOrder } from "./edge-order.ts";
import { describeChip, type FoundLine, findLine } from "./find-line.ts";
import {
  type NativeGpio,
  type NativeRequest,
  nativeGpio,
  numbersPerEdge,
  type Refusal,
  refusalKind,
  refused,
} from "./native-gpio.ts";

/** GPIO_MAX_NAME_SIZE of the kernel, less its NUL. */
const consumerBytesMax = 31;
/** What gpio.c can number in the bits of one read. */
const linesMax = 32;
const biases = { none: 0, pull_up: 1, pull_down: 2 } as const;

/**
 * The lines of the GPIO character devices, by the second edition of their interface (Linux 5.10 or
 * newer). Lines are named as `findLine` says. A request is one request to the kernel, so that edges of
 * all its lines stand in one queue, stamped and numbered in the interrupt (`EdgeOrder` says what is
 * made of it); its lines must be of one chip. The queue holds 1,024 edges; beyond it the oldest are lost,
 * with a gap.
 *
 * `bias` and `debounceMs` are asked of the kernel; a chip that cannot pull its lines does not, silently.
 * After a chip was pulled out no edge comes any more, and `read` and `drive` throw `disconnected`.
 * A listening request keeps the process alive.
 *
 * What a line does when its holder dies, `kill -9` included, is the chip's affair: most keep the level.
 *
 * `consumer` is what others are told of who holds a line: at most 31 bytes.
 */
export function openCharacterDeviceGpio(
  options: {
    readonly deviceFolder?: string;
    readonly consumer?: string;
    readonly native?: NativeGpio;
  } = {},
): Gpio {
  const { deviceFolder = "/dev", consumer = "postern", native = nativeGpio() } = options;
  if (Buffer.byteLength(consumer) > consumerBytesMax) {
    throw new HalError(
      "not_supported",
      `consumer "${consumer}": at most ${consumerBytesMax} bytes`,
    );
  }
  const find = (line: string) => findLine(native, deviceFolder, line);
  return {
    openInputs: (request) => openInputs({ native, consumer, find }, request),
    openOutput: (request) => openOutput({ native, consumer, find }, request),
    addressOf: (line): OutputAddress => {
      const { chip, offset } = find(line);
      return { kind: "gpio", device: chip.path, offset };
    },
  };
}

interface Opening {
  readonly native: NativeGpio;
  readonly consumer: string;
  readonly find: (line: string) => FoundLine;
}

function openInputs({ native, consumer, find }: Opening, request: InputRequest): InputLines {
  const { lines, bias, debounceMs = 0 } = request;
  const found = lines.map(find);
  const [first] = found;
  if (first === undefined || found.length > linesMax) {
    throw new HalError("not_supported", `a request has 1 to ${linesMax} lines`);
  }
  const elsewhere = found.find(({ chip }) => chip.path !== first.chip.path);
  if (elsewhere !== undefined) {
    throw new HalError(
      "not_supported",
      `lines ${lines.join(", ")} are read as one, so they must be on one chip; they are on ` +
        `${describeChip(first.chip)} and ${describeChip(elsewhere.chip)}`,
    );
  }
  const offsets = found.map(({ offset }) => offset);
  if (new Set(offsets).size !== offsets.length) {
    throw new HalError("in_use", `a line is named twice: ${lines.join(", ")}`);
  }
  const ask = (debounceUs: number) =>
    native.requestInputs(first.chip.path, offsets, consumer, biases[bias], debounceUs);
  let opened = ask(Math.round(debounceMs * 1e3));
  if (debounceMs > 0 && typeof opened === "number" && refusalKind(opened) === "not_supported") {
    // The device above debounces anyway.
    opened = ask(0);
  }
  if (typeof opened === "number") throw cannotOpen(native, lines, found, opened);
  return new CharacterDeviceInputs(native, opened, lines);
}

function openOutput({ native, consumer, find }: Opening, request: OutputRequest): OutputLine {
  const { line, initial, drive = "push_pull" } = request;
  const found = find(line);
  const { chip, offset } = found;
  const isOpenDrain = drive === "open_drain";
  const opened = native.requestOutput(chip.path, offset, consumer, initial, isOpenDrain);
  if (typeof opened === "number") throw cannotOpen(native, [line], [found], opened);
  return new CharacterDeviceOutput(native, opened, { line, initial });
}

/** The kernel says only that one of them is taken: which, and by whom, it is asked. */
function cannotOpen(
  native: NativeGpio,
  lines: readonly string[],
  found: readonly FoundLine[],
  refusal: Refusal,
): HalError {
  if (refusalKind(refusal) !== "in_use") return refused(`lines ${lines.join(", ")}`, refusal);
  const taken = found.flatMap(({ chip, offset }, index) => {
    const info = native.line(chip.path, offset);
    if (typeof info === "number" || !info.isUsed) return [];
    const holder = info.consumer === "" ? "a holder without a name" : `"${info.consumer}"`;
    return [`line "${lines[index]}" (${describeChip(chip)} line ${offset}) by ${holder}`];
  });
  const hint = taken.some((one) => one.endsWith('"sysfs"'))
    ? "; a line that was exported stays so after its program: write its number to " +
      "/sys/class/gpio/unexport"
    : "";
  return new HalError("in_use", `in use: ${taken.join(", ")}${hint}`);
}

class CharacterDeviceInputs implements InputLines {
  readonly lines: readonly string[];
  readonly #native: NativeGpio;
  readonly #request: NativeRequest;
  #state: "open" | "closed" = "open";
  #listener: ((edge: Edge) => void) | undefined;
  #order: EdgeOrder | undefined;
  #again: NodeJS.Immediate | undefined;

  constructor(native: NativeGpio, request: NativeRequest, lines: readonly string[]) {
    this.#native = native;
    this.#request = request;
    this.lines = lines;
  }

  read(line: number): Level {
    if (this.lines[line] === undefined) {
      throw new HalError("not_found", `no line ${line} in this request`);
    }
    return levelOf(this.#bits(), line);
  }

  readAll(): readonly Level[] {
    const bits = this.#bits();
    return this.lines.map((_, line) => levelOf(bits, line));
  }

  listen(listener: (edge: Edge) => void): void {
    if (this.#listener !== undefined)
      throw new Error("these lines have their one listener already");
    this.#listener = listener;
    const lastSequence = this.#native.listen(this.#request, (edges, count) =>
      this.#queued(edges, count),
    );
    if (lastSequence < 0) throw refused(`lines ${this.lines.join(", ")}`, lastSequence);
    const levels = this.readAll();
    this.#order = new EdgeOrder({ levels, since: nowNs(), lastSequence });
  }

  close(): void {
    this.#state = "closed";
    clearImmediate(this.#again);
    this.#native.close(this.#request);
  }

  #bits(): number {
    const bits = this.#native.read(this.#request);
    if (bits < 0) throw refused(`lines ${this.lines.join(", ")}`, bits);
    return bits;
  }

  /** A negative count says that the chip is gone: `read` says so from now on. */
  #queued(edges: Float64Array, count: number): void {
    for (let at = 0; at < count * numbersPerEdge; at += numbersPerEdge) {
      this.#order?.add({
        line: edges[at] ?? 0,
        level: edges[at + 1] === 0 ? 0 : 1,
        at: edgeNs(edges[at + 2] ?? 0),
        sequence: edges[at + 3] ?? 0,
      });
    }
    this.#release();
  }

  #release(): void {
    const order = this.#order;
    if (order === undefined || this.#state === "closed") return;
    order.release(nowNs(), (edge) => {
      // The listener may have closed them at the edge before.
      if (this.#state === "open") this.#listener?.(edge);
    });
    if (!order.isWaiting) return;
    // For a millisecond at most, and only after the kernel was late: no timer is as short.
    clearImmediate(this.#again);
    this.#again = setImmediate(() => this.#release());
  }
}

/** CLOCK_MONOTONIC, with which the kernel stamps. */
function nowNs(): EdgeNs {
  const [seconds, nanoseconds] = process.hrtime();
  return edgeNs(seconds * 1e9 + nanoseconds);
}

function levelOf(bits: number, line: number): Level {
  return ((bits >>> line) & 1) === 0 ? 0 : 1;
}

class CharacterDeviceOutput implements OutputLine {
  readonly line: string;
  readonly #native: NativeGpio;
  readonly #request: NativeRequest;
  readonly #initial: Level;
  #driven: Level;
  #state: "open" | "closed" = "open";

  constructor(
    native: NativeGpio,
    request: NativeRequest,
    { line, initial }: { readonly line: string; readonly initial: Level },
  ) {
    this.#native = native;
    this.#request = request;
    this.line = line;
    this.#initial = initial;
    this.#driven = initial;
  }

  drive(level: Level): void {
    const refusal = this.#native.drive(this.#request, level);
    if (refusal < 0) throw refused(`line ${this.line}`, refusal);
    this.#driven = level;
  }

  driven(): Level {
    return this.#driven;
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    try {
      this.drive(this.#initial);
    } finally {
      this.#native.close(this.#request);
    }
  }
}

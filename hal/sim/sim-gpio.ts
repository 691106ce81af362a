import { HalError } from "../../src/domain/hal-error.ts";
import { type EdgeNs, edgeNs, type MonotonicMs, monotonicMs } from "../../src/domain/time.ts";
import type { Alarm, Clock } from "../clock.ts";
import type { Edge, Gpio, InputLines, InputRequest, Level, OutputLine } from "../gpio.ts";
import { type FaultSettings, Faults, lateMsMax } from "./faults.ts";

/** What the world does to a line: pulls it to a level, or lets go, so that its bias decides. */
export type Pull = Level | "let_go";

export interface PlannedPull {
  readonly line: string;
  readonly pull: Pull;
  readonly at: EdgeNs;
}

/** A level that changed on a line that we drive, and when. */
export interface OutputChange {
  readonly line: string;
  readonly level: Level;
  readonly at: EdgeNs;
}

/** As the kernel's queue does for a request: beyond it the oldest edges are lost, with a gap. */
export const queuedEdgesMax = 1_024;

/** Pulls that may be planned ahead: some hundred frames. More is a mistake of the caller. */
export const plannedPullsMax = 65_536;

interface EdgeFate {
  readonly at: EdgeNs;
  readonly lost: boolean;
  readonly lateNs: number;
}

interface Planned extends EdgeFate {
  readonly line: SimLine;
  readonly pull: Pull;
  readonly happened: (() => void) | undefined;
}

interface SimLine {
  readonly name: string;
  pull: Pull;
  bias: InputRequest["bias"];
  driven: Level | undefined;
  holder: SimInputLines | SimOutputLine | undefined;
  connection: "connected" | "disconnected";
}

/**
 * Lines as a kernel offers them, with the world behind them in our hands. A pull that is planned for
 * an instant becomes an edge with exactly that stamp, however late the process gets round to it, and
 * the edges of one request come in the order of their stamps. Nothing runs while nothing is planned.
 *
 * An output that was freed keeps its last level, as the register of most chips does.
 */
export class SimGpio implements Gpio {
  readonly faults = new Faults();
  readonly #clock: Clock;
  readonly #lines: ReadonlyMap<string, SimLine>;
  readonly #requests = new Set<SimInputLines>();
  #outputListener: ((change: OutputChange) => void) | undefined;
  /** By instant; those of one instant in the order in which they were planned. */
  #planned: Planned[] = [];
  #happenedUntil = edgeNs(0);
  /** To be told by the next pump, after the edges. */
  readonly #happened: (() => void)[] = [];
  #alarm: Alarm | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;

  constructor(options: { readonly clock: Clock; readonly lines: readonly string[] }) {
    this.#clock = options.clock;
    const fresh = (name: string): SimLine => ({
      name,
      pull: "let_go",
      bias: "none",
      driven: undefined,
      holder: undefined,
      connection: "connected",
    });
    this.#lines = new Map(options.lines.map((name) => [name, fresh(name)]));
  }

  get lines(): readonly string[] {
    return [...this.#lines.keys()];
  }

  openInputs(request: InputRequest): InputLines {
    if (request.lines.length === 0) throw new HalError("not_supported", "a request needs a line");
    const lines = request.lines.map((name) => this.#free(name));
    if (new Set(lines).size !== lines.length) {
      throw new HalError("in_use", `a line is named twice: ${request.lines.join(", ")}`);
    }
    const inputs = new SimInputLines(this, lines);
    for (const line of lines) {
      line.holder = inputs;
      line.bias = request.bias;
    }
    this.#requests.add(inputs);
    return inputs;
  }

  openOutput(request: { readonly line: string; readonly initial: Level }): OutputLine {
    const line = this.#free(request.line);
    const output = new SimOutputLine(this, line, request.initial);
    line.holder = output;
    try {
      this.driveOutput(line, request.initial);
    } catch (error) {
      this.release(output);
      throw error;
    }
    return output;
  }

  /** The world pulls a line, now. */
  pull(line: string, pull: Pull): void {
    this.plan([{ line, pull, at: this.nowNs() }]);
    this.happen();
  }

  /**
   * What the world will do. `happened` is called once the last of them is on its line and has been
   * handed over, unless a fault holds it back. Where the first instant has passed already, because the
   * process was held up, all of them move to later alike. Returns the instant of the last.
   */
  plan(pulls: readonly PlannedPull[], happened?: () => void): EdgeNs {
    if (this.#planned.length + pulls.length > plannedPullsMax) {
      throw new Error(`more than ${plannedPullsMax} pulls are planned`);
    }
    this.happen();
    const instants = pulls.map((pull) => pull.at);
    // Moving only those that have passed would squeeze pulses together that were well apart.
    const behindNs = Math.max(0, this.nowNs() - Math.min(...instants));
    const lastAt = edgeNs(Math.max(...instants) + behindNs);
    const last = pulls.findLastIndex((pull) => pull.at + behindNs === lastAt);
    for (const [index, { line, pull, at }] of pulls.entries()) {
      const late = this.faults.occurs("lateCallback", line);
      this.#insert({
        line: this.#line(line),
        pull,
        at: edgeNs(at + behindNs),
        lost: this.faults.occurs("lostEdge", line),
        lateNs: late ? this.faults.stream("lateCallback", line).between(5, lateMsMax) * 1e6 : 0,
        happened: index === last ? happened : undefined,
      });
    }
    this.arm();
    return lastAt;
  }

  /** Forgets what is planned for a line and has not happened. */
  cancelPlanned(line: string): void {
    this.happen();
    this.#planned = this.#planned.filter((planned) => planned.line.name !== line);
  }

  /** The level as a meter on the terminal shows it; undefined where nothing drives or biases it. */
  levelOf(line: string): Level | undefined {
    this.happen();
    return this.effectiveLevel(this.#line(line));
  }

  /** One listener: each change on a line that we drive, from within the call that drives it. */
  watchOutputs(listener: (change: OutputChange) => void): void {
    if (this.#outputListener !== undefined) throw new Error("outputs have their one listener");
    this.#outputListener = listener;
  }

  /** Replaces all faults; each seeded stream begins anew. A line that sticks is at its level now. */
  setFaults(settings: FaultSettings): void {
    this.happen();
    const before = [...this.#lines.values()].map((line) => this.effectiveLevel(line));
    this.faults.set(settings);
    for (const [index, line] of [...this.#lines.values()].entries()) {
      this.#tell(line, before[index], { at: this.nowNs(), lost: false, lateNs: 0 });
    }
    this.arm();
  }

  /** Its chip is gone: reading and driving throw `disconnected` until it is connected again. */
  setConnection(line: string, connection: SimLine["connection"]): void {
    this.#line(line).connection = connection;
  }

  /**
   * Until when edges that have happened are held back. A callback is late because its process does not
   * run: whatever else that process has to do is late too, its timers before all.
   */
  heldUntil(): MonotonicMs | undefined {
    this.happen();
    const now = this.nowNs();
    for (const request of this.#requests) {
      const at = request.handOverAt();
      if (at > now && at !== Number.POSITIVE_INFINITY) return monotonicMs(at / 1e6);
    }
    return undefined;
  }

  nowNs(): EdgeNs {
    // Never before what has happened already: a double's last digit must not undo the order.
    return edgeNs(Math.max(this.#happenedUntil, Math.round(this.#clock.monotonic() * 1e6)));
  }

  /** Puts on the lines what is due by now. Hands nothing over: that is the pump's. */
  happen(): void {
    const now = this.nowNs();
    for (let next = this.#planned[0]; next !== undefined && next.at <= now; ) {
      this.#planned.shift();
      const before = this.effectiveLevel(next.line);
      next.line.pull = next.pull;
      this.#tell(next.line, before, next);
      if (next.happened !== undefined) this.#happened.push(next.happened);
      next = this.#planned[0];
    }
    this.#happenedUntil = now;
  }

  effectiveLevel(line: SimLine): Level | undefined {
    const stuck = this.faults.stuck(line.name);
    if (stuck !== undefined) return stuck;
    if (line.holder instanceof SimOutputLine) return line.driven;
    if (line.pull !== "let_go") return line.pull;
    if (line.bias !== "none") return line.bias === "pull_up" ? 1 : 0;
    return line.driven;
  }

  driveOutput(line: SimLine, level: Level): void {
    if (line.connection === "disconnected") {
      throw new HalError("disconnected", `line ${line.name}: the chip is gone`);
    }
    const before = this.effectiveLevel(line);
    line.driven = level;
    const after = this.effectiveLevel(line);
    if (after === undefined || after === before) return;
    this.#outputListener?.({ line: line.name, level: after, at: this.nowNs() });
  }

  release(holder: SimInputLines | SimOutputLine): void {
    for (const line of this.#lines.values()) {
      if (line.holder === holder) line.holder = undefined;
    }
    if (holder instanceof SimInputLines) this.#requests.delete(holder);
  }

  /** One alarm at most, for the earliest thing that is planned or waits to be handed over. */
  arm(): void {
    let at = this.#planned[0]?.at ?? Number.POSITIVE_INFINITY;
    for (const request of this.#requests) at = Math.min(at, request.handOverAt());
    if (this.#alarm !== undefined && this.#alarmAt <= at) return;
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#alarmAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#alarm = this.#clock.alarm(monotonicMs(at / 1e6), () => this.#pump());
  }

  #pump(): void {
    this.#alarm = undefined;
    this.#alarmAt = Number.POSITIVE_INFINITY;
    this.happen();
    const now = this.nowNs();
    for (const request of [...this.#requests]) request.handOver(now);
    for (const happened of this.#happened.splice(0)) happened();
    this.arm();
  }

  #insert(planned: Planned): void {
    let place = this.#planned.length;
    while (place > 0 && (this.#planned[place - 1]?.at ?? 0) > planned.at) place -= 1;
    this.#planned.splice(place, 0, planned);
  }

  #tell(line: SimLine, before: Level | undefined, edge: EdgeFate): void {
    const level = this.effectiveLevel(line);
    if (level === undefined || level === before) return;
    if (line.holder instanceof SimInputLines) line.holder.record(line, level, edge);
    else if (line.holder !== undefined) {
      this.#outputListener?.({ line: line.name, level, at: edge.at });
    }
  }

  #line(name: string): SimLine {
    const line = this.#lines.get(name);
    if (line === undefined) throw new HalError("not_found", `the board has no line "${name}"`);
    return line;
  }

  #free(name: string): SimLine {
    const line = this.#line(name);
    if (line.holder !== undefined) {
      throw new HalError("in_use", `line "${name}" is in use as ${line.holder.use}`);
    }
    return line;
  }
}

class SimInputLines implements InputLines {
  readonly use = "an input";
  readonly lines: readonly string[];
  readonly #gpio: SimGpio;
  readonly #own: readonly SimLine[];
  #listener: ((edge: Edge) => void) | undefined;
  #queue: { readonly edge: Edge; readonly handOverAt: number }[] = [];
  #sequence = 0;

  constructor(gpio: SimGpio, own: readonly SimLine[]) {
    this.#gpio = gpio;
    this.#own = own;
    this.lines = own.map((line) => line.name);
  }

  read(index: number): Level {
    const line = this.#own[index];
    if (line === undefined) throw new HalError("not_found", `no line ${index} in this request`);
    if (line.connection === "disconnected" || line.holder !== this) {
      throw new HalError("disconnected", `line ${line.name}: closed, or the chip is gone`);
    }
    this.#gpio.happen();
    // Without bias or anything that pulls, a line reads what it likes; here, low.
    return this.#gpio.effectiveLevel(line) ?? 0;
  }

  listen(listener: (edge: Edge) => void): void {
    if (this.#listener !== undefined)
      throw new Error("these lines have their one listener already");
    this.#gpio.happen();
    this.#listener = listener;
  }

  close(): void {
    this.#queue = [];
    this.#gpio.release(this);
  }

  record(line: SimLine, level: Level, edge: EdgeFate): void {
    if (this.#listener === undefined) return;
    this.#sequence += 1;
    if (edge.lost) return;
    if (this.#queue.length === queuedEdgesMax) this.#queue.shift();
    this.#queue.push({
      edge: { line: this.#own.indexOf(line), level, at: edge.at, sequence: this.#sequence },
      handOverAt: edge.at + edge.lateNs,
    });
  }

  handOverAt(): number {
    return this.#queue[0]?.handOverAt ?? Number.POSITIVE_INFINITY;
  }

  handOver(now: EdgeNs): void {
    for (let next = this.#queue[0]; next !== undefined && next.handOverAt <= now; ) {
      this.#queue.shift();
      this.#listener?.(next.edge);
      next = this.#queue[0];
    }
  }
}

class SimOutputLine implements OutputLine {
  readonly use = "an output";
  readonly line: string;
  readonly #gpio: SimGpio;
  readonly #own: SimLine;
  readonly #initial: Level;
  #driven: Level;

  constructor(gpio: SimGpio, own: SimLine, initial: Level) {
    this.#gpio = gpio;
    this.#own = own;
    this.#initial = initial;
    this.#driven = initial;
    this.line = own.name;
  }

  drive(level: Level): void {
    if (this.#own.holder !== this) {
      throw new HalError("disconnected", `line ${this.line} was closed`);
    }
    this.#gpio.driveOutput(this.#own, level);
    this.#driven = level;
  }

  driven(): Level {
    return this.#driven;
  }

  close(): void {
    if (this.#own.holder !== this) return;
    try {
      this.drive(this.#initial);
    } finally {
      this.#gpio.release(this);
    }
  }
}

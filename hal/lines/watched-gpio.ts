import { HalError } from "../../src/domain/hal-error.ts";
import type { BoardLineState, BoardLines } from "../board-lines.ts";
import type { Edge, Gpio, InputLines, Level, OutputLine } from "../gpio.ts";
import type { LineUse } from "./line-uses.ts";

interface WatchedLine {
  readonly direction: "input" | "output";
  /** Throws `HalError` where the chip does not answer. */
  readonly level: () => Level;
  changeCount: number;
}

const unreadable = "its chip does not answer";

/**
 * The same lines, looked at while they are used. It costs each edge a count and each write another:
 * nothing is kept of what happened, and while nobody watches nobody is called.
 */
export function watchGpio(
  gpio: Gpio,
  uses: ReadonlyMap<string, LineUse>,
): { readonly gpio: Gpio; readonly lines: BoardLines } {
  const opened = new Map<string, WatchedLine>();
  const watchers = new Set<(line: string) => void>();
  const tell = (name: string) => {
    for (const watcher of watchers) watcher(name);
  };
  const changed = (name: string, line: WatchedLine) => {
    line.changeCount += 1;
    tell(name);
  };
  const keep = (name: string, line: Omit<WatchedLine, "changeCount">): WatchedLine => {
    const kept = { ...line, changeCount: 0 };
    opened.set(name, kept);
    return kept;
  };
  return {
    gpio: {
      openInputs: (request) => {
        const inputs = gpio.openInputs(request);
        const own = request.lines.map((name, index) =>
          keep(name, { direction: "input", level: () => inputs.read(index) }),
        );
        return watchedInputs(inputs, {
          onEdge: ({ line }) => {
            const name = request.lines[line];
            const its = own[line];
            if (name !== undefined && its !== undefined) changed(name, its);
          },
          onLoss: () => {
            for (const name of request.lines) tell(name);
          },
        });
      },
      openOutput: (request) => {
        const output = gpio.openOutput(request);
        const own = keep(request.line, { direction: "output", level: () => output.driven() });
        return watchedOutput(output, () => changed(request.line, own));
      },
    },
    lines: {
      names: () => [...opened.keys()],
      state: (name) => stateOf(name, opened.get(name), uses.get(name)),
      watch: (onChange) => {
        watchers.add(onChange);
        return () => watchers.delete(onChange);
      },
    },
  };
}

function watchedInputs(
  inputs: InputLines,
  { onEdge, onLoss }: { readonly onEdge: (edge: Edge) => void; readonly onLoss: () => void },
): InputLines {
  const { readAll, watchLoss } = inputs;
  return {
    lines: inputs.lines,
    read: (line) => inputs.read(line),
    ...(readAll && { readAll: () => readAll.call(inputs) }),
    listen: (listener) =>
      inputs.listen((edge) => {
        listener(edge);
        onEdge(edge);
      }),
    ...(watchLoss && {
      watchLoss: (listener) =>
        watchLoss.call(inputs, (at) => {
          listener(at);
          onLoss();
        }),
    }),
    close: () => inputs.close(),
  };
}

function watchedOutput(output: OutputLine, onChange: () => void): OutputLine {
  return {
    line: output.line,
    drive: (level) => {
      const before = output.driven();
      output.drive(level);
      if (level !== before) onChange();
    },
    driven: () => output.driven(),
    close: () => output.close(),
  };
}

function stateOf(
  line: string,
  watched: WatchedLine | undefined,
  use: LineUse | undefined,
): BoardLineState | undefined {
  if (watched === undefined) return undefined;
  const { direction, changeCount } = watched;
  const level = levelOf(watched);
  const meaning = level === null ? unreadable : (use?.meanings[level] ?? "");
  return { line, direction, use: use?.use ?? "", level, meaning, changeCount };
}

function levelOf({ level }: WatchedLine): Level | null {
  try {
    return level();
  } catch (error) {
    if (error instanceof HalError) return null;
    throw error;
  }
}

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import type { Edge, Gpio, InputLines, InputRequest, Level } from "../../hal/gpio.ts";
import { HalError } from "../../src/domain/hal-error.ts";
import { edgeNs } from "../../src/domain/time.ts";

/**
 * Input lines by libgpiod's `gpiomon` (1.6, Debian 12) as a child process, as many programs read them:
 * for comparison with what we do. It has no sequence numbers: what is lost is lost unnoticed.
 */
export function openGpiomonGpio(): Gpio {
  return {
    openInputs: (request) => new GpiomonLines(request),
    openOutput: () => {
      throw new HalError("not_supported", "gpiomon only reads");
    },
  };
}

class GpiomonLines implements InputLines {
  readonly lines: readonly string[];
  readonly #chip: string;
  readonly #offsets: readonly string[];
  #child: ChildProcess | undefined;
  #listener: ((edge: Edge) => void) | undefined;
  #rest = "";
  #sequence = 0;

  constructor({ lines }: InputRequest) {
    this.lines = lines;
    const places = lines.map((line) => runNow("gpiofind", [line]).split(" "));
    this.#chip = places[0]?.[0] ?? "";
    this.#offsets = places.map(([, offset = ""]) => offset);
  }

  /** Only before `listen`: from then on `gpiomon` has the lines for itself. */
  read(line: number): Level {
    return runNow("gpioget", [this.#chip, this.#offsets[line] ?? ""]) === "1" ? 1 : 0;
  }

  listen(listener: (edge: Edge) => void): void {
    this.#listener = listener;
    const format = ["-b", "-B", "pull-up", "-F", "%e %o %s %n"];
    this.#child = spawn("gpiomon", [...format, this.#chip, ...this.#offsets], {
      // It outlives this process, and must not keep that one's output open.
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => this.#take(chunk.toString()));
  }

  close(): void {
    this.#child?.kill("SIGTERM");
  }

  /** It asks the kernel for each line by itself: only the stamps have the order. */
  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    const edges = lines.map((line) => {
      const [event, offset = "", seconds, nanoseconds] = line.trim().split(/\s+/);
      const at = Number(seconds) * 1e9 + Number(nanoseconds);
      return { level: event === "1" ? 1 : 0, line: this.#offsets.indexOf(offset), at } as const;
    });
    for (const { level, line, at } of edges.toSorted((a, b) => a.at - b.at)) {
      this.#sequence += 1;
      this.#listener?.({ line, level, at: edgeNs(at), sequence: this.#sequence });
    }
  }
}

function runNow(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, [...args], { encoding: "utf8" });
  if (status !== 0) throw new HalError("not_found", `${command} ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

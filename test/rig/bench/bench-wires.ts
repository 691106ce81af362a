import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { type PlayedPlan, parseStamps, type WirePlan, wirePlanText } from "../wire-plan.ts";

/** Plays plans on this machine's lines, and holds them in between: `kernel/wires.c`. */
export class BenchWires {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #said: Interface;
  #planCount = 0;

  constructor(options: { readonly program: string; readonly folder: string }) {
    const { program, folder } = options;
    this.#folder = folder;
    this.#child = spawn(program, ["serve"], { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#child.stdout === null) throw new Error(`${program} has no output`);
    this.#said = createInterface({ input: this.#child.stdout });
  }

  /** Lines as `wires.c` names them. One plan at a time. */
  async play(plan: WirePlan): Promise<PlayedPlan> {
    this.#planCount += 1;
    const file = join(this.#folder, `plan-${this.#planCount}`);
    const stamps = join(this.#folder, `stamps-${this.#planCount}`);
    await writeFile(file, wirePlanText(plan));
    const played = once(this.#said, "line");
    const gone = once(this.#child, "close").then(() => {
      throw new Error("wires ended: see its message");
    });
    gone.catch(() => undefined);
    this.#child.stdin?.write(`${file} ${stamps}\n`);
    await Promise.race([played, gone]);
    return parseStamps(await readFile(stamps, "utf8"));
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const over = once(this.#child, "close");
    this.#child.stdin?.end();
    await over;
  }
}

import { join } from "node:path";
import type { Clock } from "../../../hal/clock.ts";
import { type EdgeNs, edgeNs, monotonicMs } from "../../../src/domain/time.ts";
import { hostFinished } from "../host-finished.ts";
import { type HostPart, nowNs, startPart } from "../host-processes.ts";
import { usageOf } from "../kernel/guest-processes.ts";
import { eventsWords, rigEvents } from "../rig-events.ts";
import type {
  ControllerOptions,
  ControllerStarted,
  Finished,
  ProcessUsage,
  RigController,
  RigEvent,
  StallPattern,
  Stoppable,
} from "../rig-target.ts";

export interface SimControllerOptions {
  readonly program: string;
  readonly state: string;
  readonly mqttPort: number;
  readonly clock: Clock;
  /** The path of the file. */
  readonly writeConfig: (options: ControllerOptions) => Promise<string>;
  /** Where the board's face is; undefined when it is gone. */
  readonly onBoard: (url: string | undefined) => Promise<void>;
}

const toolSecondsMax = 60;

/** The controller in a process of this machine. */
export class SimController implements RigController {
  readonly #options: SimControllerOptions;
  #part: HostPart | undefined;
  #outputBefore = "";

  constructor(options: SimControllerOptions) {
    this.#options = options;
  }

  async start(options: ControllerOptions = {}): Promise<ControllerStarted> {
    if (this.#part !== undefined) throw new Error("a controller runs already");
    const { program, state, mqttPort, writeConfig, onBoard } = this.#options;
    const config = await writeConfig(options);
    const part = await startPart([join(program, "src/main.js"), "controller", "--config", config], {
      POSTERN_STATE_DIR: state,
      POSTERN_SIM_PORT: "0",
      POSTERN_MQTT_PORT: `${mqttPort}`,
    });
    this.#part = part;
    await onBoard(part.said["board"]);
    return { pid: part.pid, spawnedAt: part.spawnedAt, readyAt: part.readyAt };
  }

  stop(): Promise<number | null> {
    return this.#end("SIGTERM");
  }

  async kill(): Promise<EdgeNs> {
    const at = nowNs();
    await this.#end("SIGKILL");
    return at;
  }

  async hang(): Promise<EdgeNs> {
    const at = nowNs();
    this.#running().child.kill("SIGSTOP");
    return at;
  }

  async resume(): Promise<void> {
    this.#running().child.kill("SIGCONT");
  }

  async stall({ everyMs, forMs }: StallPattern): Promise<Stoppable> {
    const { child } = this.#running();
    const { clock } = this.#options;
    let isOver = false;
    const pause = (ms: number) =>
      new Promise<void>((resolve) => {
        clock.alarm(monotonicMs(clock.monotonic() + ms), () => resolve());
      });
    const stalling = (async () => {
      while (!isOver) {
        child.kill("SIGSTOP");
        await pause(forMs);
        child.kill("SIGCONT");
        await pause(everyMs - forMs);
      }
    })();
    return {
      stop: () => {
        isOver = true;
        return stalling;
      },
    };
  }

  async usage(): Promise<ProcessUsage | undefined> {
    const usage = this.#part === undefined ? null : usageOf(this.#part.pid);
    if (usage === null) return undefined;
    const { atNs, ...others } = usage;
    return { ...others, at: edgeNs(atNs) };
  }

  async events(): Promise<readonly RigEvent[]> {
    return rigEvents(await this.postern(eventsWords));
  }

  postern(args: readonly string[]): Promise<Finished> {
    const { program, state } = this.#options;
    return hostFinished([process.execPath, join(program, "src/main.js"), ...args], {
      secondsMax: toolSecondsMax,
      env: { POSTERN_STATE_DIR: state },
    });
  }

  async output(): Promise<string> {
    return this.#outputBefore + (this.#part?.output() ?? "");
  }

  /** Whatever it is at. Safe to call when none runs. */
  async close(): Promise<void> {
    if (this.#part === undefined) return;
    this.#part.child.kill("SIGCONT");
    await this.#end("SIGKILL");
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    const part = this.#running();
    part.child.kill(signal);
    const code = await part.ended;
    this.#outputBefore += part.output();
    this.#part = undefined;
    await this.#options.onBoard(undefined);
    return code;
  }

  #running(): HostPart {
    if (this.#part === undefined) throw new Error("no controller runs");
    return this.#part;
  }
}

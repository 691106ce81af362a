import { join } from "node:path";
import { type EdgeNs, edgeNs } from "../../../src/domain/time.ts";
import { freePort } from "../../e2e/stack.ts";
import { controllerFile } from "../controller-file.ts";
import type { TargetOptions } from "../open-target.ts";
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
import type { Guest } from "./guest.ts";
import { GuestUnit } from "./guest-unit.ts";
import { tool } from "./tool.ts";
import { unitSettings } from "./unit-settings.ts";

/** The host's loopback, as a guest with QEMU's own network sees it. */
const hostAddress = "10.0.2.2";

export interface KernelControllerOptions extends TargetOptions {
  readonly guest: () => Guest;
  /** The host's side of /rig. */
  readonly share: string;
  readonly programs: string;
  /** In the guest. */
  readonly stateFolder: string;
}

/** The product's daemon in the guest: a process of its own, or its unit where systemd is process 1. */
export class KernelController implements RigController {
  readonly #options: KernelControllerOptions;
  readonly #unit: GuestUnit | undefined;
  #brokerPort: Promise<number> | undefined;
  #hasState = false;
  #pid: number | undefined;

  constructor(options: KernelControllerOptions) {
    this.#options = options;
    if (options.scenario.init === "systemd") this.#unit = new GuestUnit(options);
  }

  /** Where the broker of its site is on the host, from before it is there. */
  brokerPort(): Promise<number> {
    this.#brokerPort ??= freePort();
    return this.#brokerPort;
  }

  /** The machine is off: nothing runs, and the state is what the disk has. */
  forget(): void {
    this.#pid = undefined;
    this.#unit?.forget();
    if (this.#options.scenario.devices?.includes("disk") !== true) this.#hasState = false;
  }

  async start({ settings = {} }: ControllerOptions = {}): Promise<ControllerStarted> {
    const { program, scenario, stateFolder } = this.#options;
    const guest = this.#options.guest();
    const profile = join(program, "test/rig/boards", `${scenario.profile ?? "two-doors"}.toml`);
    const text = controllerFile({
      "board.kind": "linux",
      "board.profile_file": profile,
      "mqtt.url": `mqtt://${hostAddress}:${await this.brokerPort()}`,
      ...settings,
    });
    await this.#bringState();
    if (this.#unit !== undefined) {
      const started = await this.#unit.start(text);
      this.#pid = started.pid;
      return started;
    }
    const config = "/tmp/rig-controller.toml";
    await guest.call("write", { file: config, text });
    const unit = unitSettings(program);
    const started = await guest.call("start", {
      args: [join(program, "src/main.js"), "controller", "--config", config],
      env: { ...unit.env, POSTERN_STATE_DIR: stateFolder },
      nice: unit.nice,
      until: "ready",
    });
    this.#pid = started.pid;
    return {
      pid: started.pid,
      spawnedAt: edgeNs(started.atNs),
      readyAt: edgeNs(started.readyAtNs),
    };
  }

  async stop(): Promise<number | null> {
    const pid = this.#started();
    if (this.#unit !== undefined) return this.#unit.stop();
    const guest = this.#options.guest();
    await guest.call("signal", { pid, signal: "SIGTERM" });
    const { code } = await guest.call("exit", { pid });
    return code;
  }

  async kill(): Promise<EdgeNs> {
    const at = await this.#signal("SIGKILL");
    if (this.#unit === undefined) {
      await this.#options.guest().call("exit", { pid: this.#started() });
    }
    return at;
  }

  hang(): Promise<EdgeNs> {
    return this.#signal("SIGSTOP");
  }

  async resume(): Promise<void> {
    await this.#signal("SIGCONT");
  }

  async stall({ everyMs, forMs }: StallPattern): Promise<Stoppable> {
    const guest = this.#options.guest();
    const { pid } = await guest.call("spawn", {
      command: [
        join(this.#options.programs, "load"),
        ...["stall", `${await this.#mainPid()}`, `${everyMs}`, `${forMs}`],
      ],
    });
    return {
      stop: async () => {
        await guest.call("signal", { pid, signal: "SIGTERM" });
        await guest.call("exit", { pid });
      },
    };
  }

  async usage(): Promise<ProcessUsage | undefined> {
    if (this.#pid === undefined) return undefined;
    const usage = await this.#options.guest().call("usage", { pid: await this.#mainPid() });
    if (usage === null) return undefined;
    const { atNs, ...rest } = usage;
    return { ...rest, at: edgeNs(atNs) };
  }

  async events(): Promise<readonly RigEvent[]> {
    return rigEvents(await this.postern(eventsWords));
  }

  async postern(args: readonly string[]): Promise<Finished> {
    const { program } = this.#options;
    const state = this.#unit?.stateFolder ?? this.#options.stateFolder;
    return this.#options.guest().call("run", {
      command: [process.execPath, join(program, "src/main.js"), ...args],
      env: { POSTERN_STATE_DIR: state },
      secondsMax: 600,
    });
  }

  async output(): Promise<string> {
    if (this.#unit !== undefined) return this.#unit.output();
    if (this.#pid === undefined) return "";
    return this.#options.guest().call("output", { pid: this.#pid });
  }

  /** Keys and table, as its site left them; once, unless the machine has lost them since. */
  async #bringState(): Promise<void> {
    if (this.#hasState) return;
    this.#hasState = true;
    const { world, share, stateFolder } = this.#options;
    await tool("cp", ["-rT", world.controllerState, join(share, "state")]);
    const to = this.#unit?.stateFolder ?? stateFolder;
    const script = 'mkdir -p "$1" && cp -r /rig/state/. "$1" && chmod 700 "$1" && sync';
    const { code, stderr } = await this.#options.guest().call("run", {
      command: ["sh", "-c", script, "sh", to],
      secondsMax: 60,
    });
    if (code !== 0) throw new Error(`the state could not be brought: ${stderr}`);
  }

  async #signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<EdgeNs> {
    const pid = await this.#mainPid();
    const { atNs } = await this.#options.guest().call("signal", { pid, signal });
    return edgeNs(atNs);
  }

  /** systemd may have started another since. */
  async #mainPid(): Promise<number> {
    return (await this.#unit?.mainPid()) ?? this.#started();
  }

  #started(): number {
    if (this.#pid === undefined) throw new Error("the controller was not started");
    return this.#pid;
  }
}

import type { EdgeNs } from "../../../src/domain/time.ts";
import { nowNs } from "../host-processes.ts";
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
import type { BenchConfig } from "./bench-config.ts";
import type { Remote } from "./remote.ts";

/** The service of the machine under test. Instants are this machine's, and a network away from its. */
export class BenchController implements RigController {
  readonly #remote: Remote;
  readonly #config: BenchConfig;

  constructor(remote: Remote, config: BenchConfig) {
    this.#remote = remote;
    this.#config = config;
  }

  async start({ settings = {} }: ControllerOptions = {}): Promise<ControllerStarted> {
    if (Object.keys(settings).length > 0) {
      throw new Error("the machine under test has a controller.toml of its own");
    }
    const spawnedAt = nowNs();
    await this.#remote.shell(`systemctl start ${this.#config.unit}`);
    return { pid: await this.#pid(), spawnedAt, readyAt: nowNs() };
  }

  async stop(): Promise<number | null> {
    const { unit } = this.#config;
    await this.#remote.shell(`systemctl stop ${unit}`);
    return Number(await this.#remote.shell(`systemctl show -p ExecMainStatus --value ${unit}`));
  }

  kill(): Promise<EdgeNs> {
    return this.#signal("KILL");
  }

  hang(): Promise<EdgeNs> {
    return this.#signal("STOP");
  }

  async resume(): Promise<void> {
    await this.#signal("CONT");
  }

  async stall({ everyMs, forMs }: StallPattern): Promise<Stoppable> {
    const pid = await this.#pid();
    const rest = (everyMs - forMs) / 1_000;
    const turn = `kill -STOP ${pid}; sleep ${forMs / 1_000}; kill -CONT ${pid}; sleep ${rest}`;
    const loop = await this.#remote.start(`sh -c 'while :; do ${turn}; done'`);
    return {
      stop: async () => {
        await loop.stop();
        await this.#remote.shell(`kill -CONT ${pid}`);
      },
    };
  }

  async usage(): Promise<ProcessUsage | undefined> {
    const usage = await this.#remote.usage(await this.#pid());
    return usage && { ...usage, at: nowNs() };
  }

  async events(): Promise<readonly RigEvent[]> {
    return rigEvents(await this.postern(eventsWords));
  }

  postern(args: readonly string[]): Promise<Finished> {
    return this.#remote.run(["env", `POSTERN_STATE_DIR=${this.#config.state}`, "postern", ...args]);
  }

  output(): Promise<string> {
    return this.#remote.shell(`journalctl -u ${this.#config.unit} -n 1000 --no-pager -o cat`);
  }

  async #pid(): Promise<number> {
    const { unit } = this.#config;
    return Number(await this.#remote.shell(`systemctl show -p MainPID --value ${unit}`));
  }

  /** The instant is that of asking: what takes the network its time is not to the device's credit. */
  async #signal(signal: "KILL" | "STOP" | "CONT"): Promise<EdgeNs> {
    const at = nowNs();
    await this.#remote.shell(`systemctl kill -s ${signal} --kill-who=main ${this.#config.unit}`);
    return at;
  }
}

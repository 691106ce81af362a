import type { Logger } from "pino";
import type { Board } from "../../hal/board.ts";
import type { ClockChip } from "../../hal/clock-chip.ts";
import type { TroubleReporter } from "../controller/journal.ts";
import type { KeptClock } from "../controller/kept-clock.ts";
import { HalError } from "../domain/hal-error.ts";
import type { SiteId } from "../domain/ids.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { WiegandFormat } from "../protocols/wiegand/format.ts";
import type { ControllerConfig } from "./config/controller-config.ts";
import type { Environment } from "./config/environment.ts";

/** What people see and touch of a board that is simulated. */
export interface BoardFace {
  readonly url: string;
  close(): Promise<void>;
}

/** The board that a controller's doors and readers are wired to, opened. */
export interface Hardware {
  readonly board: Board;
  /** Those that its readers may name, for whoever reads a card's number aloud. */
  readonly formats: readonly WiegandFormat[];
  /** One with a battery, which whoever takes it closes. */
  readonly clockChip?: ClockChip;
  /** Chips that do not answer: told what is wrong now, and each change. One reporter. */
  reportTo(troubles: TroubleReporter): void;
  /**
   * Undefined where people have the real thing. Nobody is answered before `ready`. Throws
   * `StartRefused` where the port is not to be had.
   */
  openFace(ready: Promise<unknown>): Promise<BoardFace | undefined>;
  /** Secures every strike. Safe to call twice. */
  close(): void;
}

export interface HardwareOptions {
  readonly log: Logger;
  readonly time: KeptClock;
  readonly env: Environment;
  readonly stateDir: string;
  /** Whose readers these are. */
  readonly site: SiteId;
}

/**
 * Opens what the configuration says. Each kind of board is loaded only where it is used: a real one
 * needs no web server, and a laptop no drivers. Throws `StartRefused` with what is wrong in the
 * profile, or with the line that cannot be had; every strike that was opened is secured then.
 */
export async function openHardware(
  { board, stateDir, site }: Pick<ControllerConfig, "board" | "stateDir" | "site">,
  others: Omit<HardwareOptions, "stateDir" | "site">,
): Promise<Hardware> {
  const options: HardwareOptions = { ...others, stateDir, site };
  switch (board.kind) {
    case "sim": {
      const { openSimHardware } = await import("./sim-hardware.ts");
      return secured(openSimHardware(board, options), options.log);
    }
    case "linux": {
      const { openLinuxHardware } = await import("./linux-hardware.ts");
      return secured(await openLinuxHardware(board, options), options.log);
    }
    default:
      return unreachable(board);
  }
}

/** However this process ends by itself, the strikes are secured while it still can. */
function secured(hardware: Hardware, log: Logger): Hardware {
  const secure = () => {
    try {
      hardware.close();
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      log.error({ error: error.message }, "the board could not be closed");
    }
  };
  process.once("exit", secure);
  return {
    ...hardware,
    close: () => {
      process.removeListener("exit", secure);
      secure();
    },
  };
}

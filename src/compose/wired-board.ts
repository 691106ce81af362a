import type { Board } from "../../hal/board.ts";
import type { BoardProfile, ExpanderWiring } from "../../hal/board-profile.ts";
import type { Clock } from "../../hal/clock.ts";
import type { ClockChip } from "../../hal/clock-chip.ts";
import type { Gpio, InputLines } from "../../hal/gpio.ts";
import type { I2c } from "../../hal/i2c.ts";
import { openBoard } from "../../hal/lines/board.ts";
import { closeAll } from "../../hal/lines/close-all.ts";
import { type Expander, openMcp23017 } from "../../hal/lines/mcp23017.ts";
import { openWhole } from "../../hal/lines/open-whole.ts";
import { routeGpio } from "../../hal/lines/routed-gpio.ts";
import { openDs3231 } from "../../hal/linux/i2c/ds3231.ts";
import type { TroubleReporter } from "../controller/journal.ts";
import { ReportedTroubles } from "../controller/reported-troubles.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { WiegandFormat } from "../protocols/wiegand/format.ts";

export interface WiredBoard {
  readonly board: Board;
  /** The profile's clock chip, which whoever takes it closes. */
  readonly clockChip?: ClockChip;
  /** All lines by the profile's names: the board's own and those of its expanders. */
  readonly gpio: Gpio;
  /** Expanders that do not answer: told what is so now, and each change. One reporter. */
  reportTo(troubles: TroubleReporter): void;
  /** Secures every strike, then lets go of lines and chips. Safe to call twice. Throws `HalError`. */
  close(): void;
}

export interface WiredBoardOptions {
  readonly profile: BoardProfile;
  readonly formats: readonly WiegandFormat[];
  /** The board's own lines. */
  readonly gpio: Gpio;
  /** Asked for where the profile has a chip on a bus. */
  readonly i2c: () => I2c;
  readonly clock: Clock;
}

/**
 * Everything that a profile wires up, over lines and buses that are given. An expander that is not there
 * keeps no door closed that does not hang from it: its lines come when it does, and `expander_absent:ID`
 * says so meanwhile. Throws the `HalError` of a line that cannot be had; nothing is open then.
 */
export function openWiredBoard(options: WiredBoardOptions): WiredBoard {
  const { profile, formats, clock } = options;
  const troubles = new ReportedTroubles();
  const expanders = new Map<string, Expander>();
  const opened: { close(): void }[] = [];
  // A board secures its strikes before the expanders that drive them are let go.
  const close = () => closeAll(opened.toReversed().map((part) => () => part.close()));
  return openWhole(() => {
    for (const wiring of profile.expanders) {
      const expander = openExpander(options, wiring, troubles);
      opened.push(expander);
      expanders.set(wiring.id, expander);
    }
    const gpio = routeGpio(options.gpio, expanders);
    const board = openBoard({ profile, gpio, clock, formats });
    opened.push(board);
    const clockChip = openClockChip(options);
    return {
      board,
      gpio,
      ...(clockChip && { clockChip }),
      reportTo: (reporter) => troubles.reportTo(reporter),
      close,
    };
  }, close);
}

function openExpander(
  { gpio, i2c, clock }: WiredBoardOptions,
  { id, kind, bus, address, interruptLine, pollMs }: ExpanderWiring,
  troubles: ReportedTroubles,
): Expander {
  switch (kind) {
    case "mcp23017": {
      const device = i2c().open({ bus, address });
      let interrupt: InputLines | undefined;
      return openWhole(
        () => {
          if (interruptLine !== undefined) {
            interrupt = gpio.openInputs({ lines: [interruptLine], bias: "pull_up" });
          }
          return openMcp23017({
            device,
            clock,
            pollMs,
            ...(interrupt && { interrupt }),
            onTrouble: (trouble) => {
              const name = `expander_absent:${id}`;
              if (trouble === "raised") troubles.raise(name);
              else troubles.clear(name);
            },
          });
        },
        () => closeAll([() => interrupt?.close(), () => device.close()]),
      );
    }
    default:
      return unreachable(kind);
  }
}

function openClockChip({ profile, i2c }: WiredBoardOptions): ClockChip | undefined {
  const { clockChip } = profile;
  if (clockChip === undefined) return undefined;
  const { kind, bus, address } = clockChip;
  switch (kind) {
    case "ds3231":
      return openDs3231(i2c().open({ bus, address }));
    default:
      return unreachable(kind);
  }
}

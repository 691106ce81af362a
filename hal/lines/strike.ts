import { unreachable } from "../../src/domain/unreachable.ts";
import type { DoorWiring } from "../board-profile.ts";
import type { Gpio, Level, OutputLine } from "../gpio.ts";
import type { Strike, StrikeCommand } from "../strike.ts";

/** Opens the relay line at the level that secures. Throws `HalError` as `Gpio.openOutput` does. */
export function openStrike(options: {
  readonly gpio: Gpio;
  readonly wiring: DoorWiring["strike"];
}): Strike {
  const { gpio, wiring } = options;
  const initial = securedLevel(wiring);
  return new LineStrike(gpio.openOutput({ line: wiring.line, initial }), wiring);
}

/** What is on the line while the strike is secured, whoever drives it. */
export function securedLevel(wiring: DoorWiring["strike"]): Level {
  return levelFor(wiring, "secured");
}

function levelFor(wiring: DoorWiring["strike"], command: StrikeCommand): Level {
  const restLevel = wiring.energizedLevel === 1 ? 0 : 1;
  switch (wiring.lock) {
    case "fail_secure":
      return command === "released" ? wiring.energizedLevel : restLevel;
    case "fail_safe":
      return command === "secured" ? wiring.energizedLevel : restLevel;
    default:
      return unreachable(wiring.lock);
  }
}

class LineStrike implements Strike {
  readonly #line: OutputLine;
  readonly #wiring: DoorWiring["strike"];
  #commanded: StrikeCommand = "secured";

  constructor(line: OutputLine, wiring: DoorWiring["strike"]) {
    this.#line = line;
    this.#wiring = wiring;
  }

  drive(command: StrikeCommand): void {
    // Written even if it was commanded before: an expander that lost its power is set right by it.
    this.#line.drive(levelFor(this.#wiring, command));
    this.#commanded = command;
  }

  commanded(): StrikeCommand {
    return this.#commanded;
  }

  close(): void {
    // The initial level, which closing the line drives again, is the one that secures.
    this.#line.close();
    this.#commanded = "secured";
  }
}

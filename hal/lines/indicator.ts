import { type MonotonicMs, monotonicMs } from "../../src/domain/time.ts";
import { unreachable } from "../../src/domain/unreachable.ts";
import type { LampWiring, ReaderWiring } from "../board-profile.ts";
import type { Alarm, Clock } from "../clock.ts";
import type { Gpio, OutputLine } from "../gpio.ts";
import type { Indicator, Light, LightPattern } from "../indicator.ts";

export type IndicatorWiring = Pick<ReaderWiring, "red" | "green" | "amber" | "beeper">;

/** An indicator never throws, so what went wrong can only be asked for. */
export interface LineIndicator extends Indicator {
  /** Lamps and beepers that could not be switched, since opening. */
  failureCount(): number;
}

/** Faster than this nobody sees it as flashing, and the timers would cost more than they show. */
const flashMsMin = 20;
const beepMsMax = 10_000;

/** Opens every lamp off. Throws `HalError` as `Gpio.openOutput` does; nothing is open then. */
export function openIndicator(options: {
  readonly gpio: Gpio;
  readonly clock: Clock;
  readonly wiring: IndicatorWiring;
}): LineIndicator {
  const { gpio, clock, wiring } = options;
  const opened: Lamp[] = [];
  const open = (lamp: LampWiring | undefined): Lamp | undefined => {
    if (lamp === undefined) return undefined;
    const line = gpio.openOutput({ line: lamp.line, initial: lamp.activeLevel === 1 ? 0 : 1 });
    const fresh = new Lamp(line, lamp);
    opened.push(fresh);
    return fresh;
  };
  try {
    return new Lamps(clock, {
      red: open(wiring.red),
      green: open(wiring.green),
      amber: open(wiring.amber),
      beeper: open(wiring.beeper),
    });
  } catch (error) {
    for (const lamp of opened) lamp.close();
    throw error;
  }
}

class Lamp {
  readonly #line: OutputLine;
  readonly #wiring: LampWiring;
  failureCount = 0;

  constructor(line: OutputLine, wiring: LampWiring) {
    this.#line = line;
    this.#wiring = wiring;
  }

  turn(state: "on" | "off"): void {
    const { activeLevel } = this.#wiring;
    const level = (state === "on") === (activeLevel === 1) ? 1 : 0;
    this.#attempt(() => {
      if (this.#line.driven() !== level) this.#line.drive(level);
    });
  }

  close(): void {
    this.#attempt(() => this.#line.close());
  }

  /** A lamp that fails never delays a door. It is tried again at the next change. */
  #attempt(action: () => void): void {
    try {
      action();
    } catch {
      this.failureCount += 1;
    }
  }
}

interface WiredLamps {
  readonly red: Lamp | undefined;
  readonly green: Lamp | undefined;
  readonly amber: Lamp | undefined;
  readonly beeper: Lamp | undefined;
}

class Lamps implements LineIndicator {
  readonly #clock: Clock;
  readonly #lamps: WiredLamps;
  #pattern: LightPattern = { kind: "steady", light: "off" };
  #shownAt: MonotonicMs;
  #flashAlarm: Alarm | undefined;
  #beepUntil: MonotonicMs;
  #beepAlarm: Alarm | undefined;
  #closed = false;

  constructor(clock: Clock, lamps: WiredLamps) {
    this.#clock = clock;
    this.#lamps = lamps;
    this.#shownAt = clock.monotonic();
    this.#beepUntil = this.#shownAt;
  }

  failureCount(): number {
    const { red, green, amber, beeper } = this.#lamps;
    return [red, green, amber, beeper].reduce((sum, lamp) => sum + (lamp?.failureCount ?? 0), 0);
  }

  show(pattern: LightPattern): void {
    if (this.#closed) return;
    this.#flashAlarm?.cancel();
    this.#pattern = pattern;
    this.#shownAt = this.#clock.monotonic();
    this.#showPhase();
  }

  beep(durationMs: number): void {
    const { beeper } = this.#lamps;
    if (this.#closed || beeper === undefined) return;
    // Written so that a duration that is not a number is the shortest beep and not an endless one.
    const wantedMs = durationMs >= 1 ? Math.min(beepMsMax, durationMs) : 1;
    const until = monotonicMs(this.#clock.monotonic() + wantedMs);
    if (this.#beepAlarm !== undefined && until <= this.#beepUntil) return;
    this.#beepUntil = until;
    this.#beepAlarm?.cancel();
    beeper.turn("on");
    this.#beepAlarm = this.#clock.alarm(until, () => {
      this.#beepAlarm = undefined;
      beeper.turn("off");
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#flashAlarm?.cancel();
    this.#beepAlarm?.cancel();
    const { red, green, amber, beeper } = this.#lamps;
    for (const lamp of [red, green, amber, beeper]) lamp?.close();
  }

  /** Phases are counted from the beginning, so that late timers do not add up. */
  #showPhase(): void {
    const pattern = this.#pattern;
    if (pattern.kind === "steady") {
      this.#light(pattern.light);
      return;
    }
    // A duration that is not a number would never come due.
    const wantedMs = Number.isNaN(pattern.onMs) ? 0 : pattern.onMs;
    const onMs = Math.max(flashMsMin, wantedMs);
    const phase = Math.floor((this.#clock.monotonic() - this.#shownAt) / onMs);
    if (pattern.kind === "flash_then" && !(phase < 2 * pattern.count)) {
      this.#light(pattern.then);
      return;
    }
    this.#light(phase % 2 === 0 ? pattern.light : "off");
    const nextAt = monotonicMs(this.#shownAt + (phase + 1) * onMs);
    this.#flashAlarm = this.#clock.alarm(nextAt, () => this.#showPhase());
  }

  #light(light: Light): void {
    const { red, green, amber } = this.#lamps;
    const on = this.#lampsOf(light);
    const lamps = [red, green, amber].filter((lamp) => lamp !== undefined);
    // Off comes first: red and green together for a moment would be an amber that nobody meant.
    for (const lamp of lamps) if (!on.includes(lamp)) lamp.turn("off");
    for (const lamp of lamps) if (on.includes(lamp)) lamp.turn("on");
  }

  #lampsOf(light: Light): readonly (Lamp | undefined)[] {
    const { red, green, amber } = this.#lamps;
    switch (light) {
      case "red":
        return [red];
      case "green":
        return [green];
      case "amber":
        return amber === undefined ? [red, green] : [amber];
      case "off":
        return [];
      default:
        return unreachable(light);
    }
  }
}

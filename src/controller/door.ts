import type { DoorHardware } from "../../hal/board.ts";
import type { Clock } from "../../hal/clock.ts";
import type { StrikeCommand } from "../../hal/strike.ts";
import {
  type DoorEffect,
  type DoorInput,
  type DoorState,
  doorAlarm,
  doorDeadline,
  doorUnlocked,
  grantReason,
  initialDoor,
  isShut,
  type PassageOutcome,
  stepDoor,
} from "../core/door-machine.ts";
import { type PulseRefusal, pulseRefusal } from "../core/door-pulse.ts";
import { boltFallMs } from "../core/lock-state.ts";
import type { Passage } from "../core/premises.ts";
import type { DoorPosture, DoorSettings } from "../domain/access.ts";
import { doorDefaults } from "../domain/door-defaults.ts";
import type { DoorEvent } from "../domain/event.ts";
import { HalError } from "../domain/hal-error.ts";
import type { DoorId } from "../domain/ids.ts";
import type { GrantReason } from "../domain/reason.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import { Deadline } from "./deadline.ts";
import type { Resting } from "./indication.ts";
import type { PremisesStore } from "./premises-store.ts";
import type { Troubles } from "./troubles.ts";

/** How soon a strike that did not take a command is commanded again. */
const driveAgainMs = 250;

export interface DoorOptions {
  readonly hardware: DoorHardware;
  readonly clock: Clock;
  readonly record: (event: DoorEvent) => void;
  readonly troubles: Troubles;
  readonly premises: PremisesStore;
}

/** One door: its machine and that one's timer, its strike and what senses it. */
export class Door {
  readonly id: DoorId;
  readonly #options: DoorOptions;
  readonly #deadline: Deadline;
  readonly #driveAgain: Deadline;
  readonly #lateBolt: Deadline;
  readonly #watchers: ((resting: Resting) => void)[] = [];
  #settings: DoorSettings;
  #state: DoorState;
  /** Until then the bolt of a strike that was secured may still be falling. */
  #boltHomeAt: MonotonicMs;
  #closed = false;

  constructor(options: DoorOptions) {
    const { hardware, clock } = options;
    this.id = hardware.id;
    this.#options = options;
    this.#settings = { id: hardware.id, name: hardware.id, ...doorDefaults };
    const found = {
      leaf: hardware.position?.read() ?? "no_contact",
      rex: hardware.rex?.read() ?? "idle",
    } as const;
    this.#state = initialDoor(this.#settings, found, clock.monotonic());
    this.#deadline = new Deadline(clock, () => this.#step({ kind: "deadline_reached" }));
    this.#driveAgain = new Deadline(clock, () => {
      this.#drive();
      this.#tellShut();
    });
    this.#lateBolt = new Deadline(clock, () => this.#tellShut());
    this.#boltHomeAt = clock.monotonic();
    this.#deadline.set(doorDeadline(this.#state));
    this.#tellShut();
    hardware.position?.listen((leaf) => this.#step({ kind: "leaf", leaf }));
    hardware.rex?.listen((state) => this.#step({ kind: "rex", state }));
  }

  /** In force from the next step on; what the strike is doing now ends as it was begun. */
  configure(settings: DoorSettings): void {
    this.#settings = settings;
  }

  /**
   * Lets in so many, `extraMs` longer than usual; an undefined passage leads into no area. The strike
   * has been commanded when this returns; one that failed is commanded again until it works.
   */
  grant(passages: readonly (Passage | undefined)[], extraMs: number): GrantReason {
    const reason = grantReason(this.#state, this.#options.clock.monotonic());
    this.#step({ kind: "grant", extraMs }, passages);
    return reason;
  }

  /**
   * Releases the strike for so long, within its coil's limit, to try it; or says why not. It has been
   * commanded when this returns.
   */
  pulse(forMs: number): PulseRefusal | undefined {
    const refusal = pulseRefusal(this.#state, this.#options.clock.monotonic());
    if (refusal === undefined) this.#step({ kind: "pulse", forMs });
    return refusal;
  }

  /** What the posture asks of the strike; whom it admits is for the checks to say. */
  follow(posture: DoorPosture): void {
    switch (posture) {
      case "unlocked":
        return this.#step({ kind: "hold_unlocked" });
      case "locked":
      case "free_access":
        return this.#step({ kind: "end_hold" });
      case "lockdown":
      case "disabled":
        return this.#step({ kind: "secure_now" });
      default:
        return unreachable(posture);
    }
  }

  /** Whether the strike took the last command. */
  isCommanded(): boolean {
    return this.#options.hardware.strike.commanded() === wanted(this.#state);
  }

  settings(): DoorSettings {
    return this.#settings;
  }

  state(): DoorState {
    return this.#state;
  }

  /** Called with what the lamps should rest at, now and after each step. */
  watch(watcher: (resting: Resting) => void): void {
    this.#watchers.push(watcher);
    watcher(restingOf(this.#state));
  }

  /** Nothing moves any more. The strike is the board's to secure. */
  close(): void {
    this.#closed = true;
    this.#deadline.set(undefined);
    this.#driveAgain.set(undefined);
    this.#lateBolt.set(undefined);
  }

  #step(input: DoorInput, granted: readonly (Passage | undefined)[] = []): void {
    if (this.#closed) return;
    const now = this.#options.clock.monotonic();
    const { state, effects } = stepDoor(this.#settings, this.#state, input, now);
    this.#state = state;
    // Effects come strike first, and the lamps follow the state before anything is recorded.
    const isCommand = effects.some((effect) => effect.kind === "strike");
    // A strike that failed gets no second command from a state that stays as it is.
    if (isCommand || this.#options.hardware.strike.commanded() !== wanted(state)) this.#drive();
    this.#tellPremises(effects, granted);
    const resting = restingOf(state);
    for (const watcher of this.#watchers) watcher(resting);
    for (const effect of effects) if (effect.kind === "event") this.#options.record(effect.event);
    this.#deadline.set(doorDeadline(state));
  }

  /** In the step of a grant `not_made` is of grants before it, and `made` of all. */
  #tellPremises(effects: readonly DoorEffect[], granted: readonly (Passage | undefined)[]): void {
    const { memory } = this.#options.premises;
    this.#settle(effects, "not_made");
    for (const passage of granted) memory.reserve(this.id, passage);
    this.#settle(effects, "made");
    this.#tellShut();
  }

  /**
   * Not before its strike is secured in truth, and its bolt has had the time to fall: an interlock
   * opens the other door by this.
   */
  #tellShut(): void {
    const { premises, hardware, clock } = this.#options;
    const isSecured = isShut(this.#state) && hardware.strike.commanded() === "secured";
    const isFalling = isSecured && clock.monotonic() < this.#boltHomeAt;
    premises.memory.setDoorShut(this.id, isSecured && !isFalling);
    this.#lateBolt.set(isFalling ? this.#boltHomeAt : undefined);
  }

  #settle(effects: readonly DoorEffect[], outcome: PassageOutcome): void {
    const { premises, clock } = this.#options;
    if (!effects.some((effect) => effect.kind === "passage" && effect.outcome === outcome)) return;
    const { afterRestart } = this.#settings;
    const { memory } = premises;
    const moved = memory.settleReservations(this.id, outcome, clock.monotonic(), afterRestart);
    if (moved.length > 0) premises.keep(moved);
  }

  /**
   * Commands what the state asks for at this moment. A strike that did not take it is commanded again
   * until it does: who leaves, and a fire, must not depend on one write.
   */
  #drive(): void {
    const { hardware, troubles, clock } = this.#options;
    const { strike } = hardware;
    const trouble = `strike_failed:${this.id}`;
    const command = wanted(this.#state);
    const before = strike.commanded();
    try {
      strike.drive(command);
      this.#driveAgain.set(undefined);
      if (command === "secured" && before === "released") {
        this.#boltHomeAt = monotonicMs(clock.monotonic() + boltFallMs);
      }
      troubles.clear(trouble);
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      this.#driveAgain.set(monotonicMs(clock.monotonic() + driveAgainMs));
      troubles.raise(trouble);
    }
  }
}

function wanted(state: DoorState): StrikeCommand {
  return doorUnlocked(state) ? "released" : "secured";
}

function restingOf(state: DoorState): Resting {
  const alarm = doorAlarm(state);
  switch (alarm) {
    case "none":
      return doorUnlocked(state) ? "unlocked" : "secured";
    case "warning_held":
      return "warning";
    case "alarm_held":
    case "alarm_forced":
      return "alarm";
    default:
      return unreachable(alarm);
  }
}

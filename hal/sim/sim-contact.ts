import { type EdgeNs, edgeNs } from "../../src/domain/time.ts";
import { unreachable } from "../../src/domain/unreachable.ts";
import type { WireFault } from "../../src/domain/wire-fault.ts";
import type { ContactWiring, SupervisionWiring } from "../board-profile.ts";
import type { Level } from "../gpio.ts";
import type { PlannedPull, Pull, SimGpio } from "./sim-gpio.ts";

export type SimWire = "sound" | WireFault;

/** Bounces of a contact: an odd count would leave it where it was. */
const bouncesMax = 8;
const bounceNsMax = 600_000;

/** A comparator looks through a capacitor: the contact's own line is there first. */
const comparatorLagNs = 1_000_000;

/**
 * A contact in the world, at the end of its wire. A cut wire reads as an open contact and a shorted one as
 * a closed one, whatever the contact does; only the comparators of a supervised one know better.
 */
export class SimContact {
  readonly wiring: ContactWiring;
  readonly #gpio: SimGpio;
  #state: "rest" | "active" = "rest";
  #wire: SimWire = "sound";

  constructor(options: { readonly gpio: SimGpio; readonly wiring: ContactWiring }) {
    this.#gpio = options.gpio;
    this.wiring = options.wiring;
    for (const { line, pull } of this.#pulls(this.#gpio.nowNs())) this.#gpio.pull(line, pull);
  }

  get state(): "rest" | "active" {
    return this.#state;
  }

  get wire(): SimWire {
    return this.#wire;
  }

  /** The contact's hand moves now; what it planned before, a bounce, is over. */
  move(to: "rest" | "active"): void {
    const from = this.#state;
    this.#state = to;
    if (from === to || this.#wire !== "sound") return;
    const gpio = this.#gpio;
    const { line } = this.wiring;
    gpio.cancelPlanned(line);
    let at = gpio.nowNs();
    const pulls: PlannedPull[] = [{ line, pull: this.#pullFor(to), at }];
    if (gpio.faults.occurs("bounce", line)) {
      const random = gpio.faults.stream("bounce", line);
      for (let left = random.between(1, bouncesMax); left > 0; left -= 1) {
        for (const state of [from, to] as const) {
          at = edgeNs(at + random.between(20_000, bounceNsMax));
          pulls.push({ line, pull: this.#pullFor(state), at });
        }
      }
    }
    gpio.plan(pulls);
  }

  /** Somebody with pliers, or a repair. */
  setWire(wire: SimWire): void {
    if (wire === this.#wire) return;
    this.#wire = wire;
    const pulls = this.#pulls(this.#gpio.nowNs());
    for (const { line } of pulls) this.#gpio.cancelPlanned(line);
    this.#gpio.plan(pulls);
  }

  /** What is on all lines of this contact now. */
  #pulls(now: EdgeNs): readonly PlannedPull[] {
    const { line, supervision } = this.wiring;
    const contact = { line, pull: this.#contactPull(), at: now };
    if (supervision === undefined) return [contact];
    const at = edgeNs(now + comparatorLagNs);
    const { cutLine, shortedLine } = supervision;
    return [
      contact,
      { line: cutLine, pull: this.#comparatorLevel(supervision, "cut"), at },
      { line: shortedLine, pull: this.#comparatorLevel(supervision, "shorted"), at },
    ];
  }

  #contactPull(): Pull {
    switch (this.#wire) {
      case "sound":
        return this.#pullFor(this.#state);
      case "cut":
        return "let_go";
      case "shorted":
        return 0;
      default:
        return unreachable(this.#wire);
    }
  }

  /** A closed contact pulls its line to ground; an open one leaves it to the pull-up. */
  #pullFor(state: "rest" | "active"): Pull {
    const closed = (state === "rest") === (this.wiring.contact === "normally_closed");
    return closed ? 0 : "let_go";
  }

  #comparatorLevel({ activeLevel }: SupervisionWiring, tells: WireFault): Level {
    const restLevel = activeLevel === 1 ? 0 : 1;
    return this.#wire === tells ? activeLevel : restLevel;
  }
}

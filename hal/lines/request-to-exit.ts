import type { MonotonicMs } from "../../src/domain/time.ts";
import type { WireFault } from "../../src/domain/wire-fault.ts";
import type { ContactWiring } from "../board-profile.ts";
import type { Clock } from "../clock.ts";
import type { RequestToExit, RexState } from "../door-inputs.ts";
import type { Gpio } from "../gpio.ts";
import { type ContactReading, DebouncedContact } from "./debounced-contact.ts";

function rexOf(reading: ContactReading): RexState | WireFault {
  if (reading === "rest") return "idle";
  return reading === "active" ? "pressed" : reading;
}

/**
 * A button that never rests is told as pressed and let go by turns, and so releases the strike where a
 * REX does: somebody may be leaning on a worn one, and egress is never taken away in doubt.
 *
 * Throws `HalError` as `Gpio.openInputs` does; nothing is open then.
 */
export function openRequestToExit(options: {
  readonly gpio: Gpio;
  readonly clock: Clock;
  readonly wiring: ContactWiring;
}): RequestToExit {
  const contact = new DebouncedContact({ ...options, restlessAs: "changes" });
  return {
    read: () => rexOf(contact.read()),
    listen: (listener: (state: RexState | WireFault, at: MonotonicMs) => void) =>
      contact.listen((reading, at) => listener(rexOf(reading), at)),
    close: () => contact.close(),
  };
}

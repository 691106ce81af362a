import type { MonotonicMs } from "../../src/domain/time.ts";
import type { ContactWiring } from "../board-profile.ts";
import type { Clock } from "../clock.ts";
import type { RequestToExit, RexState } from "../door-inputs.ts";
import type { Gpio } from "../gpio.ts";
import { type ContactState, DebouncedContact } from "./debounced-contact.ts";

const rexOf = (state: ContactState): RexState => (state === "active" ? "pressed" : "idle");

/** Throws `HalError` as `Gpio.openInputs` does. */
export function openRequestToExit(options: {
  readonly gpio: Gpio;
  readonly clock: Clock;
  readonly wiring: ContactWiring;
}): RequestToExit {
  const contact = new DebouncedContact(options);
  return {
    read: () => rexOf(contact.read()),
    listen: (listener: (state: RexState, at: MonotonicMs) => void) =>
      contact.listen((state, at) => listener(rexOf(state), at)),
    close: () => contact.close(),
  };
}

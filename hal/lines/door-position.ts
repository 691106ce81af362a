import type { MonotonicMs } from "../../src/domain/time.ts";
import type { ContactWiring } from "../board-profile.ts";
import type { Clock } from "../clock.ts";
import type { DoorPosition, Leaf } from "../door-inputs.ts";
import type { Gpio } from "../gpio.ts";
import { type ContactState, DebouncedContact } from "./debounced-contact.ts";

const leafOf = (state: ContactState): Leaf => (state === "active" ? "open" : "closed");

/** Throws `HalError` as `Gpio.openInputs` does. */
export function openDoorPosition(options: {
  readonly gpio: Gpio;
  readonly clock: Clock;
  readonly wiring: ContactWiring;
}): DoorPosition {
  const contact = new DebouncedContact(options);
  return {
    read: () => leafOf(contact.read()),
    listen: (listener: (leaf: Leaf, at: MonotonicMs) => void) =>
      contact.listen((state, at) => listener(leafOf(state), at)),
    close: () => contact.close(),
  };
}

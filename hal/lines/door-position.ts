import type { MonotonicMs } from "../../src/domain/time.ts";
import type { WireFault } from "../../src/domain/wire-fault.ts";
import type { ContactWiring } from "../board-profile.ts";
import type { Clock } from "../clock.ts";
import type { DoorPosition, Leaf } from "../door-inputs.ts";
import type { Gpio } from "../gpio.ts";
import { type ContactReading, DebouncedContact } from "./debounced-contact.ts";

function leafOf(reading: ContactReading): Leaf | WireFault {
  if (reading === "rest") return "closed";
  return reading === "active" ? "open" : reading;
}

/** Throws `HalError` as `Gpio.openInputs` does; nothing is open then. */
export function openDoorPosition(options: {
  readonly gpio: Gpio;
  readonly clock: Clock;
  readonly wiring: ContactWiring;
}): DoorPosition {
  const contact = new DebouncedContact({ ...options, restlessAs: "changes" });
  return {
    read: () => leafOf(contact.read()),
    listen: (listener: (leaf: Leaf | WireFault, at: MonotonicMs) => void) =>
      contact.listen((reading, at) => listener(leafOf(reading), at)),
    close: () => contact.close(),
  };
}

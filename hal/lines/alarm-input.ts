import type { MonotonicMs } from "../../src/domain/time.ts";
import type { WireFault } from "../../src/domain/wire-fault.ts";
import type { AlarmInput, AlarmState } from "../alarm-input.ts";
import type { ContactWiring } from "../board-profile.ts";
import type { Clock } from "../clock.ts";
import type { Gpio } from "../gpio.ts";
import { type ContactReading, DebouncedContact } from "./debounced-contact.ts";

function alarmOf(reading: ContactReading): AlarmState | WireFault {
  if (reading === "rest") return "idle";
  return reading === "active" ? "raised" : reading;
}

/**
 * Opens the fire panel's relay or a tamper switch. One that never rests is raised until it does: doors
 * must not lock and unlock with a loose wire while there may be a fire.
 *
 * Throws `HalError` as `Gpio.openInputs` does; nothing is open then.
 */
export function openAlarmInput(options: {
  readonly gpio: Gpio;
  readonly clock: Clock;
  readonly wiring: ContactWiring;
}): AlarmInput {
  const contact = new DebouncedContact({ ...options, restlessAs: "active" });
  return {
    read: () => alarmOf(contact.read()),
    listen: (listener: (state: AlarmState | WireFault, at: MonotonicMs) => void) =>
      contact.listen((reading, at) => listener(alarmOf(reading), at)),
    close: () => contact.close(),
  };
}

import type { BleEvent, BlePeripheral } from "../../../hal/ble.ts";
import { type Subject, sound } from "./life.ts";

interface PlantedBug {
  readonly about: string;
  readonly subject: Subject;
}

/** The same radio, with other ears or hands. */
function altered(
  change: Partial<BlePeripheral> & { readonly hear?: (event: BleEvent) => BleEvent | undefined },
): Subject {
  const { hear = (event) => event, ...rest } = change;
  return {
    ...sound,
    wired: (radio) => ({
      listen: (listener) =>
        radio.listen((event) => {
          const heard = hear(event);
          if (heard !== undefined) listener(heard);
        }),
      offerHello: (link, hello) => radio.offerHello(link, hello),
      notify: (link, frame) => radio.notify(link, frame),
      disconnect: (link) => radio.disconnect(link),
      setAdvertising: (wanted) => radio.setAdvertising(wanted),
      health: () => radio.health(),
      close: () => radio.close(),
      ...rest,
    }),
  };
}

/** Ways to get phones at a reader wrong, each of which the simulation has to find. */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  nobodyHangsUp: {
    about: "the reader never ends a connection by itself",
    subject: altered({ disconnect: () => {} }),
  },
  allAreNear: {
    about: "how strongly a phone is heard is not looked at",
    subject: altered({
      hear: (event) => (event.kind === "heard" ? { ...event, rssi: -40 } : event),
    }),
  },
  nothingIsTakenAway: {
    about: "a pass that the site took away stays in the table",
    subject: {
      ...sound,
      table: (right, before) => ({
        ...right,
        passes: [
          ...right.passes,
          ...before.passes.filter(({ id }) => right.passes.every((one) => one.id !== id)),
        ],
      }),
    },
  },
  nobodyIsSuspended: {
    about: "who is suspended is let in",
    subject: {
      ...sound,
      table: (right) => ({
        ...right,
        users: right.users.map((user) => ({ ...user, suspended: false })),
      }),
    },
  },
  advertisesNoMore: {
    about: "once silent, a radio stays so",
    subject: altered({ setAdvertising: () => {}, hear: withoutRecovery() }),
  },
  cardsForPhones: {
    about: "an enrolment of a phone takes a card",
    subject: { ...sound, expects: "card" },
  },
};

/** Connections after the tenth are not heard of. */
function withoutRecovery(): (event: BleEvent) => BleEvent | undefined {
  let count = 0;
  return (event) => {
    if (event.kind === "connected") count += 1;
    return event.kind === "connected" && count > 10 ? undefined : event;
  };
}

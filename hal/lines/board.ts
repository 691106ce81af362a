import { HalError } from "../../src/domain/hal-error.ts";
import type { WiegandFormat } from "../../src/protocols/wiegand/format.ts";
import type { AlarmInput } from "../alarm-input.ts";
import type { Board, DoorHardware, ReaderHardware } from "../board.ts";
import type { BoardProfile, ContactWiring, DoorWiring, ReaderWiring } from "../board-profile.ts";
import type { Clock } from "../clock.ts";
import type { Gpio } from "../gpio.ts";
import type { Indicator } from "../indicator.ts";
import type { Reader } from "../reader.ts";
import type { Strike } from "../strike.ts";
import { openAlarmInput } from "./alarm-input.ts";
import { closeAll } from "./close-all.ts";
import { openDoorPosition } from "./door-position.ts";
import { openIndicator } from "./indicator.ts";
import { joinReaders } from "./joined-reader.ts";
import { lineUses } from "./line-uses.ts";
import { openMatrixKeypad } from "./matrix-keypad.ts";
import { openWhole } from "./open-whole.ts";
import { openRequestToExit } from "./request-to-exit.ts";
import { openStrike } from "./strike.ts";
import { watchGpio } from "./watched-gpio.ts";
import { openWiegandReader } from "./wiegand-reader.ts";

export interface BoardOptions {
  readonly profile: BoardProfile;
  readonly gpio: Gpio;
  readonly clock: Clock;
  /** Those that the profile's readers may name. */
  readonly formats: readonly WiegandFormat[];
}

/**
 * Opens everything that a profile wires up: strikes first, secured, then lamps, then inputs, so that
 * nothing is read before every output has a level of our choice. Throws the `HalError` of what could
 * not be opened; everything else is closed again then, and every strike that was opened is secured.
 */
export function openBoard(options: BoardOptions): Board {
  const opened = new OpenedHardware();
  return openWhole(
    () => {
      const { gpio, lines } = watchGpio(options.gpio, lineUses(options.profile));
      return { ...openAll({ ...options, gpio }, opened), lines };
    },
    () => opened.close(),
  );
}

function openAll(options: BoardOptions, opened: OpenedHardware): Board {
  const { profile, gpio, clock } = options;
  const { fire, tamper } = profile;
  const strikes = profile.doors.map((wiring) =>
    opened.strike(openStrike({ gpio, wiring: wiring.strike })),
  );
  const indicators = profile.readers.map((wiring) =>
    opened.other(openIndicator({ gpio, clock, wiring })),
  );
  const doors = profile.doors.map((wiring, index) =>
    openDoor(options, opened, wiring, atIndex(strikes, index)),
  );
  const readers = profile.readers.map((wiring, index) =>
    openReader(options, opened, wiring, atIndex(indicators, index)),
  );
  return {
    clock,
    doors,
    readers,
    ...(fire && { fire: openAlarm(options, opened, fire) }),
    ...(tamper && { tamper: openAlarm(options, opened, tamper) }),
    close: () => opened.close(),
  };
}

function openDoor(
  { gpio, clock }: BoardOptions,
  opened: OpenedHardware,
  wiring: DoorWiring,
  strike: Strike,
): DoorHardware {
  const { id, position, rex } = wiring;
  return {
    id,
    strike,
    ...(position && {
      position: opened.other(openDoorPosition({ gpio, clock, wiring: position })),
    }),
    ...(rex && { rex: opened.other(openRequestToExit({ gpio, clock, wiring: rex })) }),
  };
}

function openReader(
  options: BoardOptions,
  opened: OpenedHardware,
  wiring: ReaderWiring,
  indicator: Indicator,
): ReaderHardware {
  const { id, door, tamper } = wiring;
  return {
    id,
    door,
    reader: openReaderLines(options, opened, wiring),
    indicator,
    ...(tamper && { tamper: openAlarm(options, opened, tamper) }),
  };
}

function openReaderLines(
  { gpio, clock, formats }: BoardOptions,
  opened: OpenedHardware,
  wiring: ReaderWiring,
): Reader {
  const { id, d0, d1, matrix } = wiring;
  const wiegand =
    d0 === undefined && d1 === undefined
      ? undefined
      : opened.other(openWiegandReader({ gpio, clock, wiring, formats }));
  const keypad = matrix && opened.other(openMatrixKeypad({ gpio, clock, wiring: matrix }));
  if (wiegand !== undefined && keypad !== undefined) return joinReaders(wiegand, keypad);
  const reader = wiegand ?? keypad;
  if (reader !== undefined) return reader;
  throw new HalError("not_supported", `reader ${id} is wired to nothing`);
}

function openAlarm(
  { gpio, clock }: BoardOptions,
  opened: OpenedHardware,
  wiring: ContactWiring,
): AlarmInput {
  return opened.other(openAlarmInput({ gpio, clock, wiring }));
}

function atIndex<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`nothing was opened at ${index}`);
  return item;
}

/** What has been opened so far, and how to leave it. */
class OpenedHardware {
  readonly #strikes: Strike[] = [];
  readonly #others: { close(): void }[] = [];

  strike(strike: Strike): Strike {
    this.#strikes.push(strike);
    return strike;
  }

  other<T extends { close(): void }>(device: T): T {
    this.#others.push(device);
    return device;
  }

  close(): void {
    closeAll([...this.#strikes, ...this.#others].map((part) => () => part.close()));
  }
}

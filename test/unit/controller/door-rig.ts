import { readFileSync } from "node:fs";
import type { ReaderBle } from "../../../hal/board.ts";
import type { Gpio } from "../../../hal/gpio.ts";
import { openBoard } from "../../../hal/lines/board.ts";
import { SimBoard } from "../../../hal/sim/sim-board.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { parseBoardProfile } from "../../../src/compose/config/board-profile-file.ts";
import { DoorController } from "../../../src/controller/door-controller.ts";
import type { MobileIdentity } from "../../../src/controller/mobile-reader.ts";
import { Troubles } from "../../../src/controller/troubles.ts";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import type { DoorSettings, TableContent } from "../../../src/domain/access.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { doorId, readerId } from "../../../src/domain/ids.ts";
import { digestPin } from "../../../src/protocols/sync/provision.ts";
import { encodeCard, standardFormats } from "../../../src/protocols/wiegand/format.ts";
import {
  cardPass,
  door,
  pinPass,
  rule,
  tableContent,
  testHashKey,
  user,
} from "../core/sample-table.ts";

import { PaperPremisesDisk } from "./paper-premises.ts";

const file = "config/boards/sim.toml";
export const pinKey = new Uint8Array(32).fill(7);
export const front = { reader: readerId("front"), door: doorId("front") };
export const lab = { reader: readerId("lab"), door: doorId("lab") };

export function bitsOf(number: number): string {
  const format = standardFormats.find(({ name }) => name === "H10301");
  if (format === undefined) throw new Error("no H10301");
  const bits = encodeCard(format, { facility: 12, number });
  if (!bits.ok) throw new Error(bits.fault.expected);
  return bits.value;
}

export const adaBits = bitsOf(34567);
export const strangerBits = bitsOf(1);

export function content(settings: Partial<DoorSettings> = {}): TableContent {
  return tableContent({
    doors: [
      door("front", { factors: "card_or_pin", ...settings }),
      door("lab", { factors: "card_and_pin", ...settings }),
    ],
    users: [user("ada")],
    passes: [
      cardPass("ada-card", "ada", rawFromBits(adaBits)),
      pinPass("ada-pin", "ada", digestPin(pinKey, "246810")),
    ],
    rules: [rule("everywhere", ["ada"], ["front", "lab"])],
  });
}

/** The same lines, with a note of every level that is driven. */
function noting(gpio: Gpio, note: (driven: string) => void): Gpio {
  return {
    openInputs: (request) => gpio.openInputs(request),
    openOutput: (request) => {
      const output = gpio.openOutput(request);
      return {
        line: output.line,
        drive: (level) => {
          output.drive(level);
          note(`${output.line}=${level}`);
        },
        driven: () => output.driven(),
        close: () => output.close(),
      };
    },
  };
}

/**
 * A whole controller on the simulated lines, on a clock that the test moves. A second one on the same
 * disk and clock is the first after a restart.
 */
export function open(
  table: TableContent | undefined,
  {
    clock = new SimClock(),
    disk = new PaperPremisesDisk(),
    found = () => {},
    onDriven = () => {},
    radios = new Map(),
    mobile,
  }: {
    readonly clock?: SimClock;
    readonly disk?: PaperPremisesDisk;
    /** What happened to the board while nobody watched. */
    readonly found?: (sim: SimBoard) => void;
    /** Called with `line=level` in the moment in which it is driven. */
    readonly onDriven?: (driven: string) => void;
    /** Of the readers of these names. */
    readonly radios?: ReadonlyMap<string, ReaderBle>;
    readonly mobile?: MobileIdentity;
  } = {},
) {
  const profile = parseBoardProfile({ file, text: readFileSync(file, "utf8") });
  if (!profile.ok) throw new Error("the demonstration profile is at fault");
  const sim = new SimBoard({ ...profile.value, clock });
  found(sim);
  // The comparators beside a wire need a moment.
  clock.advance(50);
  const events: DoorEvent[] = [];
  const order: string[] = [];
  const gpio = noting(sim.gpio, (driven) => {
    onDriven(driven);
    order.push(driven);
  });
  const lines = openBoard({ ...profile.value, gpio, clock: sim.clock });
  const readers = lines.readers.map((reader) => {
    const ble = radios.get(reader.id);
    return ble === undefined ? reader : { ...reader, ble };
  });
  const board = { ...lines, readers };
  const record = (event: DoorEvent) => {
    events.push(event);
    order.push(event.kind);
  };
  const controller = new DoorController(
    {
      board,
      digestPin: (digits) => digestPin(pinKey, digits),
      record,
      troubles: new Troubles(record),
      premises: disk.open(clock),
      ...(mobile && { mobile }),
    },
    table && buildAccessTable(table, testHashKey),
  );
  const world = {
    clock,
    disk,
    sim,
    board,
    controller,
    events,
    order,
    /** Events of the door's decisions and states, without what the lines had to say. */
    kinds: () => events.map(({ kind }) => kind),
    close: () => {
      controller.close();
      board.close();
      sim.close();
    },
    strikes: () => [sim.state().doors["front"]?.strike, sim.state().doors["lab"]?.strike],
    tap: async (reader: typeof front.reader, bits: string) => {
      await clock.elapse(200);
      order.length = 0;
      const sent = sim.presentCard(reader, bits);
      await clock.elapse(200);
      await sent;
    },
    type: async (reader: typeof front.reader, keys: string) => {
      const sent = sim.typeKeys(reader, [...keys] as Parameters<typeof sim.typeKeys>[1] & string[]);
      await clock.elapse(keys.length * 200);
      await sent;
    },
  };
  return world;
}

import * as v from "valibot";
import { formatTables } from "../../protocols/toml/format-table.ts";
import {
  filledListOf,
  idText,
  listOf,
  oneOf,
  textLike,
  tomlTable,
  wholeNumber,
  yesOrNo,
} from "../../protocols/toml/toml-schema.ts";

const lineName = textLike(
  (text) => /^[A-Za-z0-9_.:-]{1,64}$/.test(text),
  "the name of a line: 1 to 64 letters, digits, '_', '.', ':' or '-'",
);

function lineNames({ min, max }: { readonly min: number; readonly max: number }) {
  const expected = `a list of ${min === max ? min : `${min} or ${max}`} names of lines`;
  return v.pipe(
    v.array(lineName, expected),
    v.check(({ length }) => length >= min && length <= max, expected),
  );
}

const level = oneOf(["high", "low"]);

/**
 * Below this a contact's own level could be believed before the comparators beside it tell that its
 * wire was cut: pliers on a fire wire would open the building.
 */
const supervisedDebounceMsMin = 10;

const contactTable = v.exactOptional(
  v.pipe(
    tomlTable({
      line: lineName,
      contact: oneOf(["normally_open", "normally_closed"]),
      debounce_ms: v.optional(wholeNumber({ min: 0, max: 1_000 }), 20),
      supervision: v.exactOptional(
        tomlTable({ cut_line: lineName, shorted_line: lineName, active_level: level }),
      ),
    }),
    v.forward(
      v.check(
        ({ supervision, debounce_ms }) =>
          supervision === undefined || debounce_ms >= supervisedDebounceMsMin,
        `at least ${supervisedDebounceMsMin} where the wire is supervised`,
      ),
      ["debounce_ms"],
    ),
  ),
);

const lampTable = v.exactOptional(tomlTable({ line: lineName, active_level: level }));

const adapterExpected = 'a whole number from 0 to 15, or the name of a socket, as "1-1.2"';

/** N of `hciN`, or where it is plugged in. */
const adapterName = v.union(
  [
    wholeNumber({ min: 0, max: 15 }),
    textLike((text) => /^[A-Za-z0-9_.:@-]{1,64}$/.test(text), adapterExpected),
  ],
  adapterExpected,
);

const bleTable = v.exactOptional(
  v.pipe(
    tomlTable({
      adapter: v.optional(adapterName, 0),
      driver: v.optional(oneOf(["abandonware", "stoprocent"]), "abandonware"),
      rssi_min: v.exactOptional(wholeNumber({ min: -100, max: -20 })),
      enabled: v.optional(yesOrNo, true),
    }),
    v.forward(
      v.check(
        ({ driver, rssi_min }) => rssi_min === undefined || driver === "abandonware",
        'none with the driver "stoprocent", which cannot tell how strongly a phone is heard',
      ),
      ["rssi_min"],
    ),
  ),
);

/** `/dev/i2c-N`. */
const busNumber = wholeNumber({ min: 0, max: 255 });

const expanderTable = tomlTable({
  id: idText,
  kind: oneOf(["mcp23017"]),
  bus: busNumber,
  // By the three pins A0 to A2; TOML takes 0x20 for 32.
  address: wholeNumber({ min: 0x20, max: 0x27 }),
  interrupt_line: v.exactOptional(lineName),
  poll_ms: v.exactOptional(wholeNumber({ min: 2, max: 1_000 })),
});

const clockChipTable = v.exactOptional(
  tomlTable({
    kind: oneOf(["ds3231"]),
    bus: busNumber,
    // The addresses that are no chip's are reserved by the bus's specification (UM10204, 3.1.12).
    address: v.optional(wholeNumber({ min: 0x08, max: 0x77 }), 0x68),
  }),
);

const doorTable = tomlTable({
  id: idText,
  strike: tomlTable({
    line: lineName,
    energized_level: level,
    lock: oneOf(["fail_secure", "fail_safe"]),
  }),
  position: contactTable,
  rex: contactTable,
});

const readerTable = tomlTable({
  id: idText,
  door: idText,
  d0: v.exactOptional(lineName),
  d1: v.exactOptional(lineName),
  matrix: v.exactOptional(
    tomlTable({
      rows: lineNames({ min: 4, max: 4 }),
      columns: lineNames({ min: 3, max: 4 }),
    }),
  ),
  formats: v.exactOptional(
    filledListOf(v.string("the name of a card format"), "name of a card format"),
  ),
  keypad: v.optional(oneOf(["none", "burst_4", "burst_8", "pin_26"]), "none"),
  red: lampTable,
  green: lampTable,
  amber: lampTable,
  beeper: lampTable,
  tamper: contactTable,
  ble: bleTable,
});

/** What may stand in `config/boards/*.toml`; see config/README.md for its keys. */
export const boardProfileSchema = tomlTable({
  doors: filledListOf(doorTable, "table"),
  readers: v.optional(listOf(readerTable, "tables"), []),
  fire: contactTable,
  tamper: contactTable,
  expanders: v.optional(listOf(expanderTable, "tables"), []),
  clock_chip: clockChipTable,
  formats: formatTables,
});

export type BoardProfileTables = v.InferOutput<typeof boardProfileSchema>;
export type DoorTable = BoardProfileTables["doors"][number];
export type ReaderTable = BoardProfileTables["readers"][number];
export type ContactTable = NonNullable<BoardProfileTables["fire"]>;

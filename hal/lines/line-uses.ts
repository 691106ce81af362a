import type {
  BoardProfile,
  ContactWiring,
  DoorWiring,
  LampWiring,
  ReaderWiring,
} from "../board-profile.ts";
import type { Level } from "../gpio.ts";
import { securedLevel } from "./strike.ts";

/** What a line is wired to, and what each of its levels says there. */
export interface LineUse {
  readonly use: string;
  /** By level: low, high. */
  readonly meanings: readonly [low: string, high: string];
}

/** By the line's name. */
export function lineUses(profile: BoardProfile): ReadonlyMap<string, LineUse> {
  return new Map([
    ...profile.doors.flatMap(ofDoor),
    ...profile.readers.flatMap(ofReader),
    ...ofContact("fire panel", profile.fire, { rest: "no fire", active: "FIRE" }),
    ...ofContact("enclosure", profile.tamper, { rest: "shut", active: "TAMPER" }),
  ]);
}

type Named = readonly [line: string, use: LineUse];

function ofDoor({ id, strike, position, rex }: DoorWiring): readonly Named[] {
  const meanings = byLevel(securedLevel(strike), { at: "secured", other: "released" });
  return [
    [strike.line, { use: `strike of door ${id}`, meanings }],
    ...ofContact(`contact of door ${id}`, position, { rest: "closed", active: "open" }),
    ...ofContact(`REX of door ${id}`, rex, { rest: "idle", active: "pressed" }),
  ];
}

function ofReader(wiring: ReaderWiring): readonly Named[] {
  const { id, d0, d1, matrix, tamper } = wiring;
  const data: readonly [string, string] = ["pulled low", "at rest"];
  const wires = [
    [d0, { use: `D0 of reader ${id}`, meanings: data }],
    [d1, { use: `D1 of reader ${id}`, meanings: data }],
  ] as const;
  const rows = (matrix?.rows ?? []).map(
    (line, at) => [line, { use: `row ${at + 1} of keypad ${id}`, meanings: data }] as const,
  );
  const columns = (matrix?.columns ?? []).map(
    (line, at) => [line, { use: `column ${at + 1} of keypad ${id}`, meanings: data }] as const,
  );
  return [
    ...wires.flatMap(([line, use]) => (line === undefined ? [] : [[line, use] as const])),
    ...rows,
    ...columns,
    ...ofLamp(`red lamp of reader ${id}`, wiring.red),
    ...ofLamp(`green lamp of reader ${id}`, wiring.green),
    ...ofLamp(`amber lamp of reader ${id}`, wiring.amber),
    ...ofLamp(`beeper of reader ${id}`, wiring.beeper),
    ...ofContact(`tamper switch of reader ${id}`, tamper, {
      rest: "on its wall",
      active: "TAMPER",
    }),
  ];
}

function ofContact(
  use: string,
  wiring: ContactWiring | undefined,
  told: { readonly rest: string; readonly active: string },
): readonly Named[] {
  if (wiring === undefined) return [];
  const { line, contact, supervision } = wiring;
  // A pull-up and a contact to ground: a closed contact reads low.
  const restLevel = contact === "normally_closed" ? 0 : 1;
  const meanings = byLevel(restLevel, { at: told.rest, other: told.active });
  const own: Named = [line, { use, meanings }];
  if (supervision === undefined) return [own];
  const { cutLine, shortedLine, activeLevel } = supervision;
  const fault = (name: string) => byLevel(activeLevel, { at: name, other: "sound" });
  return [
    own,
    [cutLine, { use: `wire of the ${use}`, meanings: fault("CUT") }],
    [shortedLine, { use: `wire of the ${use}`, meanings: fault("SHORTED") }],
  ];
}

function ofLamp(use: string, lamp: LampWiring | undefined): readonly Named[] {
  if (lamp === undefined) return [];
  return [[lamp.line, { use, meanings: byLevel(lamp.activeLevel, { at: "on", other: "off" }) }]];
}

function byLevel(
  level: Level,
  { at, other }: { readonly at: string; readonly other: string },
): readonly [string, string] {
  return level === 0 ? [at, other] : [other, at];
}

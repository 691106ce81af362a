import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BoardProfile, ContactWiring, DoorWiring } from "../../hal/board-profile.ts";
import type { Leaf, RexState } from "../../hal/door-inputs.ts";
import type { Level } from "../../hal/gpio.ts";
import type { StrikeCommand } from "../../hal/strike.ts";
import {
  type BoardProfileFile,
  parseBoardProfile,
} from "../../src/compose/config/board-profile-file.ts";

/** Where the profiles of rigs are. */
export const profileFolder: string = join(import.meta.dirname, "boards");

/** A profile of `test/rig/boards`, by its file's name without `.toml`. Throws where it is wrong. */
export function readRigProfile(name: string): BoardProfileFile {
  const file = join(profileFolder, `${name}.toml`);
  const parsed = parseBoardProfile({ file, text: readFileSync(file, "utf8") });
  if (parsed.ok) return parsed.value;
  throw new Error(parsed.fault.map((fault) => JSON.stringify(fault)).join("\n"));
}

/** Every line that a profile names, but for those of its expanders. */
export function linesOf(profile: BoardProfile): readonly string[] {
  const expanders = profile.expanders.map(({ id }) => `${id}:`);
  const found = new Set<string>();
  const isLine = /^(line|d0|d1|cutLine|shortedLine|interruptLine)$/;
  const look = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      if (typeof inner === "string" && isLine.test(name)) found.add(inner);
      else if (name === "rows" || name === "columns") {
        for (const line of inner as readonly string[]) found.add(line);
      } else look(inner);
    }
  };
  look(profile);
  return [...found].filter((line) => !expanders.some((prefix) => line.startsWith(prefix)));
}

/** What the world has on the lines while nobody is at the doors. */
export function levelsAtRest(profile: BoardProfile): Readonly<Record<string, Level>> {
  const levels: Record<string, Level> = {};
  for (const { d0, d1 } of profile.readers) {
    if (d0 !== undefined) levels[d0] = 1;
    if (d1 !== undefined) levels[d1] = 1;
  }
  const contacts = [
    ...profile.doors.flatMap(({ position, rex }) => [position, rex]),
    ...profile.readers.map(({ tamper }) => tamper),
    profile.fire,
    profile.tamper,
  ];
  for (const contact of contacts) {
    if (contact === undefined) continue;
    levels[contact.line] = contactLevel(contact, "at_rest");
    const { supervision } = contact;
    if (supervision === undefined) continue;
    const quiet = supervision.activeLevel === 1 ? 0 : 1;
    levels[supervision.cutLine] = quiet;
    levels[supervision.shortedLine] = quiet;
  }
  // What hangs from an expander is on that chip's pins.
  const own = new Set(linesOf(profile));
  return Object.fromEntries(Object.entries(levels).filter(([line]) => own.has(line)));
}

/** Closed reads low: a dry contact to ground, with a pull-up. */
function contactLevel({ contact }: ContactWiring, state: "at_rest" | "moved"): Level {
  return (contact === "normally_closed") === (state === "at_rest") ? 0 : 1;
}

export function leafLevel(contact: ContactWiring, leaf: Leaf): Level {
  return contactLevel(contact, leaf === "closed" ? "at_rest" : "moved");
}

export function rexLevel(contact: ContactWiring, state: RexState): Level {
  return contactLevel(contact, state === "idle" ? "at_rest" : "moved");
}

/** What a strike's line at a level does to the lock. */
export function strikeAt({ strike }: DoorWiring, level: Level): StrikeCommand {
  const isEnergized = level === strike.energizedLevel;
  return isEnergized === (strike.lock === "fail_secure") ? "released" : "secured";
}

/** The level of a strike's line that makes the lock so. */
export function strikeLevel(door: DoorWiring, state: StrikeCommand): Level {
  return strikeAt(door, 1) === state ? 1 : 0;
}

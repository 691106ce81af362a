import { fail, type Result, succeed } from "../../domain/result.ts";
import type { FieldFaults } from "./api-fault.ts";

/** Deeper than anything that the API takes; a brand's own metadata may use what is left. */
export const jsonDepthMax = 16;

/** How much of a name that somebody sent is told back. */
const nameCharsMax = 64;

interface Level {
  /** Names of an object so far; undefined: a list. */
  readonly names: Set<string> | undefined;
  /** The name that is being read, of an object; of a list, the place. */
  at: string;
  index: number;
  awaitsName: boolean;
}

/**
 * JSON as everybody would read it: a name that stands twice in an object is refused, of which
 * readers take the first or the last; so are `__proto__` and more than `jsonDepthMax` levels.
 */
export function parseStrictJson(text: string): Result<unknown, FieldFaults> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fail({ "": ["expected JSON"] });
  }
  const fault = structureFault(text);
  return fault === undefined ? succeed(value) : fail(fault);
}

const quote = 0x22;
const comma = 0x2c;
const listStart = 0x5b;
const backslash = 0x5c;
const listEnd = 0x5d;
const objectStart = 0x7b;
const objectEnd = 0x7d;

/** Of a text that is JSON. By its characters' codes: a body may have a million of them. */
function structureFault(text: string): FieldFaults | undefined {
  const levels: Level[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const level = levels.at(-1);
    switch (text.charCodeAt(at)) {
      case quote: {
        const end = endOfString(text, at);
        if (level?.awaitsName === true) {
          const name = nameBetween(text, at, end);
          const expected = faultOfName(level, name);
          level.at = name;
          if (expected !== undefined) return { [pathOf(levels)]: [expected] };
          level.awaitsName = false;
        }
        at = end;
        break;
      }
      case objectStart:
      case listStart: {
        if (levels.length === jsonDepthMax) {
          return { [pathOf(levels.slice(0, 1))]: [`expected at most ${jsonDepthMax} levels`] };
        }
        const isObject = text.charCodeAt(at) === objectStart;
        const names = isObject ? new Set<string>() : undefined;
        levels.push({ names, at: "", index: 0, awaitsName: isObject });
        break;
      }
      case objectEnd:
      case listEnd:
        levels.pop();
        break;
      case comma:
        if (level === undefined) break;
        level.awaitsName = level.names !== undefined;
        level.index += 1;
        break;
      default:
    }
  }
  return undefined;
}

/** Without its quotes. One without a backslash says what it is. */
function nameBetween(text: string, start: number, end: number): string {
  const name = text.slice(start + 1, end);
  return name.includes("\\") ? String(JSON.parse(`"${name}"`)) : name;
}

function faultOfName({ names }: Level, name: string): string | undefined {
  if (name === "__proto__") return "expected another name";
  if (names?.has(name) === true) return "expected once";
  names?.add(name);
  return undefined;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1;
  return at;
}

function pathOf(levels: readonly Level[]): string {
  const places = levels.map(({ names, at, index }) => (names === undefined ? String(index) : at));
  return places.map((place) => place.slice(0, nameCharsMax)).join(".");
}

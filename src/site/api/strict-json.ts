import { fail, type Result, succeed } from "../../domain/result.ts";
import type { FieldFaults } from "./api-fault.ts";

/** Deeper than anything that the API takes; a brand's own metadata may use what is left. */
export const jsonDepthMax = 16;

/** How much of a name that somebody sent is told back. */
const nameCharsMax = 64;

interface Level {
  /** Names of an object so far; undefined: a list. */
  readonly names: Set<string> | undefined;
  /** The name or the place that is being read. */
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

/** Of a text that is JSON. */
function structureFault(text: string): FieldFaults | undefined {
  const levels: Level[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const level = levels.at(-1);
    switch (text[at]) {
      case '"': {
        const end = endOfString(text, at);
        if (level?.awaitsName === true) {
          const name = String(JSON.parse(text.slice(at, end + 1)));
          const expected = faultOfName(level, name);
          level.at = name;
          if (expected !== undefined) return { [pathOf(levels)]: [expected] };
          level.awaitsName = false;
        }
        at = end;
        break;
      }
      case "{":
      case "[": {
        if (levels.length === jsonDepthMax) {
          return { [pathOf(levels.slice(0, 1))]: [`expected at most ${jsonDepthMax} levels`] };
        }
        const isObject = text[at] === "{";
        const names = isObject ? new Set<string>() : undefined;
        levels.push({ names, at: "0", index: 0, awaitsName: isObject });
        break;
      }
      case "}":
      case "]":
        levels.pop();
        break;
      case ",":
        if (level === undefined) break;
        level.awaitsName = level.names !== undefined;
        level.index += 1;
        level.at = String(level.index);
        break;
      default:
    }
  }
  return undefined;
}

function faultOfName({ names }: Level, name: string): string | undefined {
  if (name === "__proto__") return "expected another name";
  if (names?.has(name) === true) return "expected once";
  names?.add(name);
  return undefined;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

function pathOf(levels: readonly Level[]): string {
  return levels.map(({ at }) => at.slice(0, nameCharsMax)).join(".");
}

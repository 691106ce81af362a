import type { TableFrame } from "../../domain/table-change.ts";

/**
 * The frame as bytes: JSON in which keys and lists are in order, since no list of a frame says
 * anything by its order and one frame is to be one file.
 */
export function frameBytes(frame: TableFrame): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(canonical(frame)));
}

/** Records by their id, as rules are numbered; all else by its text. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => ({ item: canonical(item), place: placeOf(item) }));
    return items.sort((one, other) => order(one.place, other.place)).map(({ item }) => item);
  }
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([key, field]) => [key, canonical(field)] as const);
  return Object.fromEntries(fields.sort(([one], [other]) => order(one, other)));
}

function placeOf(item: unknown): string {
  if (typeof item !== "object" || item === null) return String(item);
  if ("id" in item && typeof item.id === "string") return item.id;
  return JSON.stringify(canonical(item));
}

function order(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

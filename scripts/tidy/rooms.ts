import { posix } from "node:path";

/** Every room but compose, main, scripts and test, which may import anything, with what it may. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  core: ["domain"],
  protocols: ["domain"],
  hal: ["domain"],
  "hal/lines": ["hal", "domain", "protocols"],
  "hal/linux": ["hal", "hal/lines", "domain", "protocols"],
  "hal/sim": ["hal", "hal/lines", "domain", "protocols"],
  controller: ["core", "protocols", "domain", "hal"],
  site: ["core", "protocols", "domain", "hal"],
  cli: ["domain", "protocols"],
};

const unboundRooms: readonly string[] = ["compose", "main"];
const outsideRooms: readonly string[] = ["scripts", "test"];

/** Rooms whose code is pure: behaviour is their arguments and nothing else. */
export const pureRooms: readonly string[] = ["domain", "core", "protocols"];

/** Undefined for a file in no room, as `src/tsconfig.json`'s neighbours would be. */
export function roomOf(path: string): string | undefined {
  const [top, second = ""] = path.split("/");
  const isFolder = path.split("/").length > 2;
  if (top === "hal") return isFolder ? `hal/${second}` : "hal";
  if (top === "src") return isFolder ? second : second === "main.ts" ? "main" : undefined;
  return top !== undefined && outsideRooms.includes(top) ? top : undefined;
}

export function isKnownRoom(room: string | undefined): boolean {
  if (room === undefined) return false;
  return room in mayImport || unboundRooms.includes(room) || outsideRooms.includes(room);
}

/** What is wrong with `from` importing the relative `specifier`, or undefined. */
export function importComplaint(from: string, specifier: string): string | undefined {
  const room = roomOf(from);
  const target = roomOf(posix.normalize(posix.join(posix.dirname(from), specifier)));
  if (room === undefined || outsideRooms.includes(room)) return undefined;
  if (target !== undefined && outsideRooms.includes(target)) {
    return `${room} imports ${specifier}: what ships imports no ${target}`;
  }
  if (target === room || unboundRooms.includes(room)) return undefined;
  const allowed = mayImport[room] ?? [];
  if (target !== undefined && allowed.includes(target)) return undefined;
  const may = allowed.length === 0 ? "nothing" : allowed.join(", ");
  return `${room} imports ${specifier}; ${room} may import ${may}`;
}

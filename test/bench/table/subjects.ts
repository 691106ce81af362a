import type { LoadTable } from "./subject.ts";

export const subjects = ["postern", "better-sqlite3", "better-sqlite3 in memory"] as const;
export type Subject = (typeof subjects)[number];

/** Loads the code of that subject only. */
export async function subjectNamed(name: string): Promise<LoadTable> {
  if (name === "postern") return (await import("./postern-table.ts")).loadPosternTable;
  const { loadSqliteFile, loadSqliteMemory } = await import("./sqlite-table.ts");
  return name === "better-sqlite3" ? loadSqliteFile : loadSqliteMemory;
}

import { readFileSync } from "node:fs";
import { StartRefused } from "./start-refused.ts";

/** A file that a process cannot start without. Throws `StartRefused` with its name. */
export function readStartFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new StartRefused(`${file}: cannot be read (${code})`);
  }
}

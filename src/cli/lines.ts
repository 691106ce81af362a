import type { LocalLine } from "../protocols/local/local-reports.ts";
import { askForItems } from "./client.ts";
import type { Terminal } from "./terminal.ts";
import { inColumns, printable } from "./text-table.ts";

export interface LinesOptions {
  readonly socketFile: string;
  /** Goes on with each line that changes. */
  readonly follow: boolean;
  readonly json: boolean;
  readonly terminal: Terminal;
}

/** A stream cannot wait for its widest cell. */
const widths = [18, 6, 5, 30, 12];

/**
 * Every line of the board with what it means, and then those that change. `--json` prints one array, or
 * while it follows one object a line.
 */
export async function showLines(options: LinesOptions): Promise<void> {
  const { socketFile, follow, json, terminal } = options;
  const items = askForItems(socketFile, { verb: "lines", args: { follow } });
  if (json && !follow) {
    const lines: unknown[] = [];
    for await (const item of items) lines.push(item);
    return terminal.out(`${JSON.stringify(lines, undefined, 2)}\n`);
  }
  if (!json) {
    const heads = ["LINE", "", "LEVEL", "WIRED TO", "IS", "CHANGES"];
    terminal.out(`${inColumns(heads, widths)}\n`);
  }
  for await (const item of items) {
    terminal.out(json ? `${JSON.stringify(item)}\n` : `${renderLine(item as LocalLine)}\n`);
  }
}

export function renderLine(shown: LocalLine): string {
  const { line, direction, use, level, meaning, changeCount } = shown;
  const cells = [line, direction, String(level ?? "?"), use, meaning, String(changeCount)];
  return inColumns(cells.map(printable), widths);
}

import { idExpectation, isId, readerId } from "../domain/ids.ts";
import type { LocalPresentation, LocalReaderHealth } from "../protocols/local/local-reports.ts";
import { tellFault } from "./bench.ts";
import { askForItems } from "./client.ts";
import { tellMoment } from "./moments.ts";
import { spacingHistogram } from "./spacing-histogram.ts";
import { CommandFailed, type Terminal } from "./terminal.ts";
import { printable } from "./text-table.ts";

export interface WatchReaderOptions {
  readonly socketFile: string;
  readonly reader: string;
  /** `shown`: with the bits of cards, which are personal. The journal keeps that they were. */
  readonly bits: "shown" | "masked";
  readonly json: boolean;
  readonly terminal: Terminal;
}

/** Each presentation at a reader as it was on the wire, until the command is ended. */
export async function watchReader(options: WatchReaderOptions): Promise<void> {
  const { socketFile, reader, bits, json, terminal } = options;
  if (!isId(reader)) throw new CommandFailed(2, `reader: expected ${idExpectation}`);
  const args = { reader: readerId(reader), bits: bits === "shown" };
  const items = askForItems(socketFile, { verb: "watch_reader", args }, tellFault);
  if (!json) terminal.err(`Watching reader ${reader}; the journal says so. Ctrl-C ends it.\n`);
  for await (const item of items) {
    const seen = item as LocalPresentation;
    terminal.out(json ? `${JSON.stringify(seen)}\n` : renderPresentation(seen));
  }
}

export function renderPresentation(seen: LocalPresentation): string {
  const { at, kind, verdict, format, bitCount, bits, spacingsUs, health, missedCount } = seen;
  const what = verdict === "ok" ? [kind, format] : [`misread: ${verdict}`];
  const words = [tellMoment(at), ...what, `${bitCount} bits`].filter((word) => word !== undefined);
  const lines = [
    ...(missedCount > 0 ? [`(${missedCount} presentations came too fast to be shown)`] : []),
    words.join("  "),
    `  bits      ${bits ?? "masked"}`,
    ...spacingHistogram(spacingsUs).map(
      (bar, row) => `  ${row === 0 ? "spacing" : "       "}   ${bar}`,
    ),
    `  health    ${describeHealth(health)}`,
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

function describeHealth(health: LocalReaderHealth): string {
  const { frameCount, misreadCounts, extraBitCount, lostEdgeCount } = health;
  const misreads = Object.entries(misreadCounts).filter(([, count]) => count > 0);
  const told = misreads.map(([verdict, count]) => `${verdict} ${count}`).join(" ");
  const misread = told === "" ? "no misreads" : `misreads ${told}`;
  return `${frameCount} frames, ${misread}, ${extraBitCount} extra bits, ${lostEdgeCount} lost edges`;
}

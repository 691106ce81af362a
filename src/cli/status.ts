import type { LocalStatus } from "../protocols/local/local-reports.ts";
import { ask } from "./client.ts";
import { tellDuration, tellMoment } from "./moments.ts";
import { typed } from "./operate.ts";
import type { Terminal } from "./terminal.ts";
import { printable, textTable } from "./text-table.ts";

export interface StatusOptions {
  readonly socketFile: string;
  readonly json: boolean;
  readonly terminal: Terminal;
}

export async function showStatus({ socketFile, json, terminal }: StatusOptions): Promise<void> {
  const status = (await ask(socketFile, { verb: "status", args: {} })) as LocalStatus;
  terminal.out(json ? `${JSON.stringify(status, undefined, 2)}\n` : renderStatus(status));
}

export function renderStatus(status: LocalStatus): string {
  const { clock, table, journal, doors, readers, troubles } = status;
  const waiting = journal.newest - journal.acknowledged;
  const runningMs = clock.at - status.startedAt;
  const facts: readonly (readonly [string, string])[] = [
    ["controller", `${status.controller} of site ${status.site}, postern ${status.software}`],
    ["running", `${tellDuration(runningMs)}, since ${tellMoment(status.startedAt)}`],
    ["clock", `${tellMoment(clock.at)}, ${clock.quality}`],
    ["broker", status.link === "up" ? "connected" : "not connected"],
    ["table", table === null ? "none yet: every card is denied" : describeTable(table)],
    ["journal", `${journal.newest} entries, ${waiting} not yet at the site`],
    ["alarms", status.alarms.length === 0 ? "none" : status.alarms.join(", ")],
    ["troubles", troubles.length === 0 ? "none" : troubles.join(", ")],
  ];
  const doorRows = doors.map(({ id, posture, cause, alarm, strike, leaf }) => [
    id,
    `${typed(posture)}, by ${typed(cause)}`,
    alarm,
    strike,
    leaf === "no_contact" ? "no contact" : leaf,
  ]);
  const readerRows = readers.map((reader) => [
    reader.id,
    reader.door,
    String(reader.frameCount),
    describeCounts(reader.misreadCounts),
    String(reader.extraBitCount),
    String(reader.lostEdgeCount),
  ]);
  const radioRows = readers.flatMap(({ id, mobile }) => {
    if (mobile === undefined) return [];
    const { state, reason, connectionCount, restartCount, answerCounts, faultCounts } = mobile;
    return [
      [
        id,
        reason === undefined ? state : `${state}, ${typed(reason)}`,
        String(connectionCount),
        describeCounts(answerCounts),
        describeCounts(faultCounts),
        String(restartCount),
      ],
    ];
  });
  const radios = ["READER", "RADIO", "PHONES", "ANSWERS", "FAULTS", "RESTARTS"];
  return [
    facts.map(([name, text]) => `${name.padEnd(12)}${printable(text)}\n`).join(""),
    textTable(["DOOR", "POSTURE", "ALARM", "STRIKE", "LEAF"], doorRows),
    textTable(["READER", "DOOR", "FRAMES", "MISREADS", "EXTRA BITS", "LOST EDGES"], readerRows),
    ...(radioRows.length === 0 ? [] : [textTable(radios, radioRows)]),
  ].join("\n");
}

function describeTable(table: NonNullable<LocalStatus["table"]>): string {
  const { epoch, version, credentialCount, ageMs } = table;
  return `${epoch}.${version}, ${credentialCount} passes, compiled ${tellDuration(ageMs)} ago`;
}

function describeCounts(counts: Readonly<Record<string, number>>): string {
  const seen = Object.entries(counts).filter(([, count]) => count > 0);
  return seen.length === 0
    ? "none"
    : seen.map(([verdict, count]) => `${verdict} ${count}`).join(" ");
}

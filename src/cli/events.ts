import type { DoorEvent, JournalEntry } from "../domain/event.ts";
import { unreachable } from "../domain/unreachable.ts";
import { parseJournalEntry } from "../protocols/sync/journal-entry-schema.ts";
import { askForItems } from "./client.ts";
import { tellDuration, tellMoment } from "./moments.ts";
import { CommandFailed, type Terminal } from "./terminal.ts";
import { inColumns, printable } from "./text-table.ts";

export interface EventsOptions {
  readonly socketFile: string;
  readonly after: number | undefined;
  readonly limit: number | undefined;
  readonly follow: boolean;
  readonly json: boolean;
  readonly terminal: Terminal;
}

/** A stream cannot wait for its widest cell: numbers, times and kinds have these. */
const widths = [6, 21, 17, 22];

/**
 * Oldest first. `--json` prints one array, or with `--follow` one object a line, since an array that
 * never ends can be parsed by nobody.
 */
export async function showEvents(options: EventsOptions): Promise<void> {
  const { socketFile, after, limit, follow, json, terminal } = options;
  const items = askForItems(socketFile, {
    verb: "events",
    args: {
      ...(after === undefined ? {} : { after }),
      ...(limit === undefined ? {} : { limit }),
      follow,
    },
  });
  const isArray = json && !follow;
  let count = 0;
  if (!json) terminal.out(`${inColumns(["NUMBER", "TIME", "EVENT", "WHERE", "WHAT"], widths)}\n`);
  if (isArray) terminal.out("[");
  for await (const item of items) {
    if (isArray) terminal.out(count === 0 ? "\n" : ",\n");
    const line = json ? JSON.stringify(item) : renderEntry(understood(item));
    terminal.out(isArray ? line : `${line}\n`);
    count += 1;
  }
  if (isArray) terminal.out(count === 0 ? "]\n" : "\n]\n");
}

function understood(item: unknown): JournalEntry {
  const entry = parseJournalEntry(item);
  if (entry.ok) return entry.value;
  throw new CommandFailed(
    1,
    `The journal has an entry that this version cannot read: ${entry.fault}`,
  );
}

export function renderEntry({ number, wall, event }: JournalEntry): string {
  const { where, what } = describeEvent(event);
  // Holdover and unknown: whoever reads this as evidence has to see it.
  const doubt = wall.quality === "trusted" ? "" : wall.quality === "holdover" ? "~" : "?";
  const cells = [String(number), `${tellMoment(wall.at)}${doubt}`, event.kind, where, what];
  return inColumns(cells.map(printable), widths);
}

function describeEvent(event: DoorEvent): { readonly where: string; readonly what: string } {
  switch (event.kind) {
    case "access_granted":
      return { where: at(event), what: `${event.reason}: ${event.user}, pass ${event.pass}` };
    case "access_denied": {
      const { reason, user, pass } = event;
      const who = [user, pass === undefined ? undefined : `pass ${pass}`];
      const known = who.filter((part) => part !== undefined).join(", ");
      return { where: at(event), what: known === "" ? reason : `${reason}: ${known}` };
    }
    case "pin_lockout":
      return {
        where: `reader ${event.reader}`,
        what: `keypad pauses ${tellDuration(event.pauseMs)}`,
      };
    case "reader_misread": {
      const { reader, verdict, bitCount, count } = event;
      return { where: `reader ${reader}`, what: `${verdict}, ${bitCount} bits, ${count} times` };
    }
    case "posture_changed":
      return { where: event.door, what: `${event.posture}, by ${event.cause}` };
    case "passback_violation": {
      const { user, area } = event;
      return { where: at(event), what: `${user} was thought to be in ${area ?? "no area"}` };
    }
    case "duress":
      return { where: at(event), what: `user ${event.user}, pass ${event.pass}` };
    case "passback_forgiven":
      return { where: "", what: event.user === undefined ? "everybody" : `user ${event.user}` };
    case "strike_pulsed":
      return { where: event.door, what: `by a technician, ${event.forMs} ms` };
    case "reader_watched":
      return { where: whereOf(event.reader), what: `by a technician, bits ${event.bits}` };
    case "remote_unlock":
      return { where: event.door, what: `by the site, ${event.outcome}: ${event.attempt}` };
    case "remote_override": {
      const { door, override, outcome, attempt } = event;
      return { where: door, what: `${override}, by the site, ${outcome}: ${attempt}` };
    }
    case "enrolment":
      return { where: whereOf(event.reader), what: `${event.outcome}: ${event.attempt}` };
    case "command_refused":
      return { where: "", what: `${event.reason}, ${event.count} times` };
    case "fire":
      return { where: "", what: event.state };
    case "tamper":
      return { where: whereOf(event.reader), what: event.state };
    case "alarm_input_fault":
      return { where: whereOf(event.reader), what: `${event.input} input: ${event.fault}` };
    case "table_applied":
      return { where: "", what: `table ${event.applied.epoch}.${event.applied.version}` };
    case "table_refused":
      return { where: "", what: `${event.reason}: ${event.detail}` };
    case "controller_started":
      return { where: "", what: event.software };
    case "trouble":
      return { where: "", what: `${event.trouble} ${event.state}` };
    case "clock_set": {
      const to = event.byMs < 0 ? "back" : "forward";
      return {
        where: "",
        what: `${to} by ${tellDuration(Math.abs(event.byMs))}, ${event.outcome}`,
      };
    }
    case "journal_overflow": {
      const { lostCount, lostDenialCount, lostAlarmCount } = event;
      const among = `${lostDenialCount} denials and ${lostAlarmCount} alarms among them`;
      return { where: "", what: `${lostCount} entries lost, ${among}` };
    }
    case "door_forced":
    case "door_held_warning":
    case "door_held":
    case "door_secured":
    case "door_not_entered":
    case "door_failed_to_relock":
    case "rex_cut":
    case "rex_shorted":
    case "contact_stuck":
    case "contact_cut":
    case "contact_shorted":
    case "rex_admitted":
    case "rex_reported":
    case "rex_stuck":
    case "rex_chatter":
    case "rex_recovered":
    case "contact_chatter":
    case "contact_recovered":
      return { where: event.door, what: "" };
    default:
      return unreachable(event);
  }
}

function whereOf(reader: string | undefined): string {
  return reader === undefined ? "" : `reader ${reader}`;
}

function at({ door, reader }: { readonly door: string; readonly reader: string }): string {
  return door === reader ? door : `${door} (reader ${reader})`;
}

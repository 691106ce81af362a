import type * as v from "valibot";
import { formatEntries } from "../../../protocols/toml/format-table.ts";
import {
  areaEntries,
  calendarEntries,
  doorEntries,
  scheduleEntries,
  zoneEntries,
} from "../../site-file-schema.ts";
import type { RuleRow, SurroundingRow } from "../../store/store-schema.ts";
import {
  areaTable,
  calendarTable,
  doorTable,
  formatTable,
  scheduleTable,
  zoneTable,
} from "./surrounding-tables.ts";
import type { SurroundingList } from "./surroundings-check.ts";

/** One kind of what a site file says beside people and rules. */
export interface SurroundingKind {
  readonly kind: SurroundingRow["kind"];
  /** As paths and answers have it: `doors`, `door`. */
  readonly plural: string;
  readonly singular: string;
  readonly list: SurroundingList;
  /** Which field says which one. */
  readonly idField: string;
  readonly entries: v.ObjectEntries;
  /** A row's body in the words of a site file. */
  table(body: unknown): object;
  /** Whether the rule could not do without this one. */
  isNeededBy(rule: RuleRow, id: string): boolean;
}

const listed = (text: string, id: string): boolean =>
  (JSON.parse(text) as readonly string[]).includes(id);

/** `Record`: what such a row's body holds. */
const kindOf = <Record>(
  parts: Omit<SurroundingKind, "table" | "idField" | "isNeededBy"> & {
    readonly idField?: string;
    readonly table: (record: Record) => object;
    readonly isNeededBy?: SurroundingKind["isNeededBy"];
  },
): SurroundingKind => ({
  idField: "id",
  isNeededBy: () => false,
  ...parts,
  table: (body) => parts.table(body as Record),
});

export const surroundingKinds: readonly SurroundingKind[] = [
  kindOf({
    kind: "door",
    plural: "doors",
    singular: "door",
    list: "doors",
    entries: doorEntries,
    table: doorTable,
    // The one for those who were granted this door goes with it.
    isNeededBy: ({ doors, grantedDoor }, id) => grantedDoor !== id && listed(doors, id),
  }),
  kindOf({
    kind: "zone",
    plural: "zones",
    singular: "zone",
    list: "zones",
    entries: zoneEntries,
    table: zoneTable,
    isNeededBy: ({ zones }, id) => listed(zones, id),
  }),
  kindOf({
    kind: "area",
    plural: "areas",
    singular: "area",
    list: "areas",
    entries: areaEntries,
    table: areaTable,
  }),
  kindOf({
    kind: "schedule",
    plural: "schedules",
    singular: "schedule",
    list: "schedules",
    entries: scheduleEntries,
    table: scheduleTable,
    isNeededBy: ({ schedule }, id) => schedule === id,
  }),
  kindOf({
    kind: "calendar_day",
    plural: "calendar_days",
    singular: "calendar_day",
    list: "calendar",
    idField: "date",
    entries: calendarEntries,
    table: calendarTable,
  }),
  kindOf({
    kind: "card_format",
    plural: "card_formats",
    singular: "card_format",
    list: "formats",
    idField: "name",
    entries: formatEntries,
    table: formatTable,
  }),
];

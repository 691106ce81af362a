import type { PinDigest } from "../domain/credential.ts";
import { cardName, codeName } from "./api/acs/pass-name.ts";
import { calendarDayId } from "./calendar-day-id.ts";
import type { SiteFile } from "./site-file.ts";
import type { FilePass } from "./site-file-passes.ts";
import type { PassRow, RuleRow, SurroundingRow, UserRow } from "./store/store-schema.ts";

/** What a file says of a row; all else of it is not the file's to say. */
export type FileSurroundingRow = Pick<SurroundingRow, "kind" | "id" | "position" | "name" | "body">;
export type FileUserRow = Pick<UserRow, "id" | "name" | "suspended" | "traits">;
export type FileRuleRow = Pick<RuleRow, "id" | "kind" | "doors" | "zones" | "schedule">;
export type FilePassRow = Pick<
  PassRow,
  | "id"
  | "userId"
  | "kind"
  | "active"
  | "startsAt"
  | "endsAt"
  | "usesMax"
  | "traits"
  | "raw"
  | "cardFormat"
  | "cardFields"
  | "pinDigest"
  | "displayName"
>;

/** A site file as the rows that are to stand for it. */
export interface FileRows {
  readonly zone: string;
  readonly surroundings: readonly FileSurroundingRow[];
  readonly users: ReadonlyMap<string, FileUserRow>;
  readonly passes: ReadonlyMap<string, FilePassRow>;
  readonly rules: ReadonlyMap<string, FileRuleRow>;
  /** Who is in each rule. */
  readonly members: ReadonlyMap<string, ReadonlySet<string>>;
}

export function rowsOfSiteFile(file: SiteFile, digestPin: (digits: string) => PinDigest): FileRows {
  return {
    zone: file.zone,
    surroundings: surroundingRows(file),
    users: byId(
      file.users.map(({ id, name, suspended, traits }) => ({
        id,
        name,
        suspended: suspended ? 1 : 0,
        traits: JSON.stringify(traits),
      })),
    ),
    passes: byId(file.passes.map((pass) => passRow(pass, digestPin))),
    rules: byId(
      file.rules.map(({ id, kind, doors, zones, schedule }) => ({
        id,
        kind,
        doors: JSON.stringify(doors),
        zones: JSON.stringify(zones),
        schedule: schedule ?? null,
      })),
    ),
    members: new Map(file.rules.map(({ id, users }) => [id, new Set<string>(users)])),
  };
}

function surroundingRows(file: SiteFile): readonly FileSurroundingRow[] {
  const of = <Record>(
    kind: SurroundingRow["kind"],
    records: readonly Record[],
    called: (record: Record) => { readonly id: string; readonly name: string },
  ) =>
    records.map((record, position) => ({
      kind,
      position,
      ...called(record),
      body: JSON.stringify(record),
    }));
  const byOwnId = ({ id }: { readonly id: string }) => ({ id, name: id });
  return [
    ...of("door", file.doors, ({ id, name }) => ({ id, name })),
    ...of("zone", file.zones, byOwnId),
    ...of("area", file.areas, byOwnId),
    ...of("schedule", file.schedules, byOwnId),
    ...of("calendar_day", file.calendar, (day) => ({ id: calendarDayId(day), name: day.dayType })),
    ...of("card_format", file.formats, ({ name }) => ({ id: name, name })),
  ];
}

function passRow(pass: FilePass, digestPin: (digits: string) => PinDigest): FilePassRow {
  const common = {
    id: pass.id,
    userId: pass.user,
    kind: pass.kind,
    active: pass.active ? 1 : 0,
    startsAt: pass.startsAt ?? null,
    endsAt: pass.endsAt ?? null,
    usesMax: pass.usesMax ?? null,
    traits: JSON.stringify(pass.traits),
  };
  if (pass.kind === "pin") {
    return {
      ...common,
      raw: null,
      cardFormat: null,
      cardFields: null,
      pinDigest: digestPin(pass.pin),
      displayName: codeName(pass.pin),
    };
  }
  const { format, fields } = pass.card;
  return {
    ...common,
    raw: pass.raw,
    cardFormat: format,
    cardFields: JSON.stringify(fields),
    pinDigest: null,
    // The last field is what is printed on it; the others are alike on all cards of a site.
    displayName: cardName(String(Object.values(fields).at(-1) ?? "")),
  };
}

const byId = <Row extends { readonly id: string }>(rows: readonly Row[]) =>
  new Map(rows.map((row) => [row.id, row]));

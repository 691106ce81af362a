import * as v from "valibot";
import type { TableVersion } from "../domain/access.ts";
import type { ControllerId } from "../domain/ids.ts";
import { sha256Hex, tableVersion } from "../protocols/sync/schema-parts.ts";
import { decodeCbor, encodeCbor } from "../protocols/sync/strict-cbor.ts";
import type { StateFolder } from "./state-folder.ts";

/**
 * The last table that was made for one controller. Version and message are one file: never apart.
 */
export interface ShelvedTable {
  readonly table: TableVersion;
  /** Over everything in the table but its number and date, and the keys it was sealed with. */
  readonly fingerprint: string;
  /** As `sealTable` made it. */
  readonly message: Uint8Array;
}

const shelvedSchema = v.strictObject({
  format: v.literal(1),
  table: tableVersion,
  fingerprint: sha256Hex,
  message: v.instance(Uint8Array),
});

const nameOf = (controller: ControllerId): string => `tables/${controller}.cbor`;

/** `damaged` stands for a file that does not read as one of ours: its number is not known. */
export function readTable(
  folder: StateFolder,
  controller: ControllerId,
): ShelvedTable | "absent" | "damaged" {
  const bytes = folder.read(nameOf(controller));
  if (bytes === undefined) return "absent";
  const decoded = decodeCbor(bytes);
  if (!decoded.ok) return "damaged";
  const parsed = v.safeParse(shelvedSchema, decoded.value, { abortEarly: true });
  if (!parsed.success) return "damaged";
  const { table, fingerprint, message } = parsed.output;
  return { table, fingerprint, message };
}

/** On disk when it returns. */
export function shelveTable(
  folder: StateFolder,
  controller: ControllerId,
  { table, fingerprint, message }: ShelvedTable,
): void {
  folder.write(nameOf(controller), encodeCbor({ format: 1, table, fingerprint, message }));
}

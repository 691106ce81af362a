import * as v from "valibot";
import { unreachable } from "../../../domain/unreachable.ts";
import type { AttemptType } from "../../action-attempts.ts";
import type { ActionAttemptRow, PassRow } from "../../store/store-schema.ts";
import { storedJson } from "../../store/stored-json.ts";
import type { ApiSite } from "../api-site.ts";
import { credentialJson } from "./credential-json.ts";
import type { Rows } from "./find-rows.ts";
import { isoOf } from "./user-json.ts";

const errorSchema = v.object({ type: v.string(), message: v.string() });
const scanSchema = v.object({
  pass: v.nullable(v.string()),
  display_name: v.string(),
  bit_count: v.number(),
  card_format: v.nullable(v.string()),
});
const passSchema = v.object({ pass: v.string() });
const unlockSchema = v.object({ was_confirmed_by_device: v.boolean() });

/** What a reader saw of a card that it read for nobody: more than Seam has words for. */
export async function scannedCardJson({ issuer }: ApiSite, row: ActionAttemptRow) {
  const scanned = storedJson(scanSchema, row.result ?? "", placeOf(row));
  const known = scanned.pass === null ? undefined : await passRow(issuer.store.rows, scanned.pass);
  return {
    action_attempt_id: row.id,
    display_name: scanned.display_name,
    card_format: scanned.card_format,
    bit_count: scanned.bit_count,
    acs_credential_id: known?.uuid ?? null,
  };
}

/** Seam's `action_attempt`. What it names is told as it is now. */
export async function actionAttemptJson(site: ApiSite, row: ActionAttemptRow) {
  const { id, status, type, error } = row;
  const head = { action_attempt_id: id, action_type: type, status };
  switch (status) {
    case "pending":
      return { ...head, result: null, error: null };
    case "error":
      return { ...head, result: null, error: storedJson(errorSchema, error ?? "", placeOf(row)) };
    case "success": {
      const result = await resultJson(site, row);
      if (result !== null) return { ...head, result, error: null };
      return { ...head, status: "error", result: null, error: deletedSince };
    }
    default:
      return unreachable(status);
  }
}

const deletedSince = {
  type: "uncategorized_error",
  message: "It succeeded, and the credential was deleted since.",
} as const;

/** Null: of a credential that is there no more. */
async function resultJson(site: ApiSite, row: ActionAttemptRow): Promise<object | null> {
  const type = row.type as AttemptType;
  const text = row.result ?? "";
  switch (type) {
    case "UNLOCK_DOOR":
      return storedJson(unlockSchema, text, placeOf(row));
    case "SCAN_CREDENTIAL":
      return await scanJson(site, row, text);
    case "SCAN_TO_ASSIGN_CREDENTIAL":
    case "ENCODE_CREDENTIAL": {
      const { pass } = storedJson(passSchema, text, placeOf(row));
      return await credentialOf(site, pass);
    }
    default:
      return unreachable(type);
  }
}

async function scanJson(site: ApiSite, row: ActionAttemptRow, text: string): Promise<object> {
  const { pass, display_name } = storedJson(scanSchema, text, placeOf(row));
  const known = pass === null ? undefined : await passRow(site.issuer.store.rows, pass);
  return {
    acs_credential_on_encoder: {
      created_at: known === undefined ? null : isoOf(known.createdAt),
      is_issued: known !== undefined,
      starts_at: momentOf(known?.startsAt),
      ends_at: momentOf(known?.endsAt),
      // Enough to know the card by, and not enough to copy it.
      card_number: display_name,
    },
    acs_credential_on_seam: known === undefined ? null : await credentialOf(site, known.id),
    warnings: [],
  };
}

async function credentialOf(site: ApiSite, pass: string): Promise<object | null> {
  const { rows } = site.issuer.store;
  const row = await passRow(rows, pass);
  if (row === undefined) return null;
  return (await credentialJson(site, rows, row)).acs_credential ?? null;
}

function passRow(rows: Rows, pass: string): Promise<PassRow | undefined> {
  return rows.selectFrom("passes").selectAll().where("id", "=", pass).executeTakeFirst();
}

const momentOf = (at: number | null | undefined): string | null =>
  at === null || at === undefined ? null : isoOf(at);

const placeOf = ({ id }: ActionAttemptRow) => ({ table: "actionAttempts", id });

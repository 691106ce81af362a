import { createHmac } from "node:crypto";
import type { TableContent, TableVersion } from "../domain/access.ts";
import type { ControllerId } from "../domain/ids.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { EpochMs } from "../domain/time.ts";
import { encodeCbor } from "../protocols/sync/strict-cbor.ts";
import { parseTableContent } from "../protocols/sync/table-content.ts";
import { sealTable, tableMessageBytesMax } from "../protocols/sync/table-message.ts";
import { compileTable } from "./compile-table.ts";
import type { SiteKeys } from "./site-keys.ts";
import type { SiteModel } from "./site-model.ts";
import type { SpentUses } from "./spent-uses.ts";
import type { ShelvedTable } from "./table-shelf.ts";

/** A table's content before it has its number. */
export interface DraftTable {
  readonly controller: ControllerId;
  readonly content: TableContent;
  readonly fingerprint: string;
}

/** Why a controller would refuse what the model says of its doors. */
export interface DraftFault {
  readonly controller: ControllerId;
  readonly detail: string;
}

export interface DraftOf {
  readonly model: SiteModel;
  readonly controller: ControllerId;
  readonly compiledAt: EpochMs;
  readonly spent: SpentUses;
}

/**
 * Checked by the rules that its controller will check it by: what is sent out is never refused
 * there.
 */
export function draftTable(keys: SiteKeys, draft: DraftOf): Result<DraftTable, DraftFault> {
  const { controller } = draft;
  const table = { epoch: 0, version: 0 };
  const content = parseTableContent(compileTable({ ...draft, table, pinKey: keys.pinKey }));
  return content.ok
    ? succeed({
        controller,
        content: content.value,
        fingerprint: fingerprintOf(content.value, keys),
      })
    : fail({ controller, detail: content.fault });
}

/** Keyed, because it is stored and a plain hash would let PINs and cards be guessed from it. */
function fingerprintOf(content: TableContent, keys: SiteKeys): string {
  const { controllerKey } = keys.provisionFor(content.controller);
  return createHmac("sha256", controllerKey)
    .update(keys.publicKeyPem)
    .update(encodeCbor({ ...content, table: null, compiledAt: null }))
    .digest("hex");
}

export function sealDraft(
  keys: SiteKeys,
  draft: DraftTable,
  table: TableVersion,
): Result<ShelvedTable, DraftFault> {
  const { controller, content, fingerprint } = draft;
  const message = sealTable({
    content: { ...content, table },
    signingKey: keys.signingKey,
    tableKey: keys.keysFor(controller).tableKey,
  });
  if (message.length > tableMessageBytesMax) {
    const detail = `message: expected at most ${tableMessageBytesMax} bytes`;
    return fail({ controller, detail });
  }
  return succeed({ table, fingerprint, message });
}

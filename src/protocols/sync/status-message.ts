import * as v from "valibot";
import type { TableVersion } from "../../domain/access.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import type { ClockQuality } from "../../domain/time.ts";
import { parseContent } from "./parse-content.ts";
import { tableVersion, text } from "./schema-parts.ts";

/**
 * How a controller is, for people and dashboards: JSON, retained, and its will says `online:
 * false`. Anybody at the broker can write one, so nothing that opens a door or ends a retry is
 * decided by it.
 */
export type ControllerStatus =
  | { readonly online: false }
  | {
      readonly online: true;
      readonly software: string;
      /** The table in force; absent before the first. */
      readonly table?: TableVersion;
      readonly tableAgeMs?: number;
      readonly clock: ClockQuality;
      /** Names of the troubles that are raised now. */
      readonly troubles: readonly string[];
    };

export const statusBytesMax = 16_384;
export const statusTroublesMax = 64;

const statusSchema = v.variant("online", [
  v.strictObject({ format: v.literal(1), online: v.literal(false) }),
  v.strictObject({
    format: v.literal(1),
    online: v.literal(true),
    software: text(200),
    table: v.exactOptional(tableVersion),
    tableAgeMs: v.exactOptional(v.pipe(v.number(), v.finite())),
    clock: v.picklist(["trusted", "holdover", "unknown"]),
    troubles: v.pipe(v.array(text(200)), v.maxLength(statusTroublesMax)),
  }),
]);

export function encodeStatus(status: ControllerStatus): Uint8Array {
  const bounded = status.online
    ? { ...status, troubles: status.troubles.slice(0, statusTroublesMax) }
    : status;
  return Buffer.from(JSON.stringify({ format: 1, ...bounded }));
}

export interface StatusRefusal {
  readonly reason: "too_long" | "malformed" | "invalid_content";
  readonly detail: string;
}

export function decodeStatus(message: Uint8Array): Result<ControllerStatus, StatusRefusal> {
  if (message.length > statusBytesMax) {
    return fail({ reason: "too_long", detail: `at most ${statusBytesMax} bytes` });
  }
  let raw: unknown;
  try {
    raw = JSON.parse(Buffer.from(message).toString("utf8"));
  } catch {
    return fail({ reason: "malformed", detail: "not JSON" });
  }
  const parsed = parseContent(statusSchema, raw);
  if (!parsed.ok) return parsed;
  const { format: _, ...status } = parsed.value;
  return succeed(status);
}

import * as v from "valibot";
import type { RawCredential } from "../../domain/credential.ts";
import { type DoorId, doorId, type ReaderId, readerId } from "../../domain/ids.ts";
import type { Result } from "../../domain/result.ts";
import { offerText } from "./command-offer.ts";
import { parseContent } from "./parse-content.ts";
import { attemptId, id, integer } from "./schema-parts.ts";
import {
  openSecretly,
  readBody,
  type SiteOpener,
  type SiteSealer,
  sealSecretly,
} from "./site-seal.ts";
import { encodeCbor } from "./strict-cbor.ts";
import type { TableRefusal } from "./table-refusal.ts";

/** What a site asks of one controller, there and then: nothing of it waits for one that is away. */
export type SiteCommand = {
  /**
   * A UUID by which the site finds who asked: that of the action attempt, where there is one. It
   * stands in the controller's journal. Of `cancel_enrolment`: that of the enrolment to be cancelled.
   */
  readonly attempt: string;
} /** The next card or phone at this reader is not judged but told to the site: behaviours 13-16. */ & (
  | {
      readonly kind: "enrol";
      readonly reader: ReaderId;
      readonly forMs: number;
      /**
       * What is taken; whatever else is presented is judged as ever. Absent: a card, which is how cards
       * are asked for, since controllers of before mobile passes know no such field.
       */
      readonly expects?: "card" | "phone";
    }
  | { readonly kind: "cancel_enrolment"; readonly reader: ReaderId }
  /** What the reader declined last because nobody knows it: behaviour 14. */
  | { readonly kind: "tell_last_unknown"; readonly reader: ReaderId }
  /** For the door's own time: behaviour 36. */
  | { readonly kind: "unlock"; readonly door: DoorId }
  | { readonly kind: "set_override"; readonly door: DoorId; readonly override: DoorOverride }
);

/** As an operator at the controller may say it; `none` returns to what schedules say now. */
export type DoorOverride =
  | { readonly posture: "none" }
  | {
      readonly posture: "disabled" | "locked" | "unlocked" | "free_access" | "lockdown";
      readonly until: "next_schedule_change" | "cleared";
    };

export type CommandAnswer =
  | { readonly kind: "done" }
  /** `format`: the name of the one that the reader took it by, where the controller says it. */
  | { readonly kind: "presented"; readonly raw: RawCredential; readonly format?: string }
  /** Nothing was presented in time, or there is nothing to tell. */
  | { readonly kind: "nothing" };

/** Why a command came to nothing: stable strings. */
export type CommandFault =
  /** Nothing was heard from it in time: whether it did as it was told is not known. */
  | { readonly reason: "no_answer" }
  /** It was not told anything. */
  | { readonly reason: "controller_offline" }
  /** What the controller says against it, a stable string of its own. */
  | { readonly reason: "refused"; readonly detail: string };

/** How long a reader may be asked to wait for a card. */
export const enrolmentMsMin = 1_000;
export const enrolmentMsMax = 120_000;

export const siteCommandBytesMax = 512;

/** A command, and the controller's offer that it takes up. */
export interface OfferedCommand {
  readonly offer: string;
  readonly command: SiteCommand;
}

const overrideSchema = v.variant("posture", [
  v.strictObject({ posture: v.literal("none") }),
  v.strictObject({
    posture: v.picklist(["disabled", "locked", "unlocked", "free_access", "lockdown"]),
    until: v.picklist(["next_schedule_change", "cleared"]),
  }),
]);

const commandSchema = v.variant("kind", [
  v.strictObject({
    kind: v.literal("enrol"),
    attempt: attemptId,
    reader: id(readerId),
    forMs: integer(enrolmentMsMin, enrolmentMsMax),
    expects: v.exactOptional(v.picklist(["card", "phone"])),
  }),
  v.strictObject({
    kind: v.literal("cancel_enrolment"),
    attempt: attemptId,
    reader: id(readerId),
  }),
  v.strictObject({
    kind: v.literal("tell_last_unknown"),
    attempt: attemptId,
    reader: id(readerId),
  }),
  v.strictObject({ kind: v.literal("unlock"), attempt: attemptId, door: id(doorId) }),
  v.strictObject({
    kind: v.literal("set_override"),
    attempt: attemptId,
    door: id(doorId),
    override: overrideSchema,
  }),
]);

const offeredSchema = v.strictObject({ offer: offerText, command: commandSchema });

export function sealSiteCommand(
  sealer: SiteSealer,
  { offer, command }: OfferedCommand,
): Uint8Array {
  return sealSecretly(sealer, "command", encodeCbor({ offer, command }));
}

/** Whether the offer is one that is still open is for the caller to see. */
export function openSiteCommand(
  opener: SiteOpener,
  message: Uint8Array,
): Result<OfferedCommand, TableRefusal> {
  const opened = openSecretly(opener, "command", { message, bytesMax: siteCommandBytesMax });
  if (!opened.ok) return opened;
  const body = readBody(opened.value);
  if (!body.ok) return body;
  return parseContent(offeredSchema, body.value);
}

import { randomUUID } from "node:crypto";
import { type DenialReason, reasonSentences, seamDenialReasons } from "../domain/reason.ts";
import { type EpochMs, writableEpochMs } from "../domain/time.ts";
import type { NewNotice } from "./store/notices.ts";

/** What stands in every notice: the API's names of the site itself. */
export interface NoticeIdentity {
  readonly systemId: string;
  readonly workspaceId: string;
  readonly connectedAccountId: string;
}

/** What a door was opened with, in Seam's words. */
export type UnlockMethod = "keycode" | "card" | "nfc" | "bluetooth" | "remote" | "unknown";

/**
 * What the API calls an event, by Seam's name of it. Every name here is a UUID. Of what happens at a
 * door, only who was let in and who was not has a name of Seam's that fits; all of it is in
 * `/postern/events`.
 */
export type Notice =
  | { readonly type: "acs_user.created" | "acs_user.deleted"; readonly user: string }
  | {
      readonly type:
        | "acs_credential.issued"
        | "acs_credential.reissued"
        /** It opens nothing any more, and may be made to again. */
        | "acs_credential.invalidated"
        | "acs_credential.deleted";
      readonly credential: string;
    }
  | { readonly type: "acs_entrance.added" | "acs_entrance.removed"; readonly entrance: string }
  | { readonly type: "acs_encoder.added" | "acs_encoder.removed"; readonly encoder: string }
  | { readonly type: "acs_access_group.deleted"; readonly group: string }
  | {
      readonly type: "action_attempt.unlock_door.succeeded" | "action_attempt.unlock_door.failed";
      readonly attempt: string;
    }
  | {
      readonly type: "lock.unlocked";
      readonly entrance?: string;
      readonly user?: string;
      readonly method: UnlockMethod;
      /** Of one that the API asked for. */
      readonly attempt?: string;
    }
  | {
      readonly type: "lock.access_denied";
      readonly entrance?: string;
      readonly user?: string;
      readonly reason?: DenialReason;
    };

export type NoticeType = Notice["type"];

const everyType: Readonly<Record<NoticeType, true>> = {
  "acs_user.created": true,
  "acs_user.deleted": true,
  "acs_credential.issued": true,
  "acs_credential.reissued": true,
  "acs_credential.invalidated": true,
  "acs_credential.deleted": true,
  "acs_entrance.added": true,
  "acs_entrance.removed": true,
  "acs_encoder.added": true,
  "acs_encoder.removed": true,
  "acs_access_group.deleted": true,
  "action_attempt.unlock_door.succeeded": true,
  "action_attempt.unlock_door.failed": true,
  "lock.unlocked": true,
  "lock.access_denied": true,
};

export const noticeTypes: readonly string[] = Object.keys(everyType);

/** When it was made, when what it tells happened, and its id where that follows from something. */
export interface NoticeMoment {
  readonly madeAt: EpochMs;
  /** Absent: then. */
  readonly occurredAt?: number;
  readonly id?: string;
}

/** As the API answers it and as webhooks get it: an `event` of @seamapi/types. */
export function noticeRow(
  notice: Notice,
  identity: NoticeIdentity,
  { madeAt, occurredAt = madeAt, id = randomUUID() }: NoticeMoment,
): NewNotice {
  const subjects = subjectsOf(notice);
  const body = {
    event_id: id,
    event_type: notice.type,
    workspace_id: identity.workspaceId,
    ...(notice.type.startsWith("action_attempt.") ? {} : { acs_system_id: identity.systemId }),
    connected_account_id: identity.connectedAccountId,
    created_at: new Date(madeAt).toISOString(),
    occurred_at: new Date(writableEpochMs(occurredAt)).toISOString(),
    ...subjects,
    ...particularsOf(notice),
  };
  return {
    id,
    type: notice.type,
    body: JSON.stringify(body),
    subjects: Object.values(subjects),
  };
}

function subjectsOf(notice: Notice): Readonly<Record<string, string>> {
  return {
    ...("user" in notice && { acs_user_id: notice.user }),
    ...("credential" in notice && { acs_credential_id: notice.credential }),
    ...("entrance" in notice && { acs_entrance_id: notice.entrance }),
    ...("encoder" in notice && { acs_encoder_id: notice.encoder }),
    ...("group" in notice && { acs_access_group_id: notice.group }),
    ...("attempt" in notice && { action_attempt_id: notice.attempt }),
  };
}

function particularsOf(notice: Notice): object {
  switch (notice.type) {
    case "action_attempt.unlock_door.succeeded":
      return { action_type: "UNLOCK_DOOR", status: "success" };
    case "action_attempt.unlock_door.failed":
      return { action_type: "UNLOCK_DOOR", status: "error" };
    case "lock.unlocked":
      return unlockParts[notice.method];
    case "lock.access_denied":
      return notice.reason === undefined ? {} : { reason: whyDenied(notice.reason) };
    default:
      return {};
  }
}

function whyDenied(reason: DenialReason): object {
  return { reason_code: seamDenialReasons[reason], message: reasonSentences[reason] };
}

const unlockParts: Readonly<Record<UnlockMethod, object>> = {
  keycode: { method: "keycode" },
  card: { method: "card" },
  nfc: { method: "card", is_via_nfc: true },
  bluetooth: { method: "remote", is_via_bluetooth: true },
  remote: { method: "remote" },
  unknown: { method: "unknown" },
};

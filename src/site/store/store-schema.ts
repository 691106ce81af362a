import type { Generated } from "kysely";
import type {
  DoorSettings,
  PassKind,
  PassTrait,
  RuleKind,
  UserTrait,
} from "../../domain/access.ts";

/**
 * The rows of the site's store, as SQLite and PostgreSQL both have them. What is no text or number
 * stands in a text column: JSON as `JsonText`, yes and no as `Flag`, since the two differ there.
 */
export interface StoreSchema {
  readonly facts: FactRow;
  readonly surroundings: SurroundingRow;
  readonly users: UserRow;
  readonly passes: PassRow;
  readonly rules: RuleRow;
  readonly ruleUsers: RuleUserRow;
  readonly apiKeys: ApiKeyRow;
  readonly audit: AuditRow;
  readonly actionAttempts: ActionAttemptRow;
  readonly notices: NoticeRow;
  readonly noticeSubjects: NoticeSubjectRow;
  readonly webhooks: WebhookRow;
  readonly webhookDeliveries: WebhookDeliveryRow;
}

/** JSON of a `Content`, written by `JSON.stringify`. */
export type JsonText<_Content> = string;
/** 0 or 1. */
export type Flag = number;
/** Milliseconds since 1970. */
export type AtMs = number;

/**
 * Who a row belongs to. What an applied site file named is the file's: the next file that does not
 * name it takes it away. What came over the API stays until the API takes it away; a file that names
 * it makes it its own.
 */
export type Origin = "file" | "api";

/** A single thing to be known: `revision`, `zone`, `name`. */
export interface FactRow {
  readonly key: string;
  readonly value: string;
}

/**
 * All that tables are made from, but for people: hundreds of rows at most. `body` is the record of
 * `SiteModel` (a door's settings with its controller and readers, a zone, an area, a schedule), the
 * days of the calendar, or a card format's table.
 */
export interface SurroundingRow {
  readonly kind: "door" | "zone" | "area" | "schedule" | "calendar_day" | "card_format";
  /** Unique for its kind: what tables and controllers know it by. */
  readonly id: string;
  /** Unique in the store: what the API knows it by. */
  readonly uuid: string;
  readonly origin: Origin;
  /** Their order, which decides nothing but how they are listed. */
  readonly position: number;
  readonly name: string;
  readonly body: JsonText<DoorSettings | object>;
  readonly createdAt: AtMs;
}

export interface UserRow {
  /** What tables know the user by: short, since each controller holds it for each of its users. */
  readonly id: string;
  readonly uuid: string;
  readonly origin: Origin;
  readonly name: string;
  readonly email: string | null;
  readonly phone: string | null;
  readonly suspended: Flag;
  readonly traits: JsonText<readonly UserTrait[]>;
  /** When the user's passes begin and end at the latest and at the earliest, whatever they say. */
  readonly startsAt: AtMs | null;
  readonly endsAt: AtMs | null;
  /** Name, mail address and number in lower case, for searching. */
  readonly sought: string;
  /** The store's revision that changed this row last, or what its user's tables say of it. */
  readonly revision: number;
  readonly createdAt: AtMs;
}

export interface PassRow {
  readonly id: string;
  readonly uuid: string;
  readonly origin: Origin;
  /** Null: unassigned, and in no table. */
  readonly userId: string | null;
  readonly kind: PassKind;
  /**
   * `waiting`: nothing to be presented is known yet (an NFC card that is not written, a phone that has
   * not enrolled, a reader that is waited at), and it is in no table.
   */
  readonly state: "issued" | "waiting";
  readonly active: Flag;
  readonly startsAt: AtMs | null;
  readonly endsAt: AtMs | null;
  readonly usesMax: number | null;
  readonly traits: JsonText<readonly PassTrait[]>;
  /** As `RawCredential`. Unique. */
  readonly raw: string | null;
  /** Which format the printed fields are of, and they. */
  readonly cardFormat: string | null;
  readonly cardFields: JsonText<Readonly<Record<string, number | string>>> | null;
  /** As `PinDigest`, keyed with the site's PIN key. Unique. The digits are kept nowhere. */
  readonly pinDigest: string | null;
  /** With the better part starred: behaviour 38. */
  readonly displayName: string;
  /** The multi-phone pass of which this is one phone's. */
  readonly parentId: string | null;
  readonly isMultiPhone: Flag;
  /** What an issuer sent along for its own use, given back untouched. */
  readonly brandMetadata: JsonText<object> | null;
  /** What the API warns of, with its moments. */
  readonly warnings: JsonText<readonly object[]>;
  readonly issuedAt: AtMs | null;
  readonly revision: number;
  readonly createdAt: AtMs;
}

/** Who x where x when. Access groups of the API are those of kind `grant`. */
export interface RuleRow {
  readonly id: string;
  readonly uuid: string;
  readonly origin: Origin;
  readonly kind: RuleKind;
  readonly name: string;
  readonly doors: JsonText<readonly string[]>;
  readonly zones: JsonText<readonly string[]>;
  readonly schedule: string | null;
  /**
   * The door for which this rule holds whoever was granted it by name (`grant_access`): listed with
   * no access group. Unique.
   */
  readonly grantedDoor: string | null;
  readonly createdAt: AtMs;
}

export interface RuleUserRow {
  readonly ruleId: string;
  readonly userId: string;
}

export const apiRoles = ["read", "issue", "admin"] as const;
export type ApiRole = (typeof apiRoles)[number];

export interface ApiKeyRow {
  readonly id: string;
  readonly name: string;
  readonly role: ApiRole;
  /** SHA-256, hex: a key has 256 random bits, so that nothing slower is called for. Unique. */
  readonly hash: string;
  readonly createdAt: AtMs;
  readonly revokedAt: AtMs | null;
}

export interface AuditRow {
  readonly position: Generated<number>;
  readonly at: AtMs;
  /** An API key's name, `file` for an applied site file, `site` for the service itself. */
  readonly actor: string;
  /** A verb of the store: `user.create`, `pass.delete`. */
  readonly action: string;
  readonly subjectKind: string;
  readonly subjectId: string;
  /** What whoever did it said of why; null where nothing was said. */
  readonly reason: string | null;
  readonly requestId: string | null;
  /** What is different, without secrets. */
  readonly detail: JsonText<object>;
}

export interface ActionAttemptRow {
  /** A UUID. */
  readonly id: string;
  /** As in the API: `SCAN_CREDENTIAL`, `UNLOCK_DOOR`. */
  readonly type: string;
  readonly status: "pending" | "success" | "error";
  readonly result: JsonText<object> | null;
  readonly error: JsonText<{ readonly type: string; readonly message: string }> | null;
  readonly createdAt: AtMs;
  /** When one that is still pending has failed. */
  readonly expiresAt: AtMs;
}

/** What the API calls an event: of a pass, a user, a door; not the evidence itself. */
export interface NoticeRow {
  /** Of a later one higher. Primary key. */
  readonly position: Generated<number>;
  /** A UUID. Unique: of a door's event it follows from the event, so that it is made once. */
  readonly id: string;
  /** As in the API: `acs_credential.issued`. Indexed with the time. */
  readonly type: string;
  /** When it was made, not when it happened. */
  readonly at: AtMs;
  /** Whole, as the API answers it. */
  readonly body: JsonText<object>;
}

/**
 * What a notice is of: the UUIDs of the user, the pass, the door. With its type and time, so that
 * those of one subject are found in order whatever else is asked for. Key: all, in this order.
 */
export interface NoticeSubjectRow {
  readonly subject: string;
  readonly type: string;
  readonly at: AtMs;
  /** Of the notice, and gone with it: indexed. */
  readonly position: number;
}

export interface WebhookRow {
  readonly id: string;
  readonly url: string;
  /** What its deliveries are signed with. A secret. */
  readonly secret: string;
  /** Null: of every type. */
  readonly eventTypes: JsonText<readonly string[]> | null;
  readonly createdAt: AtMs;
}

/**
 * One notice for one webhook. Key: both, the webhook first. Gone with either: the position is
 * indexed. What is due is found by (webhookId, outcome, nextAt, position).
 */
export interface WebhookDeliveryRow {
  readonly webhookId: string;
  /** Of the notice. */
  readonly position: number;
  /** How often it was tried. */
  readonly attempts: number;
  /** Null: delivered, or given up. */
  readonly nextAt: AtMs | null;
  readonly outcome: "pending" | "delivered" | "failed";
  /** When it was tried last. */
  readonly triedAt: AtMs | null;
  /** What the last attempt came to, without what the other side said. */
  readonly detail: string | null;
}

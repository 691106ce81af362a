import type { TableVersion } from "../../domain/access.ts";
import type { PostureInForce } from "../../domain/event.ts";
import type { ControllerId, DoorId, PassId, ReaderId, SiteId, UserId } from "../../domain/ids.ts";
import type { DenialReason } from "../../domain/reason.ts";
import type { EpochMs, WallTime } from "../../domain/time.ts";

/** What `status` answers: the controller as it is now, for the technician in front of it. */
export interface LocalStatus {
  readonly controller: ControllerId;
  readonly site: SiteId;
  readonly software: string;
  readonly startedAt: EpochMs;
  readonly clock: WallTime;
  /** The connection to the broker. */
  readonly link: "up" | "down";
  /** Null before the first table. */
  readonly table: LocalTableStatus | null;
  readonly journal: {
    /** Number of the newest entry, 0 for none, and of the newest that the site has. */
    readonly newest: number;
    readonly acknowledged: number;
  };
  readonly doors: readonly LocalDoorStatus[];
  readonly readers: readonly LocalReaderStatus[];
  /** Fire and tampering that last, as `fire`, `tamper` (the enclosure) or `tamper:front`. */
  readonly alarms: readonly string[];
  /** Names of the troubles that are raised now. */
  readonly troubles: readonly string[];
}

export interface LocalTableStatus extends TableVersion {
  readonly compiledAt: EpochMs;
  readonly ageMs: number;
  readonly credentialCount: number;
}

/** What `override` answers. */
export interface LocalOverridden extends PostureInForce {
  /** False: in force now, but the disk did not take it, so a restart may not know of it. */
  readonly kept: boolean;
}

/** What `forgive` answers. */
export interface LocalForgiven {
  /** False: nothing was recorded of this user, so there was nothing to forgive. */
  readonly recorded: boolean;
}

export interface LocalDoorStatus extends PostureInForce {
  readonly id: DoorId;
  readonly alarm: "none" | "warning_held" | "alarm_held" | "alarm_forced";
  readonly strike: "secured" | "released";
  readonly leaf: "open" | "closed" | "no_contact";
}

export interface LocalReaderStatus {
  readonly id: ReaderId;
  readonly door: DoorId;
  readonly frameCount: number;
  readonly misreadCounts: Readonly<Record<string, number>>;
  readonly extraBitCount: number;
  readonly lostEdgeCount: number;
}

/** What `explain` answers: which check decides, what each saw, and what would have to change. */
export interface LocalExplanation {
  readonly door: DoorId;
  /** The time that was asked about. */
  readonly wall: WallTime;
  readonly decision:
    | {
        readonly kind: "granted" | "pin_required" | "second_person_required" | "escort_required";
        readonly pass: PassId;
        readonly user: UserId;
      }
    | {
        readonly kind: "denied";
        readonly reason: DenialReason;
        readonly pass?: PassId;
        readonly user?: UserId;
      };
  readonly ladder: readonly LocalRung[];
  /** When it would next be granted, or come to asking for a PIN or for company. */
  readonly next: LocalNextGrant;
}

export type LocalNextGrant =
  | { readonly kind: "at"; readonly at: EpochMs }
  /** Time alone never changes it, or not foreseeably: what stands in the way then. */
  | { readonly kind: "never" | "unknown"; readonly reason: DenialReason };

export interface LocalRung {
  readonly check: string;
  readonly verdict: "passed" | "failed" | "waiting" | "not_reached";
  readonly saw: string;
  readonly remedy?: string;
}

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

export interface LocalReaderStatus extends LocalReaderHealth {
  readonly id: ReaderId;
  readonly door: DoorId;
  /** Absent where the reader takes no phones. */
  readonly mobile?: LocalMobileHealth;
}

/** Of a reader's radio and its phones. Counts since the controller started. */
export interface LocalMobileHealth {
  /** `silent`: it does not advertise, because there is nothing that phones would believe. */
  readonly state: "starting" | "up" | "down" | "silent";
  /** Why it is down, as `no_adapter`. */
  readonly reason?: string;
  readonly connectionCount: number;
  /** How often the radio's driver had to be started again. */
  readonly restartCount: number;
  /** What phones were told, as `granted`. */
  readonly answerCounts: Readonly<Record<string, number>>;
  /** Why others were told nothing, as `left_early`; or to try again, as `too_far`. */
  readonly faultCounts: Readonly<Record<string, number>>;
}

/** Counts since the controller started. */
export interface LocalReaderHealth {
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

/** What `lines` answers, once for each line of the board, and then for each that changed. */
export interface LocalLine {
  readonly line: string;
  readonly direction: "input" | "output";
  /** As `strike of door front`. */
  readonly use: string;
  /** Null where its chip does not answer. */
  readonly level: 0 | 1 | null;
  /** As `released`. */
  readonly meaning: string;
  /** What came and went between two answers shows in nothing else. */
  readonly changeCount: number;
}

/** What `watch_reader` answers, for each presentation. */
export interface LocalPresentation {
  readonly at: EpochMs;
  readonly kind: "card" | "key" | "pin" | "misread";
  /** `ok`, or why it is a misread. */
  readonly verdict: string;
  readonly format?: string;
  readonly bitCount: number;
  /** Where they were asked for, and never those of a keypad. */
  readonly bits?: string;
  /** Between the falling edges of one bit and the next. */
  readonly spacingsUs: readonly number[];
  readonly health: LocalReaderHealth;
  /** Presentations before this one that came faster than they were taken. */
  readonly missedCount: number;
}

/** What `pulse` answers: the strike is released now, and secured again after so long. */
export interface LocalPulsed {
  readonly door: DoorId;
  /** Cut short where the coil's limit is less. */
  readonly forMs: number;
}

/** What `show_light` answers: it is lit now. Whatever happens at the door ends it earlier. */
export interface LocalShownLight {
  readonly reader: ReaderId;
  readonly forMs: number;
}

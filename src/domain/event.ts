import type { DoorPosture, TableVersion } from "./access.ts";
import type { AreaId, ControllerId, DoorId, PassId, ReaderId, UserId } from "./ids.ts";
import type { DenialReason, GrantReason } from "./reason.ts";
import type { WallTime } from "./time.ts";
import type { WireFault } from "./wire-fault.ts";

/** Why a door's posture is what it is; the first that applies, in this order. */
export const postureCauses = [
  /** The fire input holds it unlocked. */
  "fire",
  "operator",
  "site",
  "schedule",
  "first_person_in",
  "toggle",
] as const;
export type PostureCause = (typeof postureCauses)[number];

/** What a door's posture is and why. */
export interface PostureInForce {
  readonly posture: DoorPosture;
  readonly cause: PostureCause;
}

/** What became of an unlocking that the site asked for. */
export const remoteUnlockOutcomes = [
  "released",
  "already_unlocked",
  "disabled",
  "lockdown",
  "leaf_open",
  "interlock",
  "strike_failed",
] as const;
export type RemoteUnlockOutcome = (typeof remoteUnlockOutcomes)[number];

/** What becomes of an enrolment at a reader; one that `began` has one more of these, or a restart. */
export const enrolmentOutcomes = [
  "began",
  /** A card was presented, and its data is on its way to the site. */
  "taken",
  /** Nothing was presented in time. */
  "nothing",
  "cancelled",
  /** The reader is being tampered with. */
  "tampered",
  /** Another enrolment is under way there. */
  "busy",
  /** A phone was expected at a reader that takes none now. */
  "no_radio",
  /** The site was told what the reader had declined last. */
  "last_unknown_told",
] as const;
export type EnrolmentOutcome = (typeof enrolmentOutcomes)[number];

/**
 * What happened, as the controller journals it. No variant has room for a PIN, a key or a card's raw
 * data: a presentation that matched is named by its pass, one that did not is not named.
 */
export type DoorEvent =
  | {
      readonly kind: "access_granted";
      readonly door: DoorId;
      readonly reader: ReaderId;
      readonly pass: PassId;
      readonly user: UserId;
      readonly reason: GrantReason;
      /** Of a pass with a use count: how many this controller has granted, this one included. */
      readonly use?: number;
      /** Likewise of the PIN after the card, where that is a pass with a use count. */
      readonly pinUse?: { readonly pass: PassId; readonly use: number };
    }
  | {
      readonly kind: "access_denied";
      readonly door: DoorId;
      readonly reader: ReaderId;
      readonly pass?: PassId;
      readonly user?: UserId;
      readonly reason: DenialReason;
    }
  | {
      readonly kind:
        | "door_forced"
        | "door_held_warning"
        | "door_held"
        | "door_secured"
        | "door_not_entered"
        | "door_failed_to_relock"
        | "rex_admitted"
        | "rex_reported"
        | "rex_stuck"
        | "rex_chatter"
        | "rex_recovered"
        | "rex_cut"
        | "rex_shorted"
        | "contact_chatter"
        | "contact_stuck"
        | "contact_cut"
        | "contact_shorted"
        | "contact_recovered";
      readonly door: DoorId;
    }
  | {
      readonly kind: "posture_changed";
      readonly door: DoorId;
      readonly posture: DoorPosture;
      readonly cause: PostureCause;
    }
  /** Granted all the same: soft anti-passback tells and never denies. */
  | {
      readonly kind: "passback_violation";
      readonly door: DoorId;
      readonly reader: ReaderId;
      readonly pass: PassId;
      readonly user: UserId;
      /** Where the user was thought to be; absent: outside of every area. */
      readonly area?: AreaId;
    }
  /** A duress PIN, whatever was decided of it. Nothing at the door shows it. */
  | {
      readonly kind: "duress";
      readonly door: DoorId;
      readonly reader: ReaderId;
      readonly pass: PassId;
      readonly user: UserId;
    }
  /** By an operator; absent user: everybody. */
  | { readonly kind: "passback_forgiven"; readonly user?: UserId }
  /** By a technician, over the local socket: the strike was released to try it. */
  | { readonly kind: "strike_pulsed"; readonly door: DoorId; readonly forMs: number }
  /** By a technician likewise: each presentation is shown to him from here on. */
  | {
      readonly kind: "reader_watched";
      readonly reader: ReaderId;
      /** Whether he sees the cards' numbers. */
      readonly bits: "shown" | "masked";
    }
  /** By the site, for the door's own time. `attempt`: by this the site finds who asked. */
  | {
      readonly kind: "remote_unlock";
      readonly door: DoorId;
      readonly attempt: string;
      readonly outcome: RemoteUnlockOutcome;
    }
  /** By the site likewise; what it changed, `posture_changed` says. */
  | {
      readonly kind: "remote_override";
      readonly door: DoorId;
      readonly attempt: string;
      readonly override: DoorPosture | "clear";
      readonly outcome: "done" | "refused";
    }
  /** By the site likewise. What was presented is never said here. */
  | {
      readonly kind: "enrolment";
      readonly reader: ReaderId;
      readonly attempt: string;
      readonly outcome: EnrolmentOutcome;
    }
  /** So many commands that claimed to be the site's were not taken since the last such event. */
  | { readonly kind: "command_refused"; readonly reason: string; readonly count: number }
  | { readonly kind: "fire"; readonly state: "raised" | "cleared" }
  /** Absent reader: the controller's own enclosure. */
  | { readonly kind: "tamper"; readonly reader?: ReaderId; readonly state: "raised" | "cleared" }
  /** Of the fire and tamper inputs; a door's own inputs have events of their own. */
  | {
      readonly kind: "alarm_input_fault";
      readonly input: "fire" | "tamper";
      readonly reader?: ReaderId;
      readonly fault: WireFault | "none";
    }
  | { readonly kind: "pin_lockout"; readonly reader: ReaderId; readonly pauseMs: number }
  /** `verdict` is one of the Wiegand verdicts; `count` how many since the last such event. */
  | {
      readonly kind: "reader_misread";
      readonly reader: ReaderId;
      readonly verdict: string;
      readonly bitCount: number;
      readonly count: number;
    }
  | { readonly kind: "table_applied"; readonly applied: TableVersion }
  /** `reason` is a TableRefusal of protocols/sync. */
  | { readonly kind: "table_refused"; readonly reason: string; readonly detail: string }
  | { readonly kind: "controller_started"; readonly software: string }
  | { readonly kind: "trouble"; readonly trouble: string; readonly state: "raised" | "cleared" }
  /**
   * The machine's clock was set, by so many milliseconds. `ignored`: nobody vouches for that, and the
   * time of these records ran on.
   */
  | {
      readonly kind: "clock_set";
      readonly byMs: number;
      readonly outcome: "followed" | "ignored";
    }
  /**
   * Stands where entries are missing that could not be written for longer than memory holds them:
   * how many, and how many of them were denials and door alarms.
   */
  | {
      readonly kind: "journal_overflow";
      readonly lostCount: number;
      readonly lostDenialCount: number;
      readonly lostAlarmCount: number;
    };

/** A `DoorEvent` with the circumstances in which it was recorded. */
export interface JournalRecord {
  readonly event: DoorEvent;
  readonly wall: WallTime;
  /** The table in force, or undefined before the first. */
  readonly table?: TableVersion;
  /** How old that table was: milliseconds since the site compiled it. */
  readonly tableAgeMs?: number;
}

/**
 * One line of evidence. `number` counts from 1 without gaps within `journal`, which is drawn anew
 * when a controller's storage is; `hash` is SHA-256 over the entry's canonical encoding, `previous`
 * included, so that no entry can be changed or taken out without the ones after it showing it.
 */
export interface JournalEntry extends JournalRecord {
  readonly controller: ControllerId;
  readonly journal: string;
  readonly number: number;
  /** 64 hex digits; of entry 1: 64 zeros. */
  readonly previous: string;
  readonly hash: string;
}

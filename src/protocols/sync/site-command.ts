import type { RawCredential } from "../../domain/credential.ts";
import type { DoorId, ReaderId } from "../../domain/ids.ts";

/** What a site asks of one controller, there and then: nothing of it waits for one that is away. */
export type SiteCommand =
  /** The next card or phone at this reader is not judged but told to the site: behaviours 13-16. */
  | { readonly kind: "enrol"; readonly reader: ReaderId; readonly forMs: number }
  | { readonly kind: "cancel_enrolment"; readonly reader: ReaderId }
  /** What the reader declined last because nobody knows it: behaviour 14. */
  | { readonly kind: "tell_last_unknown"; readonly reader: ReaderId }
  /** For the door's own time: behaviour 36. */
  | { readonly kind: "unlock"; readonly door: DoorId }
  | { readonly kind: "set_override"; readonly door: DoorId; readonly override: DoorOverride };

/** As an operator at the controller may say it; `none` returns to what schedules say now. */
export type DoorOverride =
  | { readonly posture: "none" }
  | {
      readonly posture: "disabled" | "locked" | "unlocked" | "lockdown";
      readonly until: "next_schedule_change" | "cleared";
    };

export type CommandAnswer =
  | { readonly kind: "done" }
  | { readonly kind: "presented"; readonly raw: RawCredential }
  /** Nothing was presented in time, or there is nothing to tell. */
  | { readonly kind: "nothing" };

/** Why a command came to nothing: stable strings. */
export type CommandFault =
  /** Nothing was heard from it in time: whether it did as it was told is not known. */
  | { readonly reason: "no_answer" }
  | { readonly reason: "controller_offline" }
  /** What the controller says against it, a stable string of its own. */
  | { readonly reason: "refused"; readonly detail: string };

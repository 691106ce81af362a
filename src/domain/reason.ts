/**
 * Why access was denied. Stable strings: stored, published and matched on. The order is that of the
 * checks in core/checks; those of the machines around them come last.
 */
export const denialReasons = [
  "no_table",
  "door_unknown",
  "door_disabled",
  "lockdown",
  "tampered",
  "unknown_credential",
  "pass_inactive",
  "user_suspended",
  "clock_unknown",
  "not_yet_valid",
  "expired",
  "over_limit",
  "no_access",
  "outside_schedule",
  "pin_alone_not_allowed",
  "wrong_pin",
  "pin_of_another_user",
  "passback",
  "passback_timed",
  "interlock",
  "same_person_twice",
  "not_an_escort",
  "area_full",
  "manager_not_in",
  "second_factor_timeout",
  "same_card_twice",
  "card_when_pin_expected",
  "pin_locked_out",
  "second_person_timeout",
  "escort_timeout",
  "use_not_recorded",
] as const;
export type DenialReason = (typeof denialReasons)[number];

/** How a grant was reached; the strike is released for `granted` alone (behaviours 24 and 32). */
export const grantReasons = [
  "granted",
  "granted_leaf_open",
  "granted_already_unlocked",
  "granted_relocked",
] as const;
export type GrantReason = (typeof grantReasons)[number];

/** A sentence for people, for each reason. */
export const reasonSentences: Readonly<Record<DenialReason | GrantReason, string>> = {
  no_table: "The controller has no access table yet.",
  door_unknown: "The access table does not have this door.",
  door_disabled: "The door is disabled.",
  lockdown: "The door is in lockdown.",
  tampered: "The reader or the controller is being tampered with.",
  unknown_credential: "No pass has this card or PIN.",
  pass_inactive: "The pass is not active.",
  user_suspended: "The user is suspended.",
  clock_unknown: "The pass or rule is limited in time and the time is not known.",
  not_yet_valid: "The pass is not valid yet.",
  expired: "The pass has expired.",
  over_limit: "The pass has no uses left.",
  no_access: "No rule gives this user access to this door.",
  outside_schedule: "The user's rules for this door are not in force at this time.",
  pin_alone_not_allowed: "A PIN alone does not open this door.",
  wrong_pin: "The PIN after the card was wrong.",
  pin_of_another_user: "The PIN after the card belongs to somebody else.",
  passback: "The user is not where this reader leads from, as far as is recorded.",
  passback_timed: "The user entered this area too short a time ago.",
  interlock: "Another door of the interlock is open or unlocked.",
  same_person_twice: "The same person was presented where a second one was expected.",
  not_an_escort: "Somebody who may not escort was presented where an escort was expected.",
  area_full: "The area holds as many people as it may.",
  manager_not_in: "No manager is inside the area.",
  second_factor_timeout: "The PIN was not entered in time after the card.",
  same_card_twice: "The card was presented again where its PIN was expected.",
  card_when_pin_expected: "Another card was presented where a PIN was expected.",
  pin_locked_out: "The keypad is paused after too many wrong PINs.",
  second_person_timeout: "No second person was presented in time.",
  escort_timeout: "No escort was presented in time.",
  use_not_recorded: "The use of the pass could not be recorded.",
  granted: "Access was granted and the strike released.",
  granted_leaf_open:
    "Access was granted; the leaf already stood open, so the strike stayed as it was.",
  granted_already_unlocked: "Access was granted at a door that was already unlocked.",
  granted_relocked: "Access was granted and ended the unlocking that the same pass had begun.",
};

/** What a Seam-shaped API calls it. */
export type SeamDenialReason =
  | "unknown_code"
  | "expired_code"
  | "blocklisted_code"
  | "too_many_attempts"
  | "blocked_by_privacy_mode"
  | "credential_error";

/** Seam's words are few: whatever is wrong with a person's company, time or place is `credential_error`. */
export const seamDenialReasons: Readonly<Record<DenialReason, SeamDenialReason>> = {
  no_table: "credential_error",
  door_unknown: "credential_error",
  door_disabled: "blocked_by_privacy_mode",
  lockdown: "blocked_by_privacy_mode",
  tampered: "blocked_by_privacy_mode",
  unknown_credential: "unknown_code",
  pass_inactive: "blocklisted_code",
  user_suspended: "blocklisted_code",
  clock_unknown: "credential_error",
  not_yet_valid: "credential_error",
  expired: "expired_code",
  over_limit: "expired_code",
  no_access: "credential_error",
  outside_schedule: "credential_error",
  pin_alone_not_allowed: "credential_error",
  wrong_pin: "unknown_code",
  pin_of_another_user: "unknown_code",
  passback: "credential_error",
  passback_timed: "credential_error",
  interlock: "credential_error",
  same_person_twice: "credential_error",
  not_an_escort: "credential_error",
  area_full: "credential_error",
  manager_not_in: "credential_error",
  second_factor_timeout: "credential_error",
  same_card_twice: "credential_error",
  card_when_pin_expected: "credential_error",
  pin_locked_out: "too_many_attempts",
  second_person_timeout: "credential_error",
  escort_timeout: "credential_error",
  use_not_recorded: "credential_error",
};

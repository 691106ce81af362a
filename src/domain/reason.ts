/**
 * Why access was denied. Stable strings: stored, published and matched on. The order is that of the
 * checks in core/authorize; those of a factor's entry come last.
 */
export const denialReasons = [
  "door_disabled",
  "door_unknown",
  "lockdown",
  "no_table",
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
  "second_factor_timeout",
  "same_card_twice",
  "card_when_pin_expected",
  "pin_locked_out",
] as const;
export type DenialReason = (typeof denialReasons)[number];

/** How a grant was reached; the strike moves for `granted` alone (behaviours 24 and 32). */
export const grantReasons = ["granted", "granted_leaf_open", "granted_already_unlocked"] as const;
export type GrantReason = (typeof grantReasons)[number];

/** A sentence for people, for each reason. */
export const reasonSentences: Readonly<Record<DenialReason | GrantReason, string>> = {
  door_disabled: "The door is disabled.",
  door_unknown: "The access table does not have this door.",
  lockdown: "The door is in lockdown.",
  no_table: "The controller has no access table yet.",
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
  second_factor_timeout: "The PIN was not entered in time after the card.",
  same_card_twice: "The card was presented again where its PIN was expected.",
  card_when_pin_expected: "Another card was presented where a PIN was expected.",
  pin_locked_out: "The keypad is paused after too many wrong PINs.",
  granted: "Access was granted and the strike released.",
  granted_leaf_open:
    "Access was granted; the leaf already stood open, so the strike stayed as it was.",
  granted_already_unlocked: "Access was granted at a door that was already unlocked.",
};

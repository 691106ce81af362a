import type { DoorSettings, TableContent } from "../../../src/domain/access.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { cardPass, door, rule, schedule, tableContent, user } from "../core/sample-table.ts";
import { adaBits, bitsOf } from "./door-rig.ts";

export const bobBits = bitsOf(1111);
export const visitorBits = bitsOf(2222);
export const chiefBits = bitsOf(3333);

export const always = [rule("everywhere", ["ada", "bob", "vic", "chief"], ["front", "lab"])];
export const office = schedule("office", [
  { days: [1, 2, 3, 4, 5], fromMinute: 13 * 60, toMinute: 17 * 60 },
]);
export const unlocks = (kind: "auto_unlock" | "first_person_in") => ({
  ...rule("office", [], ["front"], "office"),
  kind,
});

/** Ada, Bob, a visitor to be escorted and a chief who may escort, with a card each. */
export function site(
  settings: { readonly front?: Partial<DoorSettings>; readonly lab?: Partial<DoorSettings> } = {},
  part: Partial<TableContent> = {},
): TableContent {
  return tableContent({
    doors: [door("front", settings.front), door("lab", settings.lab)],
    users: [
      user("ada"),
      user("bob"),
      user("vic", { traits: ["needs_escort"] }),
      user("chief", { traits: ["may_escort", "extra_time"] }),
    ],
    passes: [
      cardPass("ada-card", "ada", rawFromBits(adaBits)),
      cardPass("bob-card", "bob", rawFromBits(bobBits)),
      cardPass("vic-card", "vic", rawFromBits(visitorBits)),
      cardPass("chief-card", "chief", rawFromBits(chiefBits), { traits: ["pass_through"] }),
    ],
    rules: always,
    ...part,
  });
}

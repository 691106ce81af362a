import * as v from "valibot";
import { passTraits, userTraits } from "../../../domain/access.ts";
import { passUsesMax } from "../../../protocols/sync/table-content-schema.ts";
import { idText, oneOf } from "../../../protocols/toml/toml-schema.ts";
import { countUpTo, instantText, mailText, nameText, phoneText, textOf } from "../schema-parts.ts";

/*
 * People as other systems hand them over. A field that is absent is left as it is; null is none.
 */

/** So many people at a time: a change of the site, for which others wait. */
export const importedUsersMax = 500;
const passesMax = 50;
const groupsMax = 100;

/** What a code is said to be that is to be drawn, where the user has none yet. */
export const drawnCode = "random";
/** The card format of a card of which all that is known is its raw data. */
export const rawFormat = "raw";

const codeExpectation = `digits, or "${drawnCode}"`;

const span = {
  starts_at: v.exactOptional(v.nullable(instantText)),
  ends_at: v.exactOptional(v.nullable(instantText)),
};

/** A card is known by its data, and a PIN by its user: each has one, and one for duress. */
const importedPass = v.strictObject(
  {
    card_format: v.exactOptional(textOf(32)),
    /** The fields of its format in their order, with colons between them: `12:34567`. */
    card_number: v.exactOptional(textOf(80)),
    code: v.exactOptional(
      v.pipe(textOf(40, codeExpectation), v.regex(/^(?:[0-9]+|random)$/, codeExpectation)),
    ),
    ...span,
    uses: v.exactOptional(v.nullable(countUpTo(passUsesMax))),
    traits: v.exactOptional(v.array(oneOf(passTraits), "a list of traits")),
    active: v.exactOptional(v.boolean("true or false")),
  },
  "an object",
);

/** Known by `id`. */
export const importedUser = v.strictObject(
  {
    id: idText,
    /** Of one who is new it must be there. */
    full_name: v.exactOptional(nameText),
    email_address: v.exactOptional(v.nullable(mailText)),
    phone_number: v.exactOptional(v.nullable(phoneText)),
    is_suspended: v.exactOptional(v.boolean("true or false")),
    ...span,
    traits: v.exactOptional(v.array(oneOf(userTraits), "a list of traits")),
    /** Rules that admit, by their ids or names: in these, and in no other. */
    access_groups: v.exactOptional(
      v.pipe(
        v.array(textOf(200), "a list of access groups"),
        v.maxLength(groupsMax, `at most ${groupsMax} access groups`),
      ),
    ),
    passes: v.exactOptional(
      v.pipe(
        v.array(importedPass, "a list of passes"),
        v.maxLength(passesMax, `at most ${passesMax} passes`),
      ),
      [],
    ),
  },
  "an object",
);

export type ImportedUser = v.InferOutput<typeof importedUser>;
export type ImportedPass = v.InferOutput<typeof importedPass>;

export const importInput = v.strictObject({
  users: v.pipe(
    v.array(importedUser, "a list of users"),
    v.maxLength(importedUsersMax, `at most ${importedUsersMax} users`),
  ),
  /** Says what is wrong and what would be changed, and changes nothing. */
  dry_run: v.exactOptional(v.boolean("true or false"), false),
});

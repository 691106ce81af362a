/** What is said of a user, once. */
export const userColumns = [
  "name",
  "email",
  "phone",
  "suspended",
  "user_starts",
  "user_ends",
  "user_traits",
  "groups",
] as const;

/** What a file of people may have, in the order in which it is written. */
export const peopleColumns = [
  "user",
  ...userColumns,
  "card_format",
  "card_number",
  "pin",
  "starts",
  "ends",
  "uses",
  "pass_traits",
  "pass_active",
] as const;
export type PeopleColumn = (typeof peopleColumns)[number];

/** Between several groups or traits in one cell. */
export const listSeparator = ";";

/** What `postern import --help` says of the file. */
export const peopleFileHelp = `
The file is CSV in UTF-8 with a head of column names: commas between, or semicolons. What a column is
there for is made so, and an empty cell is none; of what has no column, everything stays as it is. The
same file imported again changes nothing.

  user           the user's id: 1 to 64 letters, digits, "-", "_". Must be there. Further rows right
                 below with the same user are further passes of his; what they say of him is the same,
                 or empty
  name           of a new user it must be there
  email, phone
  suspended      yes or no
  user_starts, user_ends    from when until when any of his passes works
  user_traits    extra_time, needs_escort, may_escort, manager, passback_exempt; ";" between
  groups         access groups, by id or name; ";" between: in these and in no other
  card_format, card_number  H10301 and 12:34567; raw and 32:0badcafe for a card's own data
  pin            4 to 9 digits, or random: one is drawn where the user has none. Empty: as it is
  starts, ends   of the row's passes: 2026-12-31, 2026-12-31T18:00 as the site's clocks show it, or
                 with an offset. A date alone is that whole day
  uses           how many grants the row's passes are good for
  pass_traits    pass_through, toggle, duress
  pass_active    yes or no

Spreadsheets take a cell that begins with = + - @ for a formula: an export writes ' before it, and an
import takes one ' away there.
`;

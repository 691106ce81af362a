import { closeSync, openSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { failureCode } from "../domain/failure-code.ts";
import { csvLine } from "./csv-line.ts";
import { listSeparator, type PeopleColumn, peopleColumns } from "./people-columns.ts";
import type { SiteClient } from "./site-client.ts";
import { CommandFailed, type Terminal } from "./terminal.ts";

const span = { starts_at: v.nullable(v.string()), ends_at: v.nullable(v.string()) };

const passSchema = v.object({
  kind: v.string(),
  card_format: v.nullable(v.string()),
  card_number: v.nullable(v.string()),
  active: v.boolean(),
  ...span,
  uses: v.nullable(v.number()),
  traits: v.array(v.string()),
});

const userSchema = v.object({
  id: v.string(),
  name: v.string(),
  email_address: v.nullable(v.string()),
  phone_number: v.nullable(v.string()),
  suspended: v.boolean(),
  traits: v.array(v.string()),
  ...span,
  access_groups: v.array(v.string()),
  passes: v.array(passSchema),
});
type ExportedUser = v.InferOutput<typeof userSchema>;
type ExportedPass = v.InferOutput<typeof passSchema>;

const pageMax = 1_000;

/**
 * Writes everybody as `postern import` takes them, in the order of their ids: a page at a time, however
 * many they are. Cards can be copied from it, so that a file is for its owner alone.
 */
export async function exportPeople(options: {
  readonly client: SiteClient;
  readonly terminal: Terminal;
  /** Absent: standard output. */
  readonly out?: string;
}): Promise<void> {
  const { client, terminal, out } = options;
  const target = out === undefined ? { write: terminal.out, close: () => {} } : openFile(out);
  const counts = new Map<string, number>();
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  try {
    target.write(csvLine(peopleColumns));
    let after: string | undefined;
    for (;;) {
      const { users } = await client.ask({
        path: "/postern/users/export",
        body: { limit: pageMax, ...(after !== undefined && { after }) },
        answer: v.object({ users: v.array(userSchema) }),
      });
      target.write(users.flatMap((user) => linesOf(user, count)).join(""));
      after = users.at(-1)?.id;
      if (users.length < pageMax) break;
    }
  } finally {
    target.close();
  }
  const of = (what: string): number => counts.get(what) ?? 0;
  terminal.err(
    `${of("user")} users, ${of("card")} cards. Not in it: ${of("pin")} PINs, of which the site itself ` +
      `has digests alone (the column pin is empty), and ${of("other")} phones and unwritten cards.\n`,
  );
}

function openFile(file: string): { write: (text: string) => void; close: () => void } {
  try {
    const descriptor = openSync(file, "wx", 0o600);
    return {
      write: (text) => writeFileSync(descriptor, text),
      close: () => closeSync(descriptor),
    };
  } catch (error) {
    const code = failureCode(error);
    const why = code === "EEXIST" ? "is there already; name another" : `cannot be made: ${code}`;
    throw new CommandFailed(1, `--out: ${file}: ${why}`);
  }
}

function linesOf(user: ExportedUser, count: (what: string) => void): readonly string[] {
  count("user");
  const cards = user.passes.filter(({ card_number: number }) => number !== null);
  for (const { kind, card_number: number } of user.passes) {
    count(number !== null ? "card" : kind === "pin" ? "pin" : "other");
  }
  const [first, ...others] = cards;
  const head = lineOf({ ...userCells(user), ...(first !== undefined && cardCells(first)) });
  return [head, ...others.map((pass) => lineOf({ user: user.id, ...cardCells(pass) }))];
}

type Cells = Partial<Record<PeopleColumn, string>>;

const lineOf = (cells: Cells): string =>
  csvLine(peopleColumns.map((column) => cells[column] ?? ""));

function userCells(user: ExportedUser): Cells {
  return {
    user: user.id,
    name: user.name,
    email: user.email_address ?? "",
    phone: user.phone_number ?? "",
    suspended: user.suspended ? "yes" : "no",
    user_starts: user.starts_at ?? "",
    user_ends: user.ends_at ?? "",
    user_traits: user.traits.join(listSeparator),
    groups: user.access_groups.join(listSeparator),
  };
}

function cardCells(pass: ExportedPass): Cells {
  return {
    card_format: pass.card_format ?? "",
    card_number: pass.card_number ?? "",
    starts: pass.starts_at ?? "",
    ends: pass.ends_at ?? "",
    uses: pass.uses === null ? "" : String(pass.uses),
    pass_traits: pass.traits.join(listSeparator),
    pass_active: pass.active ? "yes" : "no",
  };
}

import * as v from "valibot";
import type { SiteClient } from "./site-client.ts";
import { CommandFailed, type Terminal } from "./terminal.ts";
import { printable, textTable } from "./text-table.ts";

export interface IssuingOptions {
  readonly client: SiteClient;
  readonly terminal: Terminal;
  readonly json: boolean;
}

const userSchema = v.looseObject({
  acs_user_id: v.string(),
  id: v.string(),
  name: v.string(),
  email_address: v.nullable(v.string()),
  phone_number: v.nullable(v.string()),
  suspended: v.boolean(),
  traits: v.array(v.string()),
});
export type ListedUser = v.InferOutput<typeof userSchema>;

const listSchema = v.object({
  users: v.array(userSchema),
  pagination: v.object({ next_page_cursor: v.nullable(v.string()) }),
});

const doneSchema = v.object({ ok: v.literal(true) });

/** So many are asked for at once. */
const pageMax = 500;

const toldNamesakesMax = 10;

export interface NewUser {
  readonly name: string;
  readonly id?: string;
  readonly email?: string;
  readonly phone?: string;
  readonly groups: readonly string[];
  readonly traits: readonly string[];
}

const calledOfUser = {
  id: "--id",
  full_name: "name",
  email_address: "--email",
  phone_number: "--phone",
  traits: "--trait",
};

export async function addUser({ client, terminal, json }: IssuingOptions, added: NewUser) {
  const { name, id, email, phone, groups, traits } = added;
  const of = (flag: string, given: readonly string[], field: string) =>
    Object.fromEntries(given.map((_, index) => [`${field}.${index}`, flag]));
  const { user } = await client.ask({
    path: "/postern/users/create",
    body: {
      full_name: name,
      ...(id !== undefined && { id }),
      ...(email !== undefined && { email_address: email }),
      ...(phone !== undefined && { phone_number: phone }),
      access_groups: groups,
      traits,
    },
    answer: v.object({ user: userSchema }),
    called: {
      ...calledOfUser,
      ...of("--group", groups, "access_groups"),
      ...of("--trait", traits, "traits"),
    },
  });
  tell({ terminal, json }, user, `${user.name} is user ${user.id}.`);
}

/** The newest first. */
export async function listUsers(
  { client, terminal, json }: IssuingOptions,
  { search, limit }: { readonly search?: string; readonly limit: number },
): Promise<void> {
  const users: ListedUser[] = [];
  let cursor: string | null | undefined;
  while (cursor !== null && users.length < limit) {
    const page = await client.ask({
      path: "/postern/users/list",
      body: {
        limit: Math.min(pageMax, limit - users.length),
        ...(search !== undefined && { search }),
        ...(cursor !== undefined && { page_cursor: cursor }),
      },
      answer: listSchema,
      called: { search: "--search" },
    });
    users.push(...page.users);
    cursor = page.pagination.next_page_cursor;
  }
  if (json) return terminal.out(`${JSON.stringify(users, undefined, 2)}\n`);
  const rows = users.map(({ id, name, email_address: email, phone_number: phone, suspended }) => [
    id,
    name,
    email ?? "",
    phone ?? "",
    suspended ? "suspended" : "",
  ]);
  terminal.out(textTable(["id", "name", "email", "phone", ""], rows));
  if (cursor !== null) terminal.err(`There are more: --limit, or --search.\n`);
}

/** Whoever has this id, this UUID or, where that is nobody else's, this name. Throws. */
export async function findUser(client: SiteClient, text: string): Promise<ListedUser> {
  const { users } = await client.ask({
    path: "/postern/users/list",
    body: { user: text, limit: toldNamesakesMax },
    answer: listSchema,
    called: { user: "user" },
  });
  const [user, ...others] = users;
  if (user === undefined) {
    const expected =
      "expected an id, a UUID or a whole name; `postern user list --search` finds it";
    throw new CommandFailed(1, `there is no user ${printable(text)}: ${expected}`);
  }
  if (others.length === 0) return user;
  const ids = users.map(({ id }) => id).join(", ");
  throw new CommandFailed(1, `several users are called ${printable(text)}: expected an id: ${ids}`);
}

const pastOf = { suspend: "suspended", unsuspend: "unsuspended", delete: "deleted" } as const;

/** `delete`: with everything that was issued to him. */
export async function changeUser(
  { client, terminal, json }: IssuingOptions,
  { user: text, verb }: { readonly user: string; readonly verb: keyof typeof pastOf },
): Promise<void> {
  const user = await findUser(client, text);
  const { acs_user_id } = user;
  await client.ask({ path: `/acs/users/${verb}`, body: { acs_user_id }, answer: doneSchema });
  const { id, name } = user;
  tell({ terminal, json }, { acs_user_id, id }, `${name} (${id}) is ${pastOf[verb]}.`);
}

export function tell(
  { terminal, json }: Pick<IssuingOptions, "terminal" | "json">,
  value: object,
  sentence: string,
): void {
  terminal.out(json ? `${JSON.stringify(value, undefined, 2)}\n` : `${printable(sentence)}\n`);
}

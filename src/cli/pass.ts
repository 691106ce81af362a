import * as v from "valibot";
import { parseCardArgument } from "./card-argument.ts";
import type { SiteClient } from "./site-client.ts";
import { readSiteMoment, siteZone } from "./site-moment.ts";
import { CommandFailed } from "./terminal.ts";
import { printable, textTable } from "./text-table.ts";
import { findUser, type IssuingOptions, type ListedUser, tell } from "./user.ts";

const passSchema = v.looseObject({
  acs_credential_id: v.string(),
  id: v.string(),
  user: v.nullable(v.string()),
  user_name: v.nullable(v.string()),
  kind: v.string(),
  display_name: v.string(),
  state: v.string(),
  active: v.boolean(),
  starts_at: v.nullable(v.string()),
  ends_at: v.nullable(v.string()),
  uses: v.nullable(v.number()),
  traits: v.array(v.string()),
  sync: v.string(),
});
export type ListedPass = v.InferOutput<typeof passSchema>;

const listSchema = v.object({
  passes: v.array(passSchema),
  pagination: v.object({ next_page_cursor: v.nullable(v.string()) }),
});
const doneSchema = v.object({ ok: v.literal(true) });

const listedMax = 500;

export interface PassLimits {
  readonly starts?: string;
  readonly ends?: string;
  readonly uses?: number;
  readonly traits: readonly string[];
}

export type NewPass =
  /** Absent: the site draws it, and it is shown this once. */
  | { readonly kind: "pin"; readonly digits?: string }
  | { readonly kind: "card"; readonly card: string }
  | { readonly kind: "mobile" };

export async function addPass(
  { client, terminal, json }: IssuingOptions,
  added: { readonly user: string; readonly pass: NewPass; readonly limits: PassLimits },
): Promise<void> {
  const presented = presentedBody(added.pass);
  const user = await findUser(client, added.user);
  const pass = await createPass(client, user, { ...presented, limits: added.limits });
  const { kind, display_name: name, id, code } = pass;
  if (json) return tell({ terminal, json }, pass, "");
  const lines = [`${user.name} (${user.id}) has pass ${id}: ${kind}, ${name}.`];
  const isDrawn = added.pass.kind === "pin" && added.pass.digits === undefined;
  if (isDrawn && typeof code === "string") {
    lines.push(`PIN ${code}: shown this once, and kept nowhere.`);
  }
  if (kind === "mobile")
    lines.push(`It works from when a phone enrols: postern pass enrol ${id} --reader READER`);
  terminal.out(lines.map((line) => `${printable(line)}\n`).join(""));
}

interface PassBody {
  readonly body: object;
  readonly called?: Readonly<Record<string, string>>;
}

function presentedBody(pass: NewPass): PassBody {
  if (pass.kind === "mobile") return { body: { kind: "mobile" } };
  if (pass.kind === "pin") {
    const { digits } = pass;
    return {
      body: { kind: "pin", ...(digits !== undefined && { code: digits }) },
      called: { code: "--pin" },
    };
  }
  const card = parseCardArgument(pass.card);
  const expected = "expected a format and its fields, as H10301:12:34567";
  if (!card.ok || !("values" in card.value)) throw new CommandFailed(2, `--card: ${expected}`);
  const { format, values } = card.value;
  return {
    body: { kind: "card", card_format: format, card_number: values.join(":") },
    called: { card_format: "--card", card_number: "--card" },
  };
}

/** With its limits from the first moment. */
export async function createPass(
  client: SiteClient,
  user: ListedUser,
  { body, called, limits }: PassBody & { readonly limits: PassLimits },
): Promise<ListedPass> {
  const { pass } = await client.ask({
    path: "/postern/passes/create",
    body: { acs_user_id: user.acs_user_id, ...body, ...(await limitsBody(client, limits)) },
    answer: v.object({ pass: passSchema }),
    called: {
      starts_at: "--starts",
      ends_at: "--ends",
      uses: "--uses",
      traits: "--trait",
      ...Object.fromEntries(limits.traits.map((_, index) => [`traits.${index}`, "--trait"])),
      ...called,
    },
  });
  return pass;
}

async function limitsBody(client: SiteClient, { starts, ends, uses, traits }: PassLimits) {
  const zone = starts === undefined && ends === undefined ? "UTC" : await siteZone(client);
  const moment = (flag: string, text: string, edge: "start" | "end"): string => {
    const read = readSiteMoment(text, { zone, edge });
    if (read.ok) return read.value;
    throw new CommandFailed(2, `${flag}: expected ${read.fault}`);
  };
  return {
    ...(starts !== undefined && { starts_at: moment("--starts", starts, "start") }),
    ...(ends !== undefined && { ends_at: moment("--ends", ends, "end") }),
    ...(uses !== undefined && { uses }),
    ...(traits.length > 0 && { traits }),
  };
}

/** The newest first, with how far the doors are with each. */
export async function listPasses(
  { client, terminal, json }: IssuingOptions,
  { user: text }: { readonly user?: string },
): Promise<void> {
  const user = text === undefined ? undefined : await findUser(client, text);
  const { passes, pagination } = await client.ask({
    path: "/postern/passes/list",
    body: { ...(user !== undefined && { acs_user_id: user.acs_user_id }), limit: listedMax },
    answer: listSchema,
  });
  if (json) return terminal.out(`${JSON.stringify(passes, undefined, 2)}\n`);
  const rows = passes.map((pass) => [
    pass.id,
    pass.user_name ?? "nobody's",
    pass.kind,
    pass.display_name,
    pass.active ? pass.state : "suspended",
    pass.starts_at ?? "",
    pass.ends_at ?? "",
    pass.uses === null ? "" : String(pass.uses),
    pass.traits.join(" "),
    pass.sync,
  ]);
  const heads = ["id", "user", "kind", "", "state", "starts", "ends", "uses", "traits", "doors"];
  terminal.out(textTable(heads, rows));
  if (pagination.next_page_cursor !== null) {
    terminal.err(`These are the newest ${listedMax}; --user shows one user's.\n`);
  }
}

export async function findPass(client: SiteClient, text: string): Promise<ListedPass> {
  const { passes } = await client.ask({
    path: "/postern/passes/list",
    body: { pass: text },
    answer: listSchema,
    called: { pass: "pass" },
  });
  const [pass] = passes;
  if (pass !== undefined) return pass;
  const expected = "expected an id or a UUID; `postern pass list --user USER` shows them";
  throw new CommandFailed(1, `there is no pass ${printable(text)}: ${expected}`);
}

const pastOf = { suspend: "suspended", unsuspend: "active", delete: "deleted" } as const;

export async function changePass(
  { client, terminal, json }: IssuingOptions,
  { pass: text, verb }: { readonly pass: string; readonly verb: keyof typeof pastOf },
): Promise<void> {
  const pass = await findPass(client, text);
  const { acs_credential_id, id } = pass;
  const path = verb === "delete" ? "/acs/credentials/delete" : "/postern/passes/update";
  const body = verb === "delete" ? {} : { active: verb === "unsuspend" };
  await client.ask({ path, body: { acs_credential_id, ...body }, answer: doneSchema });
  const sentence = `Pass ${id} (${pass.display_name}) is ${pastOf[verb]}.`;
  tell({ terminal, json }, { acs_credential_id, id }, sentence);
}

/** Gives what nobody has to a user. */
export async function assignPass(
  { client, terminal, json }: IssuingOptions,
  { pass: text, user: userText }: { readonly pass: string; readonly user: string },
): Promise<void> {
  const pass = await findPass(client, text);
  const user = await findUser(client, userText);
  const { acs_credential_id, id } = pass;
  const { acs_user_id } = user;
  await client.ask({
    path: "/acs/credentials/assign",
    body: { acs_credential_id, acs_user_id },
    answer: doneSchema,
  });
  tell({ terminal, json }, { acs_credential_id, id, acs_user_id }, `Pass ${id} is ${user.name}'s.`);
}

export async function unassignPass(
  { client, terminal, json }: IssuingOptions,
  { pass: text }: { readonly pass: string },
): Promise<void> {
  const { acs_credential_id, id } = await findPass(client, text);
  await client.ask({
    path: "/acs/credentials/unassign",
    body: { acs_credential_id },
    answer: doneSchema,
  });
  tell({ terminal, json }, { acs_credential_id, id }, `Pass ${id} is nobody's, and opens nothing.`);
}

export async function deletePassQuietly(client: SiteClient, pass: ListedPass): Promise<void> {
  const { acs_credential_id } = pass;
  await client.ask({
    path: "/acs/credentials/delete",
    body: { acs_credential_id },
    answer: doneSchema,
  });
}

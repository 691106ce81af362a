import * as v from "valibot";
import { createPass, deletePassQuietly, findPass, type PassLimits } from "./pass.ts";
import type { SiteClient } from "./site-client.ts";
import { CommandFailed } from "./terminal.ts";
import { printable } from "./text-table.ts";
import { findUser, type IssuingOptions, tell } from "./user.ts";

/** How long the reader waits. */
const listenMs = 30_000;
/** Between two looks at what became of it. */
const lookEveryMs = 250;

const encodersSchema = v.object({
  acs_encoders: v.array(v.object({ acs_encoder_id: v.string(), display_name: v.string() })),
});

type FoundReader = v.InferOutput<typeof encodersSchema>["acs_encoders"][number];

const attemptSchema = v.object({
  action_attempt: v.looseObject({
    action_attempt_id: v.string(),
    status: v.picklist(["pending", "success", "error"]),
    result: v.nullable(v.looseObject({ display_name: v.optional(v.string()) })),
    error: v.nullable(v.object({ type: v.string(), message: v.string() })),
  }),
});
type Attempt = v.InferOutput<typeof attemptSchema>["action_attempt"];

export interface EnrolOptions extends IssuingOptions {
  /** Has `act` called when the person gives up; answers what takes that back. */
  readonly onInterrupt: (act: () => void) => () => void;
  readonly pause: (forMs: number) => Promise<void>;
}

export interface NewEnrolment {
  readonly user: string;
  readonly reader: string;
  readonly what: "card" | "phone";
  readonly limits: PassLimits;
}

/**
 * Has a reader wait for a card or phone and makes it a pass of the user's. Where it is to have limits
 * they stand before the card does, so that it is never good for more. Throws with why it came to nothing.
 */
export async function enrolPass(options: EnrolOptions, order: NewEnrolment): Promise<void> {
  const { client } = options;
  const { what, limits } = order;
  const reader = await findReader(client, { flag: "--enrol", reader: order.reader });
  const user = await findUser(client, order.user);
  const { starts, ends, uses, traits } = limits;
  const isLimited = (starts ?? ends ?? uses) !== undefined || traits.length > 0;
  const body = { kind: what === "phone" ? "mobile" : "card" };
  // Phones belong to a pass, to which more of them can come.
  const isBlank = isLimited || what === "phone";
  const blank = isBlank ? await createPass(client, user, { body, limits }) : undefined;
  const target =
    blank === undefined
      ? { acs_user_id: user.acs_user_id }
      : { acs_credential_id: blank.acs_credential_id };
  let isEnrolled = false;
  try {
    const ended = await present(options, { reader, what, target });
    isEnrolled = true;
    const name = ended.result?.display_name ?? `the ${what}`;
    tell(options, ended.result ?? {}, `${user.name} (${user.id}) has ${name}.`);
  } finally {
    if (blank !== undefined && !isEnrolled) await deletePassQuietly(client, blank);
  }
}

/** What a pass expects that is there: its card, or one more phone. */
export async function enrolInto(
  options: EnrolOptions,
  order: { readonly pass: string; readonly reader: string },
): Promise<void> {
  const { client } = options;
  const reader = await findReader(client, { flag: "--reader", reader: order.reader });
  const { id, kind, acs_credential_id } = await findPass(client, order.pass);
  const what = kind === "mobile" ? "phone" : "card";
  const ended = await present(options, { reader, what, target: { acs_credential_id } });
  const name = ended.result?.display_name ?? `the ${what}`;
  tell(options, ended.result ?? {}, `Pass ${id} has ${name}.`);
}

const mobileKeySchema = v.object({
  mobile_key: v.object({ site: v.string(), public_key: v.string(), fingerprint: v.string() }),
});

/** What a phone is told that does not know the site yet, and what its owner compares. */
async function siteWords(client: SiteClient): Promise<string> {
  const path = "/postern/mobile_key/get";
  const { mobile_key: key } = await client.ask({ path, body: {}, answer: mobileKeySchema });
  return printable(`site ${key.site}, site key ${key.public_key}, fingerprint ${key.fingerprint}`);
}

/** Once it was presented and saved. */
async function present(
  options: EnrolOptions,
  {
    reader,
    what,
    target,
  }: { readonly reader: FoundReader; readonly what: string; readonly target: object },
): Promise<Attempt> {
  const { client, terminal } = options;
  // Before the reader's time runs.
  if (what === "phone") terminal.err(`${await siteWords(client)}\n`);
  const begun = await client.ask({
    path: "/postern/enrolments/create",
    body: { acs_encoder_id: reader.acs_encoder_id, listen_ms: listenMs, ...target },
    answer: attemptSchema,
    called: { acs_credential_id: "pass" },
  });
  terminal.err(`present the ${what} at ${reader.display_name} (${listenMs / 1_000} s)\n`);
  const ended = await outcomeOf(options, begun.action_attempt.action_attempt_id);
  if (ended.status !== "success") throw new CommandFailed(1, whyNot(ended));
  return ended;
}

function whyNot({ error }: Attempt): string {
  return error === null ? "not enrolled" : `not enrolled: ${error.message} (${error.type})`;
}

async function outcomeOf(
  { client, onInterrupt, pause }: EnrolOptions,
  action_attempt_id: string,
): Promise<Attempt> {
  const given = { up: false };
  const release = onInterrupt(() => {
    given.up = true;
  });
  try {
    for (let isCancelled = false; ; ) {
      if (given.up && !isCancelled) {
        isCancelled = true;
        const path = "/postern/enrolments/cancel";
        await client.ask({ path, body: { action_attempt_id }, answer: attemptSchema });
      }
      const { action_attempt } = await client.ask({
        path: "/action_attempts/get",
        body: { action_attempt_id },
        answer: attemptSchema,
      });
      if (action_attempt.status !== "pending") return action_attempt;
      await pause(lookEveryMs);
    }
  } finally {
    release();
  }
}

/** `reader`: its UUID, or its name as the site tells it, or what its controller calls it. */
async function findReader(
  client: SiteClient,
  { flag, reader }: { readonly flag: string; readonly reader: string },
): Promise<FoundReader> {
  const { acs_encoders: all } = await client.ask({
    path: "/acs/encoders/list",
    body: {},
    answer: encodersSchema,
  });
  const found = all.filter(
    ({ acs_encoder_id: id, display_name: name }) =>
      id === reader.toLowerCase() || name === reader || name.endsWith(`: reader ${reader}`),
  );
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  const names = (only === undefined ? all : found)
    .map(({ acs_encoder_id, display_name }) => `${display_name} (${acs_encoder_id})`)
    .join(", ");
  throw new CommandFailed(2, `${flag} ${printable(reader)}: expected one of ${printable(names)}`);
}

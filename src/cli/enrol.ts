import * as v from "valibot";
import { createPass, deletePassQuietly, type PassLimits } from "./pass.ts";
import type { SiteClient } from "./site-client.ts";
import { CommandFailed } from "./terminal.ts";
import { printable } from "./text-table.ts";
import { findUser, type IssuingOptions, tell } from "./user.ts";

/** How long the reader waits for the card. */
const listenMs = 30_000;
/** Between two looks at what became of it. */
const lookEveryMs = 250;

const encodersSchema = v.object({
  acs_encoders: v.array(v.object({ acs_encoder_id: v.string(), display_name: v.string() })),
});

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

/**
 * Has a reader wait for a card and makes it a pass of the user's. Where it is to have limits they
 * stand before the card does, so that it is never good for more. Throws with why it came to nothing.
 */
export async function enrolPass(
  options: EnrolOptions,
  order: { readonly user: string; readonly reader: string; readonly limits: PassLimits },
): Promise<void> {
  const { client, terminal, json } = options;
  const reader = await findReader(client, order.reader);
  const user = await findUser(client, order.user);
  const { starts, ends, uses, traits } = order.limits;
  const isLimited = (starts ?? ends ?? uses) !== undefined || traits.length > 0;
  const blank = isLimited
    ? await createPass(client, user, { body: { kind: "card" }, limits: order.limits })
    : undefined;
  const target =
    blank === undefined
      ? { acs_user_id: user.acs_user_id }
      : { acs_credential_id: blank.acs_credential_id };
  let isEnrolled = false;
  try {
    const begun = await client.ask({
      path: "/postern/enrolments/create",
      body: { acs_encoder_id: reader.acs_encoder_id, listen_ms: listenMs, ...target },
      answer: attemptSchema,
    });
    terminal.err(`present the card at ${reader.display_name} (${listenMs / 1_000} s)\n`);
    const ended = await outcomeOf(options, begun.action_attempt.action_attempt_id);
    if (ended.status !== "success") throw new CommandFailed(1, whyNot(ended));
    isEnrolled = true;
    const name = ended.result?.display_name ?? "the card";
    tell({ terminal, json }, ended.result ?? {}, `${user.name} (${user.id}) has ${name}.`);
  } finally {
    if (blank !== undefined && !isEnrolled) await deletePassQuietly(client, blank);
  }
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
async function findReader(client: SiteClient, reader: string) {
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
  throw new CommandFailed(2, `--enrol ${printable(reader)}: expected one of ${printable(names)}`);
}

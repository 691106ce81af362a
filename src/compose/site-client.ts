import * as v from "valibot";
import { type SiteClient, type SiteQuestion, SiteRefusal } from "../cli/site-client.ts";
import { siteAccess, siteUnanswered } from "./site-api.ts";
import type { StartConfigSource } from "./start-config.ts";
import { StartRefused } from "./start-refused.ts";

/** A site that takes longer to bring a change to its doors has hung. */
const answerMaxMs = 120_000;

const refusalSchema = v.object({
  ok: v.literal(false),
  error: v.object({
    type: v.string(),
    message: v.string(),
    validation_errors: v.optional(v.unknown()),
  }),
});

/**
 * Asks the running site that `source` configures: where it listens and where its API key is. Throws
 * `StartRefused` with why it cannot be asked.
 */
export function openSiteClient(source: StartConfigSource): SiteClient {
  const { origin, key } = siteAccess(source);
  return {
    ask: async ({ path, body, answer, called }) => {
      const raw = await send(origin, { path, body }, key);
      const refusal = v.safeParse(refusalSchema, raw);
      if (refusal.success) {
        const { type, message, validation_errors: tree } = refusal.output.error;
        const fields = new Map(fieldsOf(tree, []));
        throw new SiteRefusal({ type, message, fields, ...(called !== undefined && { called }) });
      }
      const read = v.safeParse(answer, raw);
      if (!read.success) throw new StartRefused(`What answers at ${origin} is no site.`);
      return read.output;
    },
  };
}

type Sent = Pick<SiteQuestion<v.GenericSchema>, "path" | "body">;

async function send(origin: string, { path, body }: Sent, key: string): Promise<unknown> {
  try {
    const response = await fetch(new URL(path, origin), {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      signal: AbortSignal.timeout(answerMaxMs),
      body: JSON.stringify(body),
    });
    return await response.json();
  } catch (error) {
    throw siteUnanswered(origin, error);
  }
}

/** Of the tree that the API answers: what is said at each place, by the path to it. */
function* fieldsOf(
  tree: unknown,
  path: readonly string[],
): Generator<readonly [field: string, expected: string]> {
  if (typeof tree !== "object" || tree === null) return;
  for (const [name, node] of Object.entries(tree)) {
    if (name !== "_errors") yield* fieldsOf(node, [...path, name]);
    else if (Array.isArray(node) && node.length > 0) yield [path.join("."), node.join(", ")];
  }
}

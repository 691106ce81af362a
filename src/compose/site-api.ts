import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { describeFailure } from "../domain/describe-failure.ts";
import { failureCode } from "../domain/failure-code.ts";
import { readSiteConfig, type StartConfigSource } from "./start-config.ts";
import { StartRefused } from "./start-refused.ts";

/** A site that takes longer to compile and sign its tables has hung. */
const answerMaxMs = 60_000;

export interface SiteRequest<Answer extends v.GenericSchema> {
  readonly method: "GET" | "POST";
  /** With its query. */
  readonly path: string;
  /** TOML. */
  readonly body?: string;
  /** What the site answers where it did as it was asked. */
  readonly answer: Answer;
}

const refusalSchema = v.object({
  ok: v.literal(false),
  error: v.object({ message: v.string() }),
});

/**
 * Asks the running site that `source` configures: where it listens and where its API key is. Throws
 * `StartRefused` with what the site said against it, or with why it cannot be asked.
 */
export async function askSite<const Answer extends v.GenericSchema>(
  source: StartConfigSource,
  request: SiteRequest<Answer>,
): Promise<v.InferOutput<Answer>> {
  const { origin, key } = siteAccess(source);
  const url = new URL(request.path, origin);
  const raw = await send(url, key, request);
  const refusal = v.safeParse(refusalSchema, raw);
  if (refusal.success) throw new StartRefused(refusal.output.error.message);
  const answer = v.safeParse(request.answer, raw);
  if (!answer.success) throw new StartRefused(`What answers at ${url.origin} is no site.`);
  return answer.output;
}

/** Where the site that `source` configures listens, and its key. Throws `StartRefused`. */
export function siteAccess(source: StartConfigSource): {
  readonly origin: string;
  readonly key: string;
} {
  const { stateDir, httpPort } = readSiteConfig(source);
  const key = readApiKey(join(stateDir, "api-key"));
  return { origin: `http://127.0.0.1:${httpPort}`, key };
}

function readApiKey(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    const code = failureCode(error);
    throw new StartRefused(
      `${file}: the site's API key cannot be read (${code}). A site that has run here wrote it; if ` +
        "yours has another state folder, name that with POSTERN_STATE_DIR.",
    );
  }
}

async function send(
  url: URL,
  key: string,
  { method, body }: Pick<SiteRequest<v.GenericSchema>, "method" | "body">,
): Promise<unknown> {
  try {
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/toml" },
      signal: AbortSignal.timeout(answerMaxMs),
      ...(body !== undefined && { body }),
    });
    return await response.json();
  } catch (error) {
    throw siteUnanswered(url.origin, error);
  }
}

/** What is to be told of a `fetch` that failed with `error`. */
export function siteUnanswered(origin: string, error: unknown): StartRefused {
  return new StartRefused(
    `No site answers at ${origin} (${reasonOf(error)}). Start it with \`npm start\`, or name its ` +
      "port with POSTERN_HTTP_PORT.",
  );
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (cause instanceof Error && "code" in cause) return String(cause.code);
  return describeFailure(cause);
}

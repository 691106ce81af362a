import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { readSiteConfig, type StartConfigSource } from "./start-config.ts";
import { readStartFile } from "./start-file.ts";
import { StartRefused } from "./start-refused.ts";

/** The configuration is the site's own: where it listens and where its API key is. */
export interface ApplySiteOptions extends StartConfigSource {
  /** What to apply. */
  readonly file: string;
  readonly print: (text: string) => void;
}

/** A site that takes longer to compile and sign its tables has hung. */
const answerMaxMs = 60_000;
/** What the site's API takes for the name of a file. */
const fileNameMax = 200;

const answerSchema = v.variant("ok", [
  v.object({
    ok: v.literal(true),
    tables: v.array(
      v.object({
        controller: v.string(),
        epoch: v.number(),
        version: v.number(),
        changed: v.boolean(),
      }),
    ),
  }),
  v.object({ ok: v.literal(false), error: v.object({ message: v.string() }) }),
]);

/** Hands a site file to the running site. Throws `StartRefused` with what the site said against it. */
export async function applySiteFile(options: ApplySiteOptions): Promise<void> {
  const { file, print } = options;
  const text = readStartFile(file);
  const { stateDir, httpPort } = readSiteConfig(options);
  const url = `http://127.0.0.1:${httpPort}/postern/site?file=${encodeURIComponent(file.slice(-fileNameMax))}`;
  const answer = await post({ url, key: readApiKey(join(stateDir, "api-key")), text });
  if (!answer.ok) throw new StartRefused(answer.error.message);
  for (const { controller, epoch, version, changed } of answer.tables) {
    print(`${controller}: table ${epoch}.${version}${changed ? "" : ", unchanged"}\n`);
  }
}

function readApiKey(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new StartRefused(
      `${file}: the site's API key cannot be read (${code}). A site that has run here wrote it; if ` +
        "yours has another state folder, name that with POSTERN_STATE_DIR.",
    );
  }
}

async function post(request: {
  readonly url: string;
  readonly key: string;
  readonly text: string;
}): Promise<v.InferOutput<typeof answerSchema>> {
  const { url, key, text } = request;
  let body: unknown;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/toml" },
      body: text,
      signal: AbortSignal.timeout(answerMaxMs),
    });
    body = await response.json();
  } catch (error) {
    const { origin } = new URL(url);
    throw new StartRefused(
      `No site answers at ${origin} (${reasonOf(error)}). Start it with \`npm start\`, or name its ` +
        "port with POSTERN_HTTP_PORT.",
    );
  }
  const answer = v.safeParse(answerSchema, body);
  if (!answer.success) throw new StartRefused(`What answers at ${new URL(url).origin} is no site.`);
  return answer.output;
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (cause instanceof Error && "code" in cause) return String(cause.code);
  return cause instanceof Error ? cause.message : String(cause);
}

import { basename, join } from "node:path";
import { readSiteConfig, type StartConfigSource } from "./start-config.ts";
import { readStartFile } from "./start-file.ts";
import { StartRefused } from "./start-refused.ts";

export interface ApplySiteOptions extends StartConfigSource {
  /** The site file to be applied. */
  readonly file: string;
}

/** What the running site made of the file, one line for each controller. */
export async function applySiteFile(options: ApplySiteOptions): Promise<string> {
  const { file } = options;
  const text = readStartFile(file);
  const config = readSiteConfig(options);
  const apiKey = readStartFile(join(config.stateDir, "api-key")).trim();
  const site = `http://127.0.0.1:${config.httpPort}`;
  const answer = await post(`${site}/postern/site?file=${encodeURIComponent(basename(file))}`, {
    text,
    apiKey,
    site,
  });
  return answer.tables
    .map(({ controller, epoch, version, changed }) => {
      const what = changed ? "published" : "unchanged";
      return `${controller}: table ${epoch}.${version} ${what}\n`;
    })
    .join("");
}

interface AppliedAnswer {
  readonly tables: readonly {
    readonly controller: string;
    readonly epoch: number;
    readonly version: number;
    readonly changed: boolean;
  }[];
}

async function post(
  url: string,
  { text, apiKey, site }: { readonly text: string; readonly apiKey: string; readonly site: string },
): Promise<AppliedAnswer> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/toml" },
      body: text,
    });
  } catch {
    throw new StartRefused(
      `no site answers at ${site}: start it with "npm start", or set POSTERN_HTTP_PORT to its port`,
    );
  }
  const body = (await response.json()) as AppliedAnswer & { error?: { message?: string } };
  if (response.ok) return body;
  throw new StartRefused(body.error?.message ?? `the site answered ${response.status}`);
}

import * as v from "valibot";
import { askSite } from "./site-api.ts";
import type { StartConfigSource } from "./start-config.ts";
import { readStartFile } from "./start-file.ts";

/** The configuration is the site's own: where it listens and where its API key is. */
export interface ApplySiteOptions extends StartConfigSource {
  /** What to apply. */
  readonly file: string;
  readonly print: (text: string) => void;
}

/** What the site's API takes for the name of a file. */
const fileNameMax = 200;

const appliedSchema = v.object({
  ok: v.literal(true),
  tables: v.array(
    v.object({
      controller: v.string(),
      epoch: v.number(),
      version: v.number(),
      changed: v.boolean(),
    }),
  ),
});

/** Hands a site file to the running site. Throws `StartRefused` with what the site said against it. */
export async function applySiteFile(options: ApplySiteOptions): Promise<void> {
  const { file, print } = options;
  const { tables } = await askSite(options, {
    method: "POST",
    path: `/postern/site?file=${encodeURIComponent(file.slice(-fileNameMax))}`,
    body: readStartFile(file),
    answer: appliedSchema,
  });
  for (const { controller, epoch, version, changed } of tables) {
    print(`${controller}: table ${epoch}.${version}${changed ? "" : ", unchanged"}\n`);
  }
}

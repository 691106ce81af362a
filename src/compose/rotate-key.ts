import * as v from "valibot";
import { askSite } from "./site-api.ts";
import type { StartConfigSource } from "./start-config.ts";

const rotatedSchema = v.object({ ok: v.literal(true), serial: v.number() });

/** Has the running site sign with a new key from now on. Throws `StartRefused` where it did not. */
export async function rotateSiteKey(
  options: StartConfigSource & { readonly print: (text: string) => void },
): Promise<void> {
  const { serial } = await askSite(options, {
    method: "POST",
    path: "/postern/site/rotate-key",
    answer: rotatedSchema,
  });
  options.print(
    `The site signs with its key number ${serial}. Controllers follow when they hear of it; one that ` +
      "was provisioned before and was away goes from key to key.\n",
  );
}

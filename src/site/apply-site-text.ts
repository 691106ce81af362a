import type { PinDigest } from "../domain/credential.ts";
import type { SiteId } from "../domain/ids.ts";
import { fail, type Result } from "../domain/result.ts";
import type { TomlFault } from "../protocols/toml/toml-fault.ts";
import { applySiteFile } from "./apply-site-file.ts";
import type { OpenIssuer } from "./open-issuer.ts";
import { parseSiteFile } from "./site-file.ts";
import type { Author } from "./store/site-store.ts";
import type { AppliedTable } from "./table-publisher.ts";

export interface SiteTextParts {
  readonly site: SiteId;
  readonly issuer: OpenIssuer;
  readonly digestPin: (digits: string) => PinDigest;
}

export interface SiteText {
  readonly text: string;
  /** As the person who applies it names it. */
  readonly name: string;
  readonly author: Author;
}

/**
 * Makes the site what a file says. Says heads again that nothing is new of: whoever applies a file to
 * repair a controller may do so because its retained head is not ours any more.
 */
export async function applySiteText(
  { site, issuer, digestPin }: SiteTextParts,
  { text, name, author }: SiteText,
): Promise<Result<readonly AppliedTable[], readonly TomlFault[]>> {
  const parsed = parseSiteFile({ text, file: name });
  if (!parsed.ok) return parsed;
  const file = parsed.value;
  if (file.site !== site) {
    const expected = `"${site}", the site that this service serves`;
    return fail([{ file: name, line: 1, key: "site", expected, found: `"${file.site}"` }]);
  }
  const applied = await applySiteFile(issuer, { name, file, author, digestPin });
  if (!applied.ok) return applied;
  const unchanged = applied.value.filter(({ changed }) => !changed);
  await issuer.engine.update(
    unchanged.map(({ controller }) => controller),
    "head",
  );
  return applied;
}

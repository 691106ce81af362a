import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail, type Result } from "../../../src/domain/result.ts";
import type { TomlFault } from "../../../src/protocols/toml/toml-fault.ts";
import { modelOfSiteFile, parseSiteFile } from "../../../src/site/site-file.ts";
import { openSiteKeys } from "../../../src/site/site-keys.ts";
import type { SiteModel } from "../../../src/site/site-model.ts";
import {
  openSiteService,
  type SiteService,
  type SiteServiceOptions,
} from "../../../src/site/site-service.ts";
import { openSiteFolder } from "../../../src/site/state-folder.ts";
import type { TableFault } from "../../../src/site/table-plan.ts";
import type { AppliedTable } from "../../../src/site/table-publisher.ts";
import { modelDifference } from "./model-difference.ts";

type Faults = readonly TomlFault[] | TableFault;

/** A site that is told all that it is to be, in words, and is told so again after a restart. */
export interface TextSite extends SiteService {
  apply(text: string, file?: string): Result<readonly AppliedTable[], Faults>;
  /** The name of the last that was taken. */
  applied(): string | undefined;
}

/** What plays the store: what it holds is what the site begins with. */
export const textFile = (stateFolder: string): string => join(stateFolder, "text-site.json");

export async function openTextSite(options: SiteServiceOptions): Promise<TextSite> {
  const { stateFolder, site } = options;
  const service = await openSiteService(options);
  const { pinKey } = openSiteKeys(openSiteFolder(stateFolder), site);
  let told: SiteModel | undefined;
  let name: string | undefined;

  const tell = (text: string, file: string): Result<readonly AppliedTable[], Faults> => {
    const parsed = parseSiteFile({ text, file });
    if (!parsed.ok) return parsed;
    const model = modelOfSiteFile(parsed.value, pinKey);
    if (model.site !== site) {
      return fail([{ file, line: 1, key: "site", expected: site, found: model.site }]);
    }
    const applied = service.change(modelDifference(told, model, 1));
    if (!applied.ok) return applied;
    told = model;
    name = file;
    return applied;
  };

  const kept = readKept(stateFolder);
  if (kept !== undefined) tell(kept.text, kept.file);
  const apply: TextSite["apply"] = (text, file = "x.toml") => {
    const applied = tell(text, file);
    if (!applied.ok) return applied;
    writeFileSync(textFile(stateFolder), JSON.stringify({ text, file }), { mode: 0o600 });
    const unchanged = applied.value.filter(({ changed }) => !changed);
    service.update(
      unchanged.map(({ controller }) => controller),
      "head",
    );
    return applied;
  };
  return Object.assign(service, { apply, applied: () => name });
}

function readKept(
  stateFolder: string,
): { readonly text: string; readonly file: string } | undefined {
  try {
    return JSON.parse(readFileSync(textFile(stateFolder), "utf8"));
  } catch {
    return undefined;
  }
}

import { type Result, succeed } from "../domain/result.ts";
import { describeTomlFault, type TomlFault } from "../protocols/toml/toml-fault.ts";
import { readKeptSite, removeKeptSite } from "./applied-model.ts";
import { applySiteText, type SiteTextParts } from "./apply-site-text.ts";
import type { SiteLog } from "./site-log.ts";
import type { StateFolder } from "./state-folder.ts";
import type { Author } from "./store/site-store.ts";

export interface SiteBeginning extends SiteTextParts {
  /** The site's own. */
  readonly folder: StateFolder;
  readonly log: SiteLog;
  /** Where a site begins that has nothing yet; afterwards it is changed by other means. */
  readonly firstFile: () => { readonly text: string; readonly name: string };
}

const author: Author = { name: "file" };

/**
 * Has the engine go by what the store holds. What an earlier version kept, the site file that was
 * applied last, is brought into a store that has nothing yet, and goes: PINs stand in it in clear.
 * Faults are those of the first file.
 */
export async function beginSite(
  begun: SiteBeginning,
): Promise<Result<undefined, readonly TomlFault[]>> {
  const { issuer, folder, log } = begun;
  const applied = await issuer.begin();
  if (!applied.ok) {
    log.warn({ ...applied.fault }, "what the store holds does not pass; the tables stay in force");
  }
  if ((await issuer.store.revision()) === 0 && !(await bringOver(begun))) {
    const first = await applySiteText(begun, { ...begun.firstFile(), author });
    if (!first.ok) return first;
  }
  // Also where an earlier start was cut off before it did so.
  removeKeptSite(folder);
  return succeed(undefined);
}

/** Whether the store has what was applied last. */
async function bringOver(begun: SiteBeginning): Promise<boolean> {
  const { folder, log } = begun;
  const kept = readKeptSite(folder);
  if (kept === "absent") return false;
  const applied =
    kept === "damaged"
      ? undefined
      : await applySiteText(begun, { text: kept.text, name: kept.file, author });
  if (applied?.ok === true) {
    log.info({}, "the site file that was applied last is in the site's store now");
    return true;
  }
  const faults = applied?.fault.map(describeTomlFault) ?? ["damaged"];
  log.warn(
    { faults },
    "the site file that was applied last does not pass: the first one is applied",
  );
  return false;
}

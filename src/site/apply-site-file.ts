import type { PinDigest } from "../domain/credential.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { TomlFault } from "../protocols/toml/toml-fault.ts";
import { checkTogether } from "./check-together.ts";
import { type FileConflict, FileReconciliation } from "./file-reconciliation.ts";
import type { OpenIssuer } from "./open-issuer.ts";
import { reconcilePeople } from "./reconcile-people.ts";
import { reconcileReferences } from "./reconcile-references.ts";
import { reconcileSurroundings } from "./reconcile-surroundings.ts";
import type { SiteFile } from "./site-file.ts";
import { rowsOfSiteFile } from "./site-file-rows.ts";
import type { Author } from "./store/site-store.ts";
import type { TableFault } from "./table-plan.ts";
import type { AppliedTable } from "./table-publisher.ts";

export interface FileApplication {
  /** As the person who applied it named it, for messages about it. */
  readonly name: string;
  /** Of this site: the caller looks at that. */
  readonly file: SiteFile;
  readonly author: Author;
  readonly digestPin: (digits: string) => PinDigest;
}

/**
 * Makes the store say what a site file says: what it names is made so, what an earlier file named and
 * it does not is taken away, and what was issued apart from files stays. One change: all or nothing.
 * Answers with the table of each controller, those too in which nothing is different. Throws a
 * `StoreError` where the store fails.
 */
export async function applySiteFile(
  issuer: OpenIssuer,
  { name, file, author, digestPin }: FileApplication,
): Promise<Result<readonly AppliedTable[], readonly TomlFault[]>> {
  const wanted = rowsOfSiteFile(file, digestPin);
  const issued = await issuer.issue<undefined, readonly FileConflict[]>(author, async (change) => {
    const reconciliation = new FileReconciliation({ site: file.site, wanted, change });
    const gone = await reconcileSurroundings(reconciliation);
    await reconcilePeople(reconciliation);
    await reconcileReferences(reconciliation, gone);
    await checkTogether(reconciliation);
    if (reconciliation.conflicts.length > 0) return fail(reconciliation.conflicts);
    const subject = { kind: "site", id: file.site };
    change.note({
      action: "site_file.apply",
      subject,
      detail: { file: name, ...reconciliation.counts },
    });
    return succeed(undefined);
  });
  return issued.ok ? succeed(issued.value.tables) : fail(faultsOf(issued.fault, name));
}

/** They are of what comes of the file beside the store, and not of a line of it. */
function faultsOf(fault: readonly FileConflict[] | TableFault, file: string): readonly TomlFault[] {
  if (!("controller" in fault)) return fault.map((conflict) => ({ file, line: 1, ...conflict }));
  const expected = `a table that controller ${fault.controller} takes`;
  return [{ file, line: 1, key: "", expected, found: `one with a fault at ${fault.detail}` }];
}

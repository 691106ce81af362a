import type { SiteId } from "../domain/ids.ts";
import type { IssuingChange } from "./issuer.ts";
import type { Notice } from "./notice.ts";
import type { FileRows } from "./site-file-rows.ts";

/** What keeps a file from being applied to what the store holds beside it. */
export interface FileConflict {
  /** Such as `pass ada-card`. */
  readonly key: string;
  readonly expected: string;
  readonly found: string;
}

type Verb = "create" | "update" | "delete";

/** A site file on its way into the store: what it says, and what was done about it. */
export class FileReconciliation {
  readonly site: SiteId;
  readonly wanted: FileRows;
  readonly change: IssuingChange;
  readonly conflicts: FileConflict[] = [];
  readonly #counts = new Map<string, number>();
  #notedCount = 0;

  constructor(of: {
    readonly site: SiteId;
    readonly wanted: FileRows;
    readonly change: IssuingChange;
  }) {
    this.site = of.site;
    this.wanted = of.wanted;
    this.change = of.change;
  }

  /** How many of each kind were made, changed and taken away: `user.create: 3`. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** At a site's beginning there is nobody yet who could listen. */
  tell(...notices: readonly Notice[]): void {
    if (this.change.revision > 1) this.change.tell(...notices);
  }

  did(verb: Verb, kind: string, id: string): void {
    const action = `${kind}.${verb}`;
    this.#counts.set(action, (this.#counts.get(action) ?? 0) + 1);
    this.#notedCount += 1;
    // Of a whole site's worth of people, the audit log has the counts and the file's own entry.
    if (this.#notedCount <= notedMax) this.change.note({ action, subject: { kind, id } });
  }
}

/** So many things of one file are told one by one. */
const notedMax = 1_000;

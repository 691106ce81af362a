import { foldImage } from "./fold-image.ts";
import { loadTable } from "./load-table.ts";
import { surveyPart, verifyPart } from "./snapshot-part.ts";

/** What reads or writes a whole table, and is not done in the thread that moves strikes. */
export const tableJobs = { loadTable, foldImage, surveyPart, verifyPart };

type TableJobs = typeof tableJobs;
export type TableJobName = keyof TableJobs;
export type TableJobInput<Name extends TableJobName> = Parameters<TableJobs[Name]>[0];
export type TableJobOutput<Name extends TableJobName> = Awaited<ReturnType<TableJobs[Name]>>;

/** What a thread is started with. */
export interface TableJobOrder {
  readonly name: TableJobName;
  readonly input: unknown;
}

/** The one message that it sends. */
export type TableJobAnswer =
  | { readonly kind: "done"; readonly output: unknown }
  | { readonly kind: "failed"; readonly detail: string };

/**
 * Has a job done. Rejects where it failed or whoever did it died: see each job; and where it was
 * stopped by the signal, after which whatever it put out or wrote is of no use.
 */
export type RunTableJob = <Name extends TableJobName>(
  name: Name,
  input: TableJobInput<Name>,
  stop: AbortSignal,
) => Promise<TableJobOutput<Name>>;

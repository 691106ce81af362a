import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../domain/failure-code.ts";
import { imageFile, logFile, tableSlots } from "./table-files.ts";
import type { TableJobInput, TableJobName, TableJobOrder } from "./table-jobs.ts";

type BytesOf<Name extends TableJobName> = (input: TableJobInput<Name>) => number | Promise<number>;

const bytesOf: { readonly [Name in TableJobName]: BytesOf<Name> } = {
  loadTable: ({ folder }) =>
    sizeOf(
      folder,
      tableSlots.flatMap((slot) => [imageFile(slot), logFile(slot)]),
    ),
  foldImage: async ({ folder, slot, log }) =>
    log.length + (await sizeOf(folder, [imageFile(slot)])),
  surveyPart: ({ parts }) => parts.imageBytes,
  verifyPart: ({ manifest }) => manifest.imageBytes,
};

/** How much a job has to go through, which is how long whoever does it does nothing else. */
export async function tableJobBytes({ name, input }: TableJobOrder): Promise<number> {
  // Both come from a `RunTableJob`, where the compiler has seen that they fit.
  const count = bytesOf[name] as (input: unknown) => number | Promise<number>;
  return count(input);
}

async function sizeOf(folder: string, names: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const name of names) {
    try {
      bytes += (await stat(join(folder, name))).size;
    } catch (error) {
      // Of what cannot even be looked at nothing is known.
      if (!isMissing(error)) return Number.POSITIVE_INFINITY;
    }
  }
  return bytes;
}

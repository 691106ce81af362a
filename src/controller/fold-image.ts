import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { foldTable } from "../core/access-table/fold-table.ts";
import { openTableImage } from "../core/access-table/open-table-image.ts";
import { parseTableFrame } from "../protocols/sync/table-frame.ts";
import { parseDeltaLog } from "./delta-log-records.ts";
import { replaceFile } from "./durable-file.ts";
import { readWhole } from "./read-whole.ts";
import { imageBytesMax, imageFile, otherSlot, type TableSlot } from "./table-files.ts";

/**
 * Makes one image of the image in `slot` and the deltas of `log`, a whole delta log in bytes, and
 * makes it durable in the other slot. Rejects with the file system's error, or where the image that
 * is on disk by now or its log does not do.
 */
export async function foldImage({
  folder,
  slot,
  log,
}: {
  readonly folder: string;
  readonly slot: TableSlot;
  readonly log: Uint8Array;
}): Promise<{ readonly bytes: Uint8Array }> {
  const image = await readWhole(join(folder, imageFile(slot)), imageBytesMax);
  const table = openTableImage(image, parseTableFrame);
  if (!table.ok) throw new Error(`${imageFile(slot)}: ${table.fault}`);
  const { deltas, damage } = parseDeltaLog(Buffer.from(log));
  if (damage !== undefined) throw new Error(damage);
  for (const delta of deltas) {
    const applied = table.value.apply(delta);
    if (!applied.ok) throw new Error(`version ${delta.to.version}: ${applied.fault}`);
  }
  const key = randomBytes(8);
  const bytes = foldTable(table.value, [key.readUInt32LE(0), key.readUInt32LE(4)]);
  await replaceFile(join(folder, imageFile(otherSlot(slot))), bytes);
  return { bytes };
}

import * as v from "valibot";
import type { Result } from "../../domain/result.ts";
import type { TableMark } from "../../domain/table-change.ts";
import { parseContent } from "./parse-content.ts";
import { hex16, integer, tableMark, tableNumberMax } from "./schema-parts.ts";
import { openOpenly, readBody, type SiteOpener, type SiteSealer, sealOpenly } from "./site-seal.ts";
import { encodeCbor } from "./strict-cbor.ts";
import type { TableRefusal } from "./table-refusal.ts";

/** Which table the site wants in force at a controller. */
export interface TableHead {
  readonly mark: TableMark;
  /**
   * The version made by the oldest delta that the site still has: whoever is at the version before
   * it, or later, can ask for deltas. `mark.version + 1` where there are none.
   */
  readonly deltasFrom: number;
  /**
   * The `request` of the `get` that this answers: nobody can have kept it from before. A retained
   * head has none, and anybody at the broker may have put an old one there.
   */
  readonly request?: string;
}

export const tableHeadBytesMax = 256;

const headSchema = v.pipe(
  v.strictObject({
    mark: tableMark,
    deltasFrom: integer(1, tableNumberMax + 1),
    request: v.exactOptional(hex16),
  }),
  v.forward(
    v.check(({ mark, deltasFrom }) => deltasFrom <= mark.version + 1, "at most the next version"),
    ["deltasFrom"],
  ),
);

export function sealTableHead(
  sealer: SiteSealer,
  { mark: { epoch, version, tag }, deltasFrom, request }: TableHead,
): Uint8Array {
  const body = { mark: { epoch, version, tag }, deltasFrom, request };
  return sealOpenly(sealer, "table/head", encodeCbor(body));
}

/** Whether it is newer than what is in force is for the caller to judge: an old head opens too. */
export function openTableHead(
  opener: SiteOpener,
  message: Uint8Array,
): Result<TableHead, TableRefusal> {
  const opened = openOpenly(opener, "table/head", { message, bytesMax: tableHeadBytesMax });
  if (!opened.ok) return opened;
  const body = readBody(opened.value);
  if (!body.ok) return body;
  return parseContent(headSchema, body.value);
}

import * as v from "valibot";
import { fail, type Result, succeed } from "../../domain/result.ts";
import type { TableMark } from "../../domain/table-change.ts";
import { describeIssue, integer, tableMark, tableNumberMax } from "./schema-parts.ts";
import { openOpenly, type SiteOpener, type SiteSealer, sealOpenly } from "./site-seal.ts";
import type { TableRefusal } from "./table-refusal.ts";

/** Which table the site wants in force at a controller. */
export interface TableHead {
  readonly mark: TableMark;
  /**
   * The version made by the oldest delta that the site still has: whoever is at the version before
   * it, or later, can ask for deltas. `mark.version + 1` where there are none.
   */
  readonly deltasFrom: number;
}

export const tableHeadBytesMax = 256;

const headSchema = v.pipe(
  v.strictObject({ mark: tableMark, deltasFrom: integer(1, tableNumberMax + 1) }),
  v.forward(
    v.check(({ mark, deltasFrom }) => deltasFrom <= mark.version + 1, "at most the next version"),
    ["deltasFrom"],
  ),
);

export function sealTableHead(sealer: SiteSealer, { mark, deltasFrom }: TableHead): Uint8Array {
  const { epoch, version, tag } = mark;
  return sealOpenly(sealer, "table/head", { mark: { epoch, version, tag }, deltasFrom });
}

/** Whether it is newer than what is in force is for the caller to judge: an old head opens too. */
export function openTableHead(
  opener: SiteOpener,
  message: Uint8Array,
): Result<TableHead, TableRefusal> {
  const opened = openOpenly(opener, "table/head", { message, bytesMax: tableHeadBytesMax });
  if (!opened.ok) return opened;
  const parsed = v.safeParse(headSchema, opened.value, { abortEarly: true });
  return parsed.success
    ? succeed(parsed.output)
    : fail({ reason: "invalid_content", detail: describeIssue(parsed.issues[0]) });
}

import { type RawBuilder, type SqlBool, sql } from "kysely";
import * as v from "valibot";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { type ApiFault, inputFault } from "./api-fault.ts";
import type { ApiCall } from "./route.ts";
import { countUpTo, textOf } from "./schema-parts.ts";

/** The row after which a page begins; lists are sorted by when rows were made, then by id. */
export interface PageMark {
  readonly createdAt: number;
  readonly id: string;
}

/** Of rows from the newest to the oldest, those after a mark. */
export const isBeyond = ({ createdAt, id }: PageMark): RawBuilder<SqlBool> =>
  sql`(${sql.ref("createdAt")}, ${sql.ref("id")}) < (${createdAt}, ${id})`;

/** Those up to a mark, and it. */
export const isUpTo = ({ createdAt, id }: PageMark): RawBuilder<SqlBool> =>
  sql`(${sql.ref("createdAt")}, ${sql.ref("id")}) >= (${createdAt}, ${id})`;

export const pageLimit = 500;

/** What lists take beside their filters. `most`: rows of a page, and how many unless it is said. */
export const pageEntries = (most: number = pageLimit) => ({
  limit: v.exactOptional(countUpTo(most), most),
  page_cursor: v.exactOptional(v.nullable(textOf(500, "a page_cursor of an earlier answer"))),
});

const markSchema = v.strictObject({ createdAt: v.pipe(v.number(), v.integer()), id: v.string() });

export function parsePageCursor(
  cursor: string | null | undefined,
): Result<PageMark | undefined, ApiFault> {
  if (cursor === null || cursor === undefined) return succeed(undefined);
  const wrong = inputFault({ page_cursor: ["expected a page_cursor of an earlier answer"] });
  try {
    const [createdAt, id] = JSON.parse(Buffer.from(cursor, "base64").toString("utf8")) as unknown[];
    const mark = v.safeParse(markSchema, { createdAt, id });
    return mark.success ? succeed(mark.output) : fail(wrong);
  } catch {
    return fail(wrong);
  }
}

/** `rows`: one more than `limit` where there are more. */
export function pageOf<Row extends PageMark>(
  rows: readonly Row[],
  limit: number,
  { url }: Pick<ApiCall, "url">,
) {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const hasNext = rows.length > limit && last !== undefined;
  const cursor = hasNext
    ? Buffer.from(JSON.stringify([last.createdAt, last.id])).toString("base64")
    : null;
  return {
    page,
    pagination: {
      next_page_cursor: cursor,
      has_next_page: hasNext,
      next_page_url: cursor === null ? null : nextUrl(url, cursor),
    },
  };
}

/** Of a list that was asked for by POST there is no URL with its filters but this. */
function nextUrl(url: URL, cursor: string): string {
  const next = new URL(url);
  next.searchParams.set("page_cursor", cursor);
  return next.href;
}

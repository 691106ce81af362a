import { fail, type Result, succeed } from "../domain/result.ts";
import type { AttemptError } from "./action-attempts.ts";
import { createPass, updatePass } from "./api/acs/write-pass.ts";
import type { Issuer, IssuingChange } from "./issuer.ts";
import { type Expected, nameOf, type ReadCredential, rawOf } from "./read-credential.ts";
import type { Author } from "./store/site-store.ts";
import type { PassRow } from "./store/store-schema.ts";

/** What a card or phone that is read is to become. Ids are the tables'. */
export type EnrolmentTarget =
  /** A new pass of this user's: of a card. */
  | { readonly user: string }
  /** A pass that waits for its card; one for a user's phones gets a phone more. */
  | { readonly pass: string };

export interface Filling {
  readonly read: ReadCredential;
  readonly target: EnrolmentTarget;
}

/**
 * Makes what was read a pass, and brings it to the doors. All of it is looked at again as it is now:
 * since somebody asked, it may have become another's, and the user may be gone. Answers the pass's id.
 */
export async function fillTarget(
  issuer: Issuer,
  author: Author,
  { read, target }: Filling,
): Promise<Result<string, AttemptError>> {
  const filled = await issuer.change<string, AttemptError>(author, async (change) => {
    const known = await change.rows
      .selectFrom("passes")
      .select("displayName")
      .where("raw", "=", rawOf(read))
      .executeTakeFirst();
    if (known !== undefined) return fail(knownAlready(read, known.displayName));
    if ("user" in target) return await addPass(change, target.user, read);
    return await fillPass(change, target.pass, read);
  });
  if (filled.ok) return filled;
  return fail("type" in filled.fault ? filled.fault : noTable);
}

async function addPass(
  change: IssuingChange,
  user: string,
  read: ReadCredential,
): Promise<Result<string, AttemptError>> {
  if (read.kind !== "card") return fail(unasked("card"));
  const owner = await change.rows
    .selectFrom("users")
    .select("id")
    .where("id", "=", user)
    .executeTakeFirst();
  if (owner === undefined) return fail(goneMeanwhile("user"));
  const row = await createPass(change, { userId: user, kind: "csn_card", ...columnsOf(read) });
  return succeed(row.id);
}

async function fillPass(
  change: IssuingChange,
  pass: string,
  read: ReadCredential,
): Promise<Result<string, AttemptError>> {
  const row = await change.rows
    .selectFrom("passes")
    .selectAll()
    .where("id", "=", pass)
    .executeTakeFirst();
  if (row === undefined) return fail(goneMeanwhile("credential"));
  const expected = expectedFor(row);
  if (read.kind !== expected) return fail(unasked(expected));
  if (row.isMultiPhone === 1) return await addPhone(change, row, read);
  if (!waitsForCard(row)) return fail(notWaiting);
  const part = {
    ...columnsOf(read),
    // What is read at a reader is the card's own data, whatever it was meant to be written with.
    kind: row.kind === "mobile" ? row.kind : ("csn_card" as const),
    state: "issued" as const,
    issuedAt: change.at,
  };
  return succeed((await updatePass(change, row, part, "pass.enrol")).id);
}

/** Each phone has a pass of its own, which can be taken away without the others: behaviour 9. */
async function addPhone(
  change: IssuingChange,
  parent: PassRow,
  phone: ReadCredential,
): Promise<Result<string, AttemptError>> {
  const row = await createPass(change, {
    userId: parent.userId,
    kind: "mobile",
    parentId: parent.id,
    ...columnsOf(phone),
  });
  if (parent.state === "waiting") {
    await updatePass(change, parent, { state: "issued", issuedAt: change.at }, "pass.enrol");
  }
  return succeed(row.id);
}

/** What is to be presented for this pass. */
export const expectedFor = ({ kind }: Pick<PassRow, "kind">): Expected =>
  kind === "mobile" ? "phone" : "card";

/** Whether what it expects may become this pass. */
export function waitsForCard({ state, raw, kind }: PassRow): boolean {
  return state === "waiting" && raw === null && kind !== "pin";
}

function columnsOf(read: ReadCredential) {
  const decoded = read.kind === "card" ? read.card.decoded : undefined;
  return {
    displayName: nameOf(read),
    raw: rawOf(read),
    cardFormat: decoded?.format ?? null,
    cardFields: decoded === undefined ? null : JSON.stringify(decoded.fields),
  };
}

const uncategorized = (message: string): AttemptError => ({ type: "uncategorized_error", message });

function knownAlready({ kind }: ReadCredential, name: string): AttemptError {
  return uncategorized(`This ${kind} is a credential already: ${name}.`);
}

/** A controller answers what was asked; what it answers otherwise is nobody's pass. */
export function unasked(expected: Expected): AttemptError {
  return uncategorized(
    `A ${expected} was expected, and something else was read; nothing was saved.`,
  );
}

function goneMeanwhile(what: string): AttemptError {
  return uncategorized(`The ${what} is gone meanwhile; nothing was saved.`);
}

const notWaiting = uncategorized(
  "The credential does not wait for anything (any more); nothing was saved.",
);
const noTable = uncategorized("The doors could not take what comes of this; nothing was saved.");

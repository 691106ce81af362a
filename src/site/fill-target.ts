import { fail, type Result, succeed } from "../domain/result.ts";
import type { AttemptError } from "./action-attempts.ts";
import { cardName } from "./api/acs/pass-name.ts";
import { createPass, updatePass } from "./api/acs/write-pass.ts";
import type { Issuer, IssuingChange } from "./issuer.ts";
import type { ReadCard } from "./read-card.ts";
import type { Author } from "./store/site-store.ts";
import type { PassRow } from "./store/store-schema.ts";

/** What a card that is read is to become. Ids are the tables'. */
export type EnrolmentTarget =
  /** A new pass of this user's. */
  | { readonly user: string }
  /** A pass that waits for its card; one for a user's phones gets a phone more. */
  | { readonly pass: string };

export interface Filling {
  readonly card: ReadCard;
  readonly target: EnrolmentTarget;
}

/** `Card 34***`: what is shown of a card that was read. */
export const readCardName = ({ number }: ReadCard): string => cardName(number);

/**
 * Makes the card a pass, and brings it to the doors. All of it is looked at again as it is now: since
 * somebody asked, the card may have become another's, and the user may be gone. Answers the pass's id.
 */
export async function fillTarget(
  issuer: Issuer,
  author: Author,
  { card, target }: Filling,
): Promise<Result<string, AttemptError>> {
  const filled = await issuer.change<string, AttemptError>(author, async (change) => {
    const known = await change.rows
      .selectFrom("passes")
      .select("displayName")
      .where("raw", "=", card.raw)
      .executeTakeFirst();
    if (known !== undefined) return fail(knownAlready(known.displayName));
    if ("user" in target) return await addPass(change, target.user, card);
    return await fillPass(change, target.pass, card);
  });
  if (filled.ok) return filled;
  return fail("type" in filled.fault ? filled.fault : noTable);
}

async function addPass(
  change: IssuingChange,
  user: string,
  card: ReadCard,
): Promise<Result<string, AttemptError>> {
  const owner = await change.rows
    .selectFrom("users")
    .select("id")
    .where("id", "=", user)
    .executeTakeFirst();
  if (owner === undefined) return fail(goneMeanwhile("user"));
  const row = await createPass(change, { userId: user, kind: "csn_card", ...columnsOf(card) });
  return succeed(row.id);
}

async function fillPass(
  change: IssuingChange,
  pass: string,
  card: ReadCard,
): Promise<Result<string, AttemptError>> {
  const row = await change.rows
    .selectFrom("passes")
    .selectAll()
    .where("id", "=", pass)
    .executeTakeFirst();
  if (row === undefined) return fail(goneMeanwhile("credential"));
  if (row.isMultiPhone === 1) return await addPhone(change, row, card);
  if (!waitsForCard(row)) return fail(notWaiting);
  const part = {
    ...columnsOf(card),
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
  card: ReadCard,
): Promise<Result<string, AttemptError>> {
  const row = await createPass(change, {
    userId: parent.userId,
    kind: "mobile",
    parentId: parent.id,
    ...columnsOf(card),
    displayName: "Phone",
  });
  if (parent.state === "waiting") {
    await updatePass(change, parent, { state: "issued", issuedAt: change.at }, "pass.enrol");
  }
  return succeed(row.id);
}

/** Whether a card may become this pass. */
export function waitsForCard({ state, raw, kind }: PassRow): boolean {
  return state === "waiting" && raw === null && kind !== "pin";
}

function columnsOf(card: ReadCard) {
  return {
    displayName: readCardName(card),
    raw: card.raw,
    cardFormat: card.decoded?.format ?? null,
    cardFields: card.decoded === undefined ? null : JSON.stringify(card.decoded.fields),
  };
}

const uncategorized = (message: string): AttemptError => ({ type: "uncategorized_error", message });

function knownAlready(name: string): AttemptError {
  return uncategorized(`This card is a credential already: ${name}.`);
}

function goneMeanwhile(what: string): AttemptError {
  return uncategorized(`The ${what} is gone meanwhile; nothing was saved.`);
}

const notWaiting = uncategorized(
  "The credential does not wait for a card (any more); nothing was saved.",
);
const noTable = uncategorized("The doors could not take what comes of this; nothing was saved.");

import type { FileReconciliation } from "./file-reconciliation.ts";
import type { RowDifference } from "./row-difference.ts";
import { byIds } from "./store/by-ids.ts";
import type { PassRow } from "./store/store-schema.ts";

type Presenting = Pick<PassRow, "id" | "raw" | "pinDigest" | "userId" | "traits">;

const isForDuress = ({ traits }: Pick<PassRow, "traits">): boolean => traits.includes('"duress"');

/** What the file issues must not be what the API has issued already; among its own, it is not. */
export async function refuseTaken(
  { change, wanted, conflicts }: FileReconciliation,
  passes: RowDifference<PassRow>,
): Promise<void> {
  const columns = ["id", "raw", "pinDigest", "userId", "traits"] as const;
  const from = change.rows.selectFrom("passes").select(columns);
  // Of the file's own, what they have at the moment says nothing.
  const others = (found: readonly Presenting[]) =>
    found.filter(({ id }) => !wanted.passes.has(id) && !passes.gone.has(id));
  const issued = [...passes.made, ...passes.changed];
  const cards = issued.flatMap(({ raw }) => raw ?? []);
  const pins = issued.flatMap(({ pinDigest }) => pinDigest ?? []);
  const users = issued.flatMap(({ kind, userId }) => (kind === "pin" ? (userId ?? []) : []));
  const taken = {
    cards: others(await byIds(cards, (part) => from.where("raw", "in", part).execute())),
    pins: others(await byIds(pins, (part) => from.where("pinDigest", "in", part).execute())),
    users: others(
      await byIds(users, (part) =>
        from.where("userId", "in", part).where("kind", "=", "pin").execute(),
      ),
    ),
  };
  const takenCards = new Set(taken.cards.map(({ raw }) => raw));
  const takenPins = new Set(taken.pins.map(({ pinDigest }) => pinDigest));
  const takenUsers = new Set(taken.users.map((row) => `${row.userId} ${isForDuress(row)}`));
  for (const row of issued) {
    const found = "one that was issued apart from the file";
    const refuse = (expected: string) => conflicts.push({ key: `pass ${row.id}`, expected, found });
    if (row.raw !== null && takenCards.has(row.raw)) refuse("a card that no other pass has");
    if (row.pinDigest === null) continue;
    if (takenPins.has(row.pinDigest)) refuse("a PIN that no other pass has");
    const what = isForDuress(row) ? "no other PIN for duress" : "no other PIN";
    if (takenUsers.has(`${row.userId} ${isForDuress(row)}`)) refuse(`a user who has ${what}`);
  }
}

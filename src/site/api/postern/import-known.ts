import { byIds } from "../../store/by-ids.ts";
import { listed } from "../../store/listed.ts";
import type { PassRow, RuleRow, UserRow } from "../../store/store-schema.ts";
import type { Rows } from "../acs/find-rows.ts";
import { admittingKinds } from "../acs/rule-doors.ts";

/** Whom and what an import names. */
export interface ImportNames {
  readonly users: ReadonlySet<string>;
  /** Raw data of cards, and digests of PINs. */
  readonly cards: ReadonlySet<string>;
  readonly pins: ReadonlySet<string>;
  /** By their ids or names. */
  readonly groups: ReadonlySet<string>;
  /** Users of whom it says which groups they are in. */
  readonly members: ReadonlySet<string>;
  /** Users of whom it says that they have PINs. */
  readonly pinUsers: ReadonlySet<string>;
}

/** What of that is there already. */
export interface ImportKnown {
  readonly users: ReadonlyMap<string, UserRow>;
  /** By raw data, and by digest. */
  readonly cards: ReadonlyMap<string, PassRow>;
  readonly pins: ReadonlyMap<string, PassRow>;
  /** By `pinPlace`. */
  readonly pinsOf: ReadonlyMap<string, PassRow>;
  readonly groups: readonly Pick<RuleRow, "id" | "name">[];
  /** Which groups a user is in. */
  readonly groupsOf: ReadonlyMap<string, ReadonlySet<string>>;
}

/** A user has one PIN to come in by, and one for duress. */
export const pinPlace = (user: string, purpose: "usual" | "duress"): string => `${user} ${purpose}`;

export const purposeOf = ({ traits }: Pick<PassRow, "traits">): "usual" | "duress" =>
  traits.includes('"duress"') ? "duress" : "usual";

export async function readKnown(rows: Rows, names: ImportNames): Promise<ImportKnown> {
  const passes = rows.selectFrom("passes").selectAll();
  const users = await byIds(names.users, (ids) =>
    rows.selectFrom("users").selectAll().where("id", "in", listed(rows, ids)).execute(),
  );
  const cards = await byIds(names.cards, (part) =>
    passes.where("raw", "in", listed(rows, part)).execute(),
  );
  const pins = await byIds(names.pins, (part) =>
    passes.where("pinDigest", "in", listed(rows, part)).execute(),
  );
  const pinsOf = await byIds(names.pinUsers, (ids) =>
    passes.where("userId", "in", listed(rows, ids)).where("kind", "=", "pin").execute(),
  );
  return {
    users: new Map(users.map((row) => [row.id, row])),
    cards: new Map(cards.map((row) => [row.raw ?? "", row])),
    pins: new Map(pins.map((row) => [row.pinDigest ?? "", row])),
    pinsOf: new Map(pinsOf.map((row) => [pinPlace(row.userId ?? "", purposeOf(row)), row])),
    groups: await readGroups(rows, names.groups),
    groupsOf: await readGroupsOf(rows, names.members),
  };
}

/** Not the rules of those who were granted one door, and none that admits nobody. */
async function readGroups(rows: Rows, names: ReadonlySet<string>) {
  const groups = rows
    .selectFrom("rules")
    .select(["id", "name"])
    .where("kind", "in", admittingKinds)
    .where("grantedDoor", "is", null);
  return await byIds(names, (part) =>
    groups
      .where((row) =>
        row.or([row("id", "in", listed(rows, part)), row("name", "in", listed(rows, part))]),
      )
      .execute(),
  );
}

async function readGroupsOf(rows: Rows, users: ReadonlySet<string>) {
  const members = await byIds(users, (ids) =>
    rows
      .selectFrom("ruleUsers")
      .innerJoin("rules", "rules.id", "ruleUsers.ruleId")
      .select(["ruleUsers.ruleId", "ruleUsers.userId"])
      .where("ruleUsers.userId", "in", listed(rows, ids))
      .where("rules.kind", "in", admittingKinds)
      .where("rules.grantedDoor", "is", null)
      .execute(),
  );
  const groupsOf = new Map<string, Set<string>>();
  for (const { ruleId, userId } of members) {
    const groups = groupsOf.get(userId) ?? new Set<string>();
    groupsOf.set(userId, groups.add(ruleId));
  }
  return groupsOf;
}

import { unreachable } from "../../../domain/unreachable.ts";
import type { PassRow, RuleUserRow, UserRow } from "../../store/store-schema.ts";
import { codeName } from "../acs/pass-name.ts";
import { soughtIn } from "../acs/write-user.ts";
import { type ImportKnown, pinPlace } from "./import-known.ts";
import {
  type ImportMoment,
  isSame,
  isSpan,
  newPassRow,
  newUserRow,
  passPart,
  userPart,
} from "./import-rows.ts";
import type { ImportedPass, ImportedUser } from "./import-schema.ts";
import type { PresentedPass } from "./presented-pass.ts";

/** One of those who are imported, read as far as it can be without knowing who is there. */
export interface ReadUser {
  readonly said: ImportedUser;
  /** For each of its passes. */
  readonly presented: readonly PresentedPass[];
}

export interface Changed<Row> {
  /** Absent: it is new. */
  readonly before?: Row;
  readonly after: Row;
}

/** Says what is wrong with the user that is looked at. */
export type Refuse = (field: string, expected: string) => void;

interface ReadPass {
  readonly said: ImportedPass;
  readonly presented: PresentedPass;
}

/**
 * What an import makes of the rows that are there: looked at whole before any is written. Whatever is
 * as it is said to be already is in none of the lists.
 */
export class ImportPlan {
  readonly users: Changed<UserRow>[] = [];
  readonly passes: Changed<PassRow>[] = [];
  /** Those of the passes whose digits are still to be drawn. */
  readonly undrawn = new Set<string>();
  readonly joined: RuleUserRow[] = [];
  readonly left: RuleUserRow[] = [];
  unchangedUsers = 0;
  unchangedPasses = 0;
  readonly #known: ImportKnown;
  readonly #moment: ImportMoment;
  /** Users, cards and PINs that this import has spoken of. */
  readonly #spoken = new Set<string>();

  constructor(known: ImportKnown, moment: ImportMoment) {
    this.#known = known;
    this.#moment = moment;
  }

  /** Of one with whom anything is wrong, nothing is planned. */
  add(user: ReadUser, refuse: Refuse): void {
    const lists = [this.users, this.passes, this.joined, this.left];
    const lengths = lists.map(({ length }) => length);
    const { unchangedUsers, unchangedPasses } = this;
    let isRefused = false;
    this.#addUser(user, (field, expected) => {
      isRefused = true;
      refuse(field, expected);
    });
    if (!isRefused) return;
    for (const [at, list] of lists.entries()) list.length = lengths[at] ?? 0;
    this.unchangedUsers = unchangedUsers;
    this.unchangedPasses = unchangedPasses;
  }

  #addUser({ said, presented }: ReadUser, refuse: Refuse): void {
    if (!this.#isFirst(`user ${said.id}`)) return refuse("id", "expected each user once");
    const before = this.#known.users.get(said.id);
    const name = said.full_name ?? before?.name;
    if (name === undefined) {
      return refuse("full_name", "expected this field: there is no such user yet");
    }
    const base = before ?? newUserRow(said.id, name, this.#moment);
    const after = { ...base, ...userPart(said) };
    if (!isSpan(after)) refuse("ends_at", "expected a time after starts_at");
    if (after.traits.includes('"needs_escort"') && after.traits.includes('"may_escort"')) {
      refuse("traits", 'expected not both "needs_escort" and "may_escort"');
    }
    const isMoved = this.#setGroups(said, refuse);
    if (before === undefined || isMoved || !isSame(before, after)) {
      const { revision } = this.#moment;
      const row = { ...after, sought: soughtIn(after), revision };
      this.users.push({ ...(before !== undefined && { before }), after: row });
    } else {
      this.unchangedUsers += 1;
    }
    for (const [index, how] of presented.entries()) {
      const pass = said.passes[index];
      if (pass === undefined) continue;
      this.#addPass(said.id, { said: pass, presented: how }, (field, expected) =>
        refuse(`passes.${index}.${field}`, expected),
      );
    }
  }

  #isFirst(what: string): boolean {
    const isFirst = !this.#spoken.has(what);
    this.#spoken.add(what);
    return isFirst;
  }

  /** True: the user is in other groups than before. */
  #setGroups({ id, access_groups: names }: ImportedUser, refuse: Refuse): boolean {
    if (names === undefined) return false;
    const wanted = new Set<string>();
    for (const [index, name] of names.entries()) {
      const { groups } = this.#known;
      // An id before a name: what somebody called a group must not take another's place.
      const byId = groups.filter((group) => group.id === name);
      const found = byId.length > 0 ? byId : groups.filter((group) => group.name === name);
      const [group] = found;
      const field = `access_groups.${index}`;
      if (group === undefined) refuse(field, "expected an access group of this site");
      else if (found.length > 1) refuse(field, "expected the id: several groups have this name");
      else wanted.add(group.id);
    }
    const is = this.#known.groupsOf.get(id) ?? new Set<string>();
    const joined = [...wanted].filter((group) => !is.has(group));
    const left = [...is].filter((group) => !wanted.has(group));
    this.joined.push(...joined.map((ruleId) => ({ ruleId, userId: id })));
    this.left.push(...left.map((ruleId) => ({ ruleId, userId: id })));
    return joined.length + left.length > 0;
  }

  #addPass(user: string, { said, presented }: ReadPass, refuse: Refuse): void {
    switch (presented.as) {
      case "card": {
        const { card } = presented;
        if (said.traits?.includes("duress") === true) {
          return refuse("traits", 'expected no trait "duress", as it is for PINs');
        }
        const before = this.#known.cards.get(card.raw);
        const isFree = before === undefined || before.userId === null || before.userId === user;
        if (!isFree || !this.#isFirst(`card ${card.raw}`)) {
          return refuse("card_number", "expected a card that no other credential is");
        }
        const base = before ?? { ...newPassRow(user, "csn_card", this.#moment), ...card };
        return this.#put(before, { ...base, userId: user, ...passPart(said) }, refuse);
      }
      case "pin":
      case "drawn":
        return this.#addPin(user, { said, presented }, refuse);
      default:
        return unreachable(presented);
    }
  }

  #addPin(
    user: string,
    { said, presented }: ReadPass & { readonly presented: { readonly as: "pin" | "drawn" } },
    refuse: Refuse,
  ): void {
    const purpose = said.traits?.includes("duress") === true ? "duress" : "usual";
    if (!this.#isFirst(`${purpose} PIN of ${user}`)) {
      return refuse("code", "expected one code, and one for duress");
    }
    const before = this.#known.pinsOf.get(pinPlace(user, purpose));
    const base = before ?? newPassRow(user, "pin", this.#moment);
    const after = { ...base, ...passPart(said) };
    if (presented.as === "drawn") {
      if (before === undefined) this.undrawn.add(after.id);
      return this.#put(before, after, refuse);
    }
    const { digest, digits } = presented;
    const other = this.#known.pins.get(digest);
    if ((other !== undefined && other.id !== before?.id) || !this.#isFirst(`PIN ${digest}`)) {
      return refuse("code", "expected a code that no other credential has");
    }
    const displayName = before?.pinDigest === digest ? before.displayName : codeName(digits);
    this.#put(before, { ...after, pinDigest: digest, displayName }, refuse);
  }

  #put(before: PassRow | undefined, after: PassRow, refuse: Refuse): void {
    if (!isSpan(after)) return refuse("ends_at", "expected a time after starts_at");
    if (before !== undefined && isSame(before, after)) {
      this.unchangedPasses += 1;
      return;
    }
    const row = { ...after, revision: this.#moment.revision };
    this.passes.push({ ...(before !== undefined && { before }), after: row });
  }
}

import type { PassRecord } from "../../domain/access.ts";
import type { PassId, UserId } from "../../domain/ids.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import type { TableChange, TableDelta, TableMark, TableUser } from "../../domain/table-change.ts";
import { unreachable } from "../../domain/unreachable.ts";
import { FrameLayout } from "./frame-layout.ts";
import { requireSoundPass, requireSoundUser } from "./sound-records.ts";
import { TableFault } from "./table-fault.ts";
import type { TablePasses } from "./table-passes.ts";
import type { TableUsers } from "./table-users.ts";

/** A table as far as a delta is judged by it. */
export interface DeltaGround {
  readonly mark: TableMark;
  readonly layout: FrameLayout;
  readonly people: TableUsers;
  readonly passes: TablePasses;
}

/** A delta of which nothing can fail any more. */
export interface StagedDelta {
  readonly layout: FrameLayout;
  readonly users: readonly { readonly user: TableUser; readonly ordinals: readonly number[] }[];
  readonly usersGone: readonly UserId[];
  readonly passes: readonly PassRecord[];
  readonly passesGone: readonly PassId[];
}

/** Whether a delta leads from this table to one that is valid. Changes nothing. */
export function stageDelta(ground: DeltaGround, delta: TableDelta): Result<StagedDelta, string> {
  const misfit = misfitOf(ground.mark, delta);
  if (misfit !== undefined) return fail(misfit);
  try {
    return succeed(new Staging(ground, delta.changes).staged());
  } catch (error) {
    if (error instanceof TableFault) return fail(error.message);
    throw error;
  }
}

function misfitOf(mark: TableMark, { from, to }: TableDelta): string | undefined {
  const { epoch, version, tag } = mark;
  if (from.epoch !== epoch || from.version !== version || from.tag !== tag) {
    return `a delta from table ${from.epoch}.${from.version}, where ${epoch}.${version} is in force`;
  }
  const follows = to.epoch === epoch && to.version === version + 1;
  return follows ? undefined : `a delta to table ${to.epoch}.${to.version} from the one before it`;
}

/** What each user and each pass is to be; undefined for one that is to go. */
class Staging {
  private readonly ground: DeltaGround;
  private readonly layout: FrameLayout;
  private readonly users = new Map<UserId, TableUser | undefined>();
  private readonly passes = new Map<PassId, PassRecord | undefined>();

  constructor(ground: DeltaGround, changes: readonly TableChange[]) {
    this.ground = ground;
    this.layout = layoutAfter(ground, changes);
    for (const [index, change] of changes.entries()) this.take(change, index);
  }

  /** Throws a TableFault where it makes no table that is valid. */
  staged(): StagedDelta {
    this.requireUsersThere();
    this.requireCredentialsApart();
    this.requireGoneWithoutPasses();
    return {
      layout: this.layout,
      users: present(this.users).map((user) => {
        requireSoundUser(user);
        return { user, ordinals: this.layout.rules.ordinalsOf(user.rules) };
      }),
      usersGone: gone(this.users),
      passes: present(this.passes),
      passesGone: gone(this.passes),
    };
  }

  private take(change: TableChange, index: number): void {
    switch (change.kind) {
      case "frame":
        if (index > 0) throw new TableFault("a frame that is not the first change");
        return;
      case "user":
        return put(this.users, change.user.id, change.user);
      case "user_gone":
        return put(this.users, change.user, undefined);
      case "pass":
        requireSoundPass(change.pass);
        return put(this.passes, change.pass.id, change.pass);
      case "pass_gone":
        return put(this.passes, change.pass, undefined);
      default:
        return unreachable(change);
    }
  }

  private requireUsersThere(): void {
    for (const { id, user } of present(this.passes)) {
      const isThere = this.users.has(user)
        ? this.users.get(user) !== undefined
        : this.ground.people.numberOf(user) >= 0;
      if (!isThere) throw new TableFault(`pass ${id} refers to user ${user}, whom the table lacks`);
    }
  }

  private requireCredentialsApart(): void {
    const { passes } = this.ground;
    const holders = new Map<string, PassId>();
    for (const { id, presents } of present(this.passes)) {
      const isCard = presents.as === "raw";
      const shown = isCard ? presents.raw : presents.digest;
      const holder = isCard ? passes.findCard(presents.raw) : passes.findPin(presents.digest);
      // Who has it now may be about to lose it.
      const stays = holder >= 0 && !this.passes.has(passes.id(holder));
      const other = stays ? passes.id(holder) : holders.get(shown);
      // Picking one of them would open a door for the wrong person, whichever it is.
      if (other !== undefined) {
        throw new TableFault(`passes ${other} and ${id} present the same credential`);
      }
      holders.set(shown, id);
    }
  }

  private requireGoneWithoutPasses(): void {
    const { people, passes } = this.ground;
    const left = new Map(gone(this.users).map((id) => [id, passCountOf(people, id)]));
    if (left.size === 0) return;
    for (const id of this.passes.keys()) {
      const pass = passes.numberOf(id);
      const user = pass < 0 ? undefined : passes.userId(pass);
      if (user !== undefined) left.set(user, (left.get(user) ?? 0) - 1);
    }
    for (const id of gone(this.users)) {
      if ((left.get(id) ?? 0) > 0) throw new TableFault(`user ${id} goes and leaves a pass`);
    }
  }
}

function layoutAfter(
  { layout, people }: DeltaGround,
  [first]: readonly TableChange[],
): FrameLayout {
  if (first?.kind !== "frame") return layout;
  const { site, controller } = layout.frame;
  const { frame } = first;
  if (frame.site !== site || frame.controller !== controller) {
    throw new TableFault(`a frame for ${frame.site}/${frame.controller}`);
  }
  return new FrameLayout(frame, (user, rule) => people.namesRule(user, rule), layout);
}

function passCountOf(people: TableUsers, id: UserId): number {
  const user = people.numberOf(id);
  return user < 0 ? 0 : people.passCountOf(user);
}

function put<Id extends string, Record>(
  records: Map<Id, Record | undefined>,
  id: Id,
  record: Record | undefined,
): void {
  if (records.has(id)) throw new TableFault(`two changes of ${id}`);
  records.set(id, record);
}

function present<Id, Record>(records: ReadonlyMap<Id, Record | undefined>): readonly Record[] {
  return [...records.values()].filter((record) => record !== undefined);
}

function gone<Id, Record>(records: ReadonlyMap<Id, Record | undefined>): readonly Id[] {
  return [...records].filter(([, record]) => record === undefined).map(([id]) => id);
}

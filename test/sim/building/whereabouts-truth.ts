import type { AreaId, DoorId, UserId } from "../../../src/domain/ids.ts";
import type { WallTime } from "../../../src/domain/time.ts";

/** Where a reader and a contact together last saw somebody go. */
interface Seen {
  readonly area?: AreaId;
  readonly since: number;
  /** Absent where the time was not known. */
  readonly wallAt?: number;
  /** By which he came. */
  readonly door: DoorId;
  readonly isManager: boolean;
}

/** Somebody who was let in and has not opened the door yet. */
export interface Awaited {
  readonly user: UserId;
  readonly isManager: boolean;
  /** When he was let in. */
  readonly at: number;
  /** Absent: nobody minds where he is. `to` absent: outside of every area. */
  readonly passage: { readonly to: AreaId | undefined } | undefined;
}

export interface Moment {
  readonly now: number;
  readonly wall: WallTime;
}

/** Who is where, as far as cards and contacts can tell. */
export class WhereaboutsTruth {
  readonly #seen = new Map<UserId, Seen>();
  readonly #awaited = new Map<DoorId, readonly Awaited[]>();
  /** Whose use is being written: they have their places already, and their door may open. */
  readonly #claims = new Map<DoorId, readonly Awaited[]>();

  of(user: UserId): Seen | undefined {
    return this.#seen.get(user);
  }

  awaits(door: DoorId): boolean {
    return this.#awaited.has(door) || this.#claims.has(door);
  }

  awaitedAt(door: DoorId): readonly UserId[] {
    return [...new Set((this.#awaited.get(door) ?? []).map(({ user }) => user))];
  }

  insideOrComing(area: AreaId): ReadonlySet<UserId> {
    const inside = [...this.#seen].filter(([, seen]) => seen.area === area).map(([user]) => user);
    const coming = [...this.#awaited.values(), ...this.#claims.values()].flat();
    const here = coming.filter(({ passage }) => passage?.to === area).map(({ user }) => user);
    return new Set([...inside, ...here]);
  }

  isComingElsewhere(user: UserId, area: AreaId, besides: DoorId): boolean {
    return [...this.#awaited, ...this.#claims].some(
      ([door, coming]) =>
        door !== besides && coming.some((one) => one.user === user && one.passage?.to === area),
    );
  }

  hasManager(area: AreaId): boolean {
    return [...this.#seen.values()].some((seen) => seen.area === area && seen.isManager);
  }

  claim(door: DoorId, people: readonly Awaited[]): void {
    this.#claims.set(door, people);
  }

  withdraw(door: DoorId): void {
    this.#claims.delete(door);
  }

  /** Whoever turns back at the reader on the other side goes the way that he showed last. */
  letIn(door: DoorId, people: readonly Awaited[]): void {
    const others = (this.#awaited.get(door) ?? []).filter(
      (one) => one.passage === undefined || people.every(({ user }) => user !== one.user),
    );
    this.#awaited.set(door, [...others, ...people]);
  }

  /** Everybody whom the door waited for went through, as far as anybody can tell. */
  came(door: DoorId, { now, wall }: Moment): void {
    for (const { user, isManager, passage } of this.#awaited.get(door) ?? []) {
      if (passage === undefined) continue;
      this.#seen.set(user, {
        ...(passage.to !== undefined && { area: passage.to }),
        since: now,
        ...(wall.quality !== "unknown" && { wallAt: wall.at }),
        door,
        isManager,
      });
    }
    this.#awaited.delete(door);
  }

  /** Whoever did not come in while the strike was released does not come any more. */
  giveUp(door: DoorId, isOver: (letInAt: number) => boolean): void {
    const rest = (this.#awaited.get(door) ?? []).filter(({ at }) => !isOver(at));
    if (rest.length === 0) this.#awaited.delete(door);
    else this.#awaited.set(door, rest);
  }

  /** Whether there was anything to forgive; undefined: everybody. */
  forgive(user: UserId | undefined): boolean {
    if (user !== undefined) return this.#seen.delete(user);
    this.#seen.clear();
    return true;
  }

  forgetOthers(isKnown: (user: UserId) => boolean): void {
    for (const user of [...this.#seen.keys()]) if (!isKnown(user)) this.#seen.delete(user);
  }

  /** `remembers`: what the door by which he came is told of restarts now, and not when he came. */
  restart(moment: Moment, remembers: (door: DoorId) => boolean): void {
    this.#awaited.clear();
    this.#claims.clear();
    for (const [user, seen] of [...this.#seen]) {
      if (remembers(seen.door)) this.#seen.set(user, rebased(seen, moment));
      else this.#seen.delete(user);
    }
  }
}

/** Where no clock vouches for how long ago it was, it was just now: that forgives nobody early. */
function rebased(seen: Seen, { now, wall }: Moment): Seen {
  const { wallAt } = seen;
  const isKnown = wallAt !== undefined && wall.quality !== "unknown";
  return { ...seen, since: now - (isKnown ? Math.max(0, wall.at - wallAt) : 0) };
}

import { type PassKind, type PassRecord, type PassTrait, passTraits } from "../../domain/access.ts";
import type { PinDigest, RawCredential } from "../../domain/credential.ts";
import { type PassId, passId, type UserId, userId } from "../../domain/ids.ts";
import { type EpochMs, epochMs } from "../../domain/time.ts";
import { type KeyKind, newKeyBuffer, writePresentedKey } from "./credential-key.ts";
import type { ImagePasses } from "./image-passes.ts";
import type { PassRecords } from "./pass-records.ts";
import type { UseCount } from "./pass-uses.ts";
import type { TableUsers } from "./table-users.ts";

/** A pass that is not, or no longer, as the image has it. */
interface ChangedPass {
  readonly record: PassRecord;
  readonly user: number;
  readonly isGone: boolean;
}

/**
 * The passes of a table: those of the image, and over them those that deltas have changed, whose
 * numbers go on behind the image's.
 */
export class TablePasses {
  private readonly image: ImagePasses;
  private readonly imageCount: number;
  /** Of the image's passes. */
  private readonly records: PassRecords;
  private readonly users: TableUsers;
  /** While nothing has changed a decision pays no more for it than to look at this. */
  private isChanged = false;
  private readonly changed: ChangedPass[] = [];
  /** Of every pass in `changed`, those that have gone included. */
  private readonly numbers = new Map<PassId, number>();
  private readonly cards = new Map<RawCredential, number>();
  private readonly pins = new Map<PinDigest, number>();
  /** Passes of the image that have gone or stand in `changed` instead. */
  private readonly replaced = new Set<number>();
  /** Of those in `changed`, how many have gone, and how many the image never had. */
  private goneCount = 0;
  private newCount = 0;
  /** One decision asks for the same names again and again; they are spelt out once. */
  private lastNamed = -1;
  private lastId = passId("");
  private lastUserId = userId("");

  constructor(image: ImagePasses, users: TableUsers) {
    this.image = image;
    this.imageCount = image.count;
    this.records = image.records;
    this.users = users;
  }

  /** How many passes there are. */
  get count(): number {
    return this.imageCount - this.replaced.size + this.changed.length - this.goneCount;
  }

  /** How many passes are not as in the image. */
  get changeCount(): number {
    return this.replaced.size + this.newCount;
  }

  /** The number of the pass that has exactly these bits, or this phone, or -1. */
  findCard(card: RawCredential): number {
    const changed = this.isChanged ? this.cards.get(card) : undefined;
    return changed ?? this.unlessReplaced(this.image.findCard(card));
  }

  /** The number of the pass that has this PIN, or -1. */
  findPin(pin: PinDigest): number {
    const changed = this.isChanged ? this.pins.get(pin) : undefined;
    return changed ?? this.unlessReplaced(this.image.findPin(pin));
  }

  /** -1 for a pass that is not in the table. */
  numberOf(id: PassId): number {
    const changed = this.numbers.get(id);
    if (changed === undefined) return this.unlessReplaced(this.image.numberOf(id));
    return this.changedAt(changed).isGone ? -1 : changed;
  }

  id(pass: number): PassId {
    if (this.lastNamed !== pass) this.spellOut(pass);
    return this.lastId;
  }

  userId(pass: number): UserId {
    if (this.lastNamed !== pass) this.spellOut(pass);
    return this.lastUserId;
  }

  user(pass: number): number {
    if (pass >= this.imageCount) return this.changedAt(pass).user;
    // Every decision asks for the names in the end.
    this.image.seek(pass);
    const user = this.records.user(pass);
    this.users.seek(user);
    return user;
  }

  isActive(pass: number): boolean {
    if (pass < this.imageCount) return this.records.isActive(pass);
    const { record, isGone } = this.changedAt(pass);
    return record.active && !isGone;
  }

  kind(pass: number): PassKind {
    return pass < this.imageCount ? this.records.kind(pass) : this.changedAt(pass).record.kind;
  }

  hasTrait(pass: number, trait: PassTrait): boolean {
    return pass < this.imageCount
      ? this.records.hasTrait(pass, trait)
      : this.changedAt(pass).record.traits?.includes(trait) === true;
  }

  /** Undefined for a pass that is good for any number of grants. */
  useCount(pass: number): UseCount | undefined {
    if (pass < this.imageCount) return this.image.useCount(pass);
    const { usesMax, spentHere = 0, spentElsewhere = 0 } = this.changedAt(pass).record;
    return usesMax === undefined ? undefined : { usesMax, spentHere, spentElsewhere };
  }

  /** Minus infinity where the pass has no start. */
  startsAt(pass: number): EpochMs {
    return pass < this.imageCount
      ? this.records.startsAt(pass)
      : (this.changedAt(pass).record.startsAt ?? epochMs(-Infinity));
  }

  /** The instant from which the pass no longer opens; plus infinity where it has no end. */
  endsAt(pass: number): EpochMs {
    return pass < this.imageCount
      ? this.records.endsAt(pass)
      : (this.changedAt(pass).record.endsAt ?? epochMs(Infinity));
  }

  /** By the kind of what they present and then by id, as an image numbers them. */
  *inOrder(): Generator<number> {
    const changed = this.changedInOrder();
    let next = 0;
    for (let pass = 0; pass < this.imageCount; pass += 1) {
      for (; next < changed.length; next += 1) {
        const one = changed[next];
        if (one === undefined || !this.isBefore(one, pass)) break;
        yield one.number;
      }
      if (!this.replaced.has(pass)) yield pass;
    }
    for (const { number } of changed.slice(next)) yield number;
  }

  record(pass: number): PassRecord {
    const changed = this.changed[pass - this.imageCount];
    if (changed !== undefined) return changed.record;
    const traits = passTraits.filter((trait) => this.hasTrait(pass, trait));
    const startsAt = this.startsAt(pass);
    const endsAt = this.endsAt(pass);
    return {
      id: this.id(pass),
      user: this.userId(pass),
      kind: this.kind(pass),
      active: this.isActive(pass),
      presents: this.image.presents(pass),
      ...(startsAt !== -Infinity && { startsAt }),
      ...(endsAt !== Infinity && { endsAt }),
      ...this.useCount(pass),
      ...(traits.length > 0 && { traits }),
    };
  }

  /** `user`: the number of its user, whom the table has. */
  set(record: PassRecord, user: number): void {
    this.remove(record.id);
    this.isChanged = true;
    const number = this.numbers.get(record.id) ?? this.newNumber(record.id);
    this.changed[number - this.imageCount] = { record, user, isGone: false };
    this.goneCount -= 1;
    this.lastNamed = -1;
    this.users.countPass(user, 1);
    const { presents } = record;
    if (presents.as === "raw") this.cards.set(presents.raw, number);
    else this.pins.set(presents.digest, number);
  }

  remove(id: PassId): void {
    const number = this.numberOf(id);
    if (number < 0) return;
    this.lastNamed = -1;
    this.users.countPass(this.user(number), -1);
    if (number < this.imageCount) {
      this.replaced.add(number);
      this.isChanged = true;
      return;
    }
    const { record, user } = this.changedAt(number);
    const { presents } = record;
    // What it presents may be another pass's by now.
    if (presents.as === "pin") forget(this.pins, presents.digest, number);
    else forget(this.cards, presents.raw, number);
    this.changed[number - this.imageCount] = { record, user, isGone: true };
    this.goneCount += 1;
  }

  /** As of a pass that has gone. */
  private newNumber(id: PassId): number {
    const number = this.imageCount + this.changed.length;
    if (this.image.numberOf(id) < 0) this.newCount += 1;
    this.numbers.set(id, number);
    this.goneCount += 1;
    return number;
  }

  private unlessReplaced(pass: number): number {
    return this.isChanged && this.replaced.has(pass) ? -1 : pass;
  }

  private changedAt(pass: number): ChangedPass {
    const found = this.changed[pass - this.imageCount];
    if (found === undefined) throw new Error(`no pass ${pass}`);
    return found;
  }

  private spellOut(pass: number): void {
    if (pass < this.imageCount) {
      this.lastId = this.image.id(pass);
      this.lastUserId = this.users.id(this.records.user(pass));
    } else {
      const { record } = this.changedAt(pass);
      this.lastId = record.id;
      this.lastUserId = record.user;
    }
    this.lastNamed = pass;
  }

  private changedInOrder(): readonly ChangedInOrder[] {
    const key = newKeyBuffer();
    return this.changed
      .map(({ record, isGone }, index) => ({
        id: record.id,
        kind: writePresentedKey(record.presents, key),
        number: this.imageCount + index,
        isGone,
      }))
      .filter(({ isGone }) => !isGone)
      .sort((one, other) =>
        one.kind === other.kind ? (one.id < other.id ? -1 : 1) : one.kind - other.kind,
      );
  }

  private isBefore({ kind, id }: ChangedInOrder, pass: number): boolean {
    const kindThere = this.image.keyKind(pass);
    return kind < kindThere || (kind === kindThere && id < this.image.id(pass));
  }
}

interface ChangedInOrder {
  readonly id: PassId;
  readonly kind: KeyKind;
  readonly number: number;
}

function forget<Key>(numbers: Map<Key, number>, key: Key, number: number): void {
  if (numbers.get(key) === number) numbers.delete(key);
}

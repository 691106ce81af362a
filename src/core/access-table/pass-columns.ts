import type { PassKind, PassRecord, PassTrait } from "../../domain/access.ts";
import type { PinDigest, RawCredential } from "../../domain/credential.ts";
import { type PassId, passId, type UserId, userId } from "../../domain/ids.ts";
import type { EpochMs } from "../../domain/time.ts";
import { CredentialIndex } from "./credential-index.ts";
import {
  type KeyKind,
  keyKindCount,
  newKeyBuffer,
  notAKey,
  writeCardKey,
  writePinKey,
} from "./credential-key.ts";
import { IdColumn } from "./id-column.ts";
import type { HashKey } from "./keyed-hash.ts";
import { PassRecords, usersMax } from "./pass-records.ts";
import { PassUses, type UseCount } from "./pass-uses.ts";

/** A table's passes by number, found by what is presented; no object for each pass. */
export class PassColumns {
  readonly count: number;
  private readonly index: CredentialIndex;
  private readonly records: PassRecords;
  private readonly uses: PassUses;
  /** A pass's own, and then its user's: every decision names both. */
  private readonly ids: IdColumn;
  /** One decision asks for the same names again and again; they are spelt out once. */
  private lastNamed = -1;
  private lastId = passId("");
  private lastUserId = userId("");
  /** What is being looked up, reused so that a decision allocates nothing for it. */
  private readonly key = newKeyBuffer();

  constructor(
    passes: readonly PassRecord[],
    users: { readonly count: number; readonly numberOf: (user: UserId) => number },
    hashKey: HashKey,
  ) {
    if (users.count > usersMax) throw new Error(`${users.count} users in one table`);
    this.count = passes.length;
    this.index = new CredentialIndex(hashKey, this.countKinds(passes));
    const placeOf = new Uint32Array(passes.length);
    const passOf = (number: number): PassRecord => {
      const pass = passes[placeOf[number] ?? -1];
      if (pass === undefined) throw new Error(`no pass ${number}`);
      return pass;
    };
    for (const [place, pass] of passes.entries()) {
      const { number, found } = this.index.add(this.writeKey(pass), this.key);
      // Picking one of them would open a door for the wrong person, whichever it is.
      if (found >= 0) {
        throw new Error(`passes ${passOf(found).id} and ${pass.id} present the same credential`);
      }
      placeOf[number] = place;
    }
    this.records = new PassRecords(this.count, passOf, (pass) => users.numberOf(pass.user));
    this.uses = new PassUses(this.count, passOf);
    this.ids = new IdColumn(this.count, 2, (number, which) => {
      const pass = passOf(number);
      return which === 0 ? pass.id : pass.user;
    });
  }

  /** The number of the pass that has exactly these bits, or -1. */
  findCard(card: RawCredential): number {
    const kind = writeCardKey(card, this.key);
    return kind === notAKey ? -1 : this.index.find(kind, this.key);
  }

  /** The number of the pass that has this PIN, or -1. */
  findPin(pin: PinDigest): number {
    const kind = writePinKey(pin, this.key);
    return kind === notAKey ? -1 : this.index.find(kind, this.key);
  }

  /** The number of the pass of that name, or -1. Reads every name: for questions, not for a door. */
  numberOf(id: PassId): number {
    for (let pass = 0; pass < this.count; pass += 1) {
      if (this.ids.at(pass, 0) === id) return pass;
    }
    return -1;
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
    // Every decision asks for the names in the end.
    this.ids.seek(pass);
    return this.records.user(pass);
  }

  isActive(pass: number): boolean {
    return this.records.isActive(pass);
  }

  kind(pass: number): PassKind {
    return this.records.kind(pass);
  }

  hasTrait(pass: number, trait: PassTrait): boolean {
    return this.records.hasTrait(pass, trait);
  }

  /** Undefined for a pass that is good for any number of grants. */
  useCount(pass: number): UseCount | undefined {
    return this.records.hasUseCount(pass) ? this.uses.of(pass) : undefined;
  }

  /** Minus infinity where the pass has no start. */
  startsAt(pass: number): EpochMs {
    return this.records.startsAt(pass);
  }

  /** The instant from which the pass no longer opens; plus infinity where it has no end. */
  endsAt(pass: number): EpochMs {
    return this.records.endsAt(pass);
  }

  private spellOut(pass: number): void {
    this.lastId = passId(this.ids.at(pass, 0));
    this.lastUserId = userId(this.ids.at(pass, 1));
    this.lastNamed = pass;
  }

  private countKinds(passes: readonly PassRecord[]): Uint32Array {
    const counts = new Uint32Array(keyKindCount);
    for (const pass of passes) {
      const kind = this.writeKey(pass);
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  }

  private writeKey(pass: PassRecord): KeyKind {
    const { presents } = pass;
    const kind =
      presents.as === "raw"
        ? writeCardKey(presents.raw, this.key)
        : writePinKey(presents.digest, this.key);
    if (kind === notAKey) throw new Error(`pass ${pass.id} presents no well-formed credential`);
    return kind;
  }
}

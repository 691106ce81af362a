import type { PassKind, PassRecord } from "../../domain/access.ts";
import type { PinDigest, RawCredential } from "../../domain/credential.ts";
import { type PassId, passId, type UserId } from "../../domain/ids.ts";
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
import { ValidityColumn } from "./validity-column.ts";

/** How a pass's word is made up: its user's number above, its kind, and whether it is active. */
const activeFlag = 1;
const kindShift = 1;
const kindMask = 3;
const userShift = 3;
/** So that a user's number fits into what the word leaves it. */
const usersMax = 2 ** (32 - userShift);
const passKinds = ["mobile", "nfc_card", "csn_card", "pin"] as const satisfies readonly PassKind[];

/** Where a table's passes stand by number: one column for each property, no object for each pass. */
export class PassColumns {
  readonly count: number;
  private readonly index: CredentialIndex;
  private readonly words: Uint32Array;
  private readonly validity: ValidityColumn;
  private readonly ids: IdColumn;
  /** What is being looked up, reused so that a decision allocates nothing for it. */
  private readonly key = newKeyBuffer();

  constructor(
    passes: readonly PassRecord[],
    users: { readonly count: number; readonly numberOf: (user: UserId) => number },
    hashKey: HashKey,
  ) {
    this.count = passes.length;
    if (users.count > usersMax) throw new Error(`${users.count} users in one table`);
    this.words = new Uint32Array(passes.length);
    this.index = new CredentialIndex(hashKey, this.countKinds(passes));

    const placeOf = new Uint32Array(passes.length);
    for (const [place, pass] of passes.entries()) {
      const number = this.enter(pass, passes, placeOf);
      placeOf[number] = place;
      this.words[number] =
        (pass.active ? activeFlag : 0) |
        (passKinds.indexOf(pass.kind) << kindShift) |
        (users.numberOf(pass.user) << userShift);
    }
    const passOf = (number: number): PassRecord => recordAt(passes, placeOf[number]);
    this.validity = new ValidityColumn(this.count, passOf);
    this.ids = new IdColumn(this.count, (number) => passOf(number).id);
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

  id(pass: number): PassId {
    return passId(this.ids.at(pass));
  }

  user(pass: number): number {
    return (this.words[pass] ?? 0) >>> userShift;
  }

  isActive(pass: number): boolean {
    return ((this.words[pass] ?? 0) & activeFlag) !== 0;
  }

  kind(pass: number): PassKind {
    return passKinds[((this.words[pass] ?? 0) >>> kindShift) & kindMask] ?? "pin";
  }

  /** Minus infinity where the pass has no start. */
  startsAt(pass: number): EpochMs {
    return this.validity.startsAt(pass);
  }

  /** The instant from which the pass no longer opens; plus infinity where it has no end. */
  endsAt(pass: number): EpochMs {
    return this.validity.endsAt(pass);
  }

  private countKinds(passes: readonly PassRecord[]): Uint32Array {
    const counts = new Uint32Array(keyKindCount);
    for (const pass of passes) {
      const kind = this.writeKey(pass);
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  }

  private enter(pass: PassRecord, passes: readonly PassRecord[], placeOf: Uint32Array): number {
    const { number, found } = this.index.add(this.writeKey(pass), this.key);
    if (found >= 0) {
      // Picking one of them would open a door for the wrong person, whichever it is.
      const other = recordAt(passes, placeOf[found]);
      throw new Error(`passes ${other.id} and ${pass.id} present the same credential`);
    }
    return number;
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

function recordAt(passes: readonly PassRecord[], place: number | undefined): PassRecord {
  const pass = passes[place ?? -1];
  if (pass === undefined) throw new Error(`no pass at place ${place}`);
  return pass;
}

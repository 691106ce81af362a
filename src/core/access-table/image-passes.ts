import type { PassRecord } from "../../domain/access.ts";
import type { PinDigest, RawCredential } from "../../domain/credential.ts";
import { type PassId, passId } from "../../domain/ids.ts";
import { CredentialIndex } from "./credential-index.ts";
import {
  type KeyKind,
  keyKindCount,
  newKeyBuffer,
  notAKey,
  presentedBy,
  writePinKey,
  writeRawKey,
} from "./credential-key.ts";
import { IdColumn } from "./id-column.ts";
import type { ImageColumns } from "./image-columns.ts";
import type { ImageHeader } from "./image-header.ts";
import { PassRecords } from "./pass-records.ts";
import { PassUses, type UseCount } from "./pass-uses.ts";

/**
 * The passes of an image, found by what is presented; no object for each pass. They are numbered by the
 * kind of their key and then by id.
 */
export class ImagePasses {
  readonly count: number;
  readonly records: PassRecords;
  private readonly index: CredentialIndex;
  private readonly uses: PassUses;
  private readonly ids: IdColumn;
  /** The kinds of which there are keys: one or two at most sites. */
  private readonly kinds: readonly KeyKind[];
  /** What is being looked up, reused so that a decision allocates nothing for it. */
  private readonly key = newKeyBuffer();

  constructor(columns: ImageColumns, { hashKey, counts, timeUnitMs }: ImageHeader) {
    const { keyCounts, keys, keySlots } = columns;
    this.count = counts.passes;
    this.index = new CredentialIndex({ hashKey, kindCounts: keyCounts, keys, slots: keySlots });
    this.records = new PassRecords(columns.passRecords, timeUnitMs, columns.passFineTimes);
    this.uses = new PassUses(columns.passUses, columns.passUseBlocks);
    this.ids = new IdColumn(columns.passIds, columns.passIdBlocks);
    this.kinds = Array.from({ length: keyKindCount }, (_, kind) => kind).filter(
      (kind) => (keyCounts[kind] ?? 0) > 0,
    );
  }

  /** The number of the pass that has exactly these bits, or this phone, or -1. */
  findCard(card: RawCredential): number {
    const kind = writeRawKey(card, this.key);
    return kind === notAKey ? -1 : this.index.find(kind, this.key);
  }

  /** The number of the pass that has this PIN, or -1. */
  findPin(pin: PinDigest): number {
    const kind = writePinKey(pin, this.key);
    return kind === notAKey ? -1 : this.index.find(kind, this.key);
  }

  /** -1 for a pass that is not in the image. */
  numberOf(id: PassId): number {
    for (const kind of this.kinds) {
      const { first, end } = this.index.rangeOf(kind);
      const number = this.ids.find(id, first, end);
      if (number >= 0) return number;
    }
    return -1;
  }

  seek(pass: number): void {
    this.ids.seek(pass);
  }

  id(pass: number): PassId {
    return passId(this.ids.at(pass));
  }

  /** Undefined for a pass that is good for any number of grants. */
  useCount(pass: number): UseCount | undefined {
    return this.records.hasUseCount(pass) ? this.uses.of(pass) : undefined;
  }

  keyKind(pass: number): KeyKind {
    return this.kinds.find((kind) => pass < this.index.rangeOf(kind).end) ?? notAKey;
  }

  presents(pass: number): PassRecord["presents"] {
    const kind = this.keyKind(pass);
    this.index.read(kind, pass, this.key);
    return presentedBy(kind, this.key);
  }
}

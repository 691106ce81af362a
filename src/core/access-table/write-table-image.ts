import type { PassRecord } from "../../domain/access.ts";
import type { PassId, RuleId, UserId } from "../../domain/ids.ts";
import type { TableFrame, TableMark, TableUser } from "../../domain/table-change.ts";
import type { EpochMs } from "../../domain/time.ts";
import { frameBytes } from "./canonical-frame.ts";
import { fillSlots } from "./credential-index.ts";
import {
  countedKinds,
  keyDataBytes,
  keyKindCount,
  newKeyBuffer,
  writePresentedKey,
} from "./credential-key.ts";
import { FrameLayout } from "./frame-layout.ts";
import { GrowingBytes } from "./growing-bytes.ts";
import { IdColumn } from "./id-column.ts";
import { IdColumnWriter } from "./id-column-writer.ts";
import { frameIn } from "./image-columns.ts";
import { imageOf, isLittleEndian } from "./image-header.ts";
import type { SectionBytes } from "./image-sections.ts";
import { indexArray } from "./index-array.ts";
import type { HashKey } from "./keyed-hash.ts";
import { PassRecordWriter, usersMax } from "./pass-records.ts";
import { PassUseWriter } from "./pass-uses.ts";
import type { RuleColumns } from "./rule-columns.ts";
import { requireSoundPass, requireSoundUser } from "./sound-records.ts";
import { TableFault } from "./table-fault.ts";
import { flagsOf } from "./user-flags.ts";

/** What an image is written from: people are counted beforehand and come in the image's order. */
export interface ImageSource {
  readonly mark: TableMark;
  readonly compiledAt: EpochMs;
  readonly frame: TableFrame;
  readonly userCount: number;
  /** By id, each once. */
  readonly users: Iterable<TableUser>;
  readonly passCount: number;
  /** By the kind of their key and then by id, each once. */
  readonly passes: Iterable<SourcePass>;
}

export interface SourcePass {
  readonly pass: PassRecord;
  /** Which of the users has it, counted from 0. */
  readonly user: number;
}

type Sections<Name extends keyof SectionBytes> = Pick<SectionBytes, Name>;

/** Throws a TableFault where the source is no valid table. Holds no record for longer than a moment. */
export function writeTableImage(source: ImageSource, hashKey: HashKey): Uint8Array {
  if (!isLittleEndian()) throw new Error("images are made on little-endian machines only");
  const frame = frameBytes(source.frame);
  // As it will be read: rules have the ordinals that they will have then.
  const { rules } = new FrameLayout(frameIn({ frame }) as TableFrame, () => false);
  const { profiles, ...users } = writeUsers(source, rules);
  const { timeUnitMs, passCounts, ...passes } = writePasses(source, hashKey);
  const { mark, compiledAt, userCount, passCount } = source;
  const counts = { passes: passCount, users: userCount, rules: rules.count, profiles };
  return imageOf(
    { mark, compiledAt, hashKey, counts, timeUnitMs },
    { frame, ...users, user_pass_counts: passCounts, ...passes },
  );
}

function writeUsers(
  { users, userCount }: ImageSource,
  rules: RuleColumns,
): { readonly profiles: number } & Sections<
  | "user_ids"
  | "user_id_blocks"
  | "user_flags"
  | "user_profiles"
  | "profile_starts"
  | "profile_rules"
> {
  if (userCount > usersMax) throw new TableFault(`${userCount} users in one table`);
  const ids = new IdColumnWriter(userCount);
  const flags = new Uint8Array(userCount);
  const profileOf = new Uint32Array(userCount);
  const profiles = new ProfileWriter(rules);
  let number = 0;
  let before: UserId | undefined;
  for (const user of users) {
    requireSoundUser(user);
    requireAfter("user", before, user.id);
    before = user.id;
    ids.add(user.id);
    flags[number] = flagsOf(user);
    profileOf[number] = profiles.numberOf(user.rules);
    number += 1;
  }
  const written = ids.finish();
  return {
    profiles: profiles.count,
    user_ids: written.bytes,
    user_id_blocks: bytesOf(written.blockStarts),
    user_flags: flags,
    user_profiles: narrowed(profileOf, profiles.count),
    ...profiles.finish(),
  };
}

/** Lists of rules, each once. */
class ProfileWriter {
  private readonly rules: RuleColumns;
  private readonly numbers = new Map<string, number>();
  /** Whoever writes many users may pass one array for all who have the same rules. */
  private readonly numbersOfArrays = new Map<readonly RuleId[], number>();
  private readonly starts = [0];
  private readonly ordinals: number[] = [];

  constructor(rules: RuleColumns) {
    this.rules = rules;
  }

  get count(): number {
    return this.numbers.size;
  }

  numberOf(rules: readonly RuleId[]): number {
    const known = this.numbersOfArrays.get(rules);
    if (known !== undefined) return known;
    const ordinals = this.rules.ordinalsOf(rules);
    const list = ordinals.join();
    const number = this.numbers.get(list) ?? this.numbers.size;
    if (number === this.numbers.size) {
      this.numbers.set(list, number);
      for (const ordinal of ordinals) this.ordinals.push(ordinal);
      this.starts.push(this.ordinals.length);
      // Of those that are no list of before: most are met once, and would only be remembered.
      this.numbersOfArrays.set(rules, number);
    }
    return number;
  }

  finish(): Sections<"profile_starts" | "profile_rules"> {
    return {
      profile_starts: bytesOf(Uint32Array.from(this.starts)),
      profile_rules: bytesOf(Uint32Array.from(this.ordinals)),
    };
  }
}

function writePasses(
  { passes, passCount, userCount }: ImageSource,
  hashKey: HashKey,
): { readonly timeUnitMs: number; readonly passCounts: Uint8Array } & Sections<
  | "pass_ids"
  | "pass_id_blocks"
  | "pass_records"
  | "pass_fine_times"
  | "pass_uses"
  | "pass_use_blocks"
  | "key_counts"
  | "keys"
  | "key_slots"
> {
  const passCounts = new Uint32Array(userCount);
  const ids = new IdColumnWriter(passCount);
  const records = new PassRecordWriter(passCount);
  const uses = new PassUseWriter(passCount);
  const kindCounts = new Uint32Array(keyKindCount);
  const keys = new GrowingBytes();
  const key = newKeyBuffer();
  let before: { readonly kind: number; readonly id: PassId } | undefined;
  for (const { pass, user } of passes) {
    requireSoundPass(pass);
    const kind = writePresentedKey(pass.presents, key);
    requireAfter("pass", before?.kind === kind ? before.id : undefined, pass.id);
    if (before !== undefined && kind < before.kind) throw new Error("passes in no order");
    before = { kind, id: pass.id };
    kindCounts[kind] = (kindCounts[kind] ?? 0) + 1;
    keys.append(key.subarray(1, 1 + keyDataBytes(kind)));
    passCounts[user] = (passCounts[user] ?? 0) + 1;
    ids.add(pass.id);
    records.add(pass, user);
    uses.add(pass);
  }
  const writtenIds = ids.finish();
  const names = new IdColumn(writtenIds.bytes, writtenIds.blockStarts);
  const keyColumns = { hashKey, kindCounts, keys: keys.written() };
  const slots = fillSlots(keyColumns, (one, other) => {
    const both = `passes ${names.at(one)} and ${names.at(other)}`;
    // Picking one of them would open a door for the wrong person, whichever it is.
    throw new TableFault(`${both} present the same credential`);
  });
  const writtenRecords = records.finish();
  const writtenUses = uses.finish();
  return {
    timeUnitMs: writtenRecords.unitMs,
    passCounts: narrowed(
      passCounts,
      passCounts.reduce((most, n) => Math.max(most, n), 0),
    ),
    pass_ids: writtenIds.bytes,
    pass_id_blocks: bytesOf(writtenIds.blockStarts),
    pass_records: bytesOf(writtenRecords.words),
    pass_fine_times: bytesOf(writtenRecords.fineTimes),
    pass_uses: bytesOf(writtenUses.words),
    pass_use_blocks: bytesOf(writtenUses.blockStarts),
    key_counts: bytesOf(kindCounts.subarray(0, countedKinds(kindCounts))),
    keys: keyColumns.keys,
    key_slots: bytesOf(slots),
  };
}

function requireAfter(noun: string, before: string | undefined, id: string): void {
  if (before === id) throw new TableFault(`the table has ${noun} ${id} twice`);
  if (before !== undefined && before > id) throw new Error(`${noun} ${id} out of order`);
}

function narrowed(numbers: Uint32Array, most: number): Uint8Array {
  const narrow = indexArray(numbers.length, most);
  narrow.set(numbers);
  return bytesOf(narrow);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

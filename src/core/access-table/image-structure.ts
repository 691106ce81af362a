import type { TableFrame } from "../../domain/table-change.ts";
import { slotCountFor } from "./credential-index.ts";
import { countedKinds, keyDataBytes, keyKindCount } from "./credential-key.ts";
import { idColumnFault } from "./id-column-check.ts";
import type { ImageColumns } from "./image-columns.ts";
import {
  type ImageCounts,
  type ImageHeader,
  imageHeaderBytes,
  isEqual,
  sha256,
} from "./image-header.ts";
import { imageSections } from "./image-sections.ts";
import { PassRecords, passRecordFault } from "./pass-records.ts";
import { passesPerUseBlock, useRecordWords } from "./pass-uses.ts";
import { takesUsers } from "./rule-columns.ts";
import { userFlagsMax } from "./user-flags.ts";

const elementBytes = { u8: 1, u32: 4, f64: 8 } as const;

/** Whether sections are whole, and of a length that can be theirs. */
export function sectionFault(image: Uint8Array, header: ImageHeader): string | undefined {
  let end = imageHeaderBytes;
  for (const { name, element } of imageSections) {
    const { at, bytes, hash } = header.sections[name];
    // Nothing reads what is between sections, and nothing is hidden there.
    if (image.subarray(end, at).some((byte) => byte !== 0)) return `bytes before section ${name}`;
    end = at + bytes;
    if (!isEqual(sha256(image.subarray(at, end)), hash)) return `section ${name} is damaged`;
    const { users } = header.counts;
    const isWhole =
      element === "narrow"
        ? bytes === users || bytes === users * 2 || bytes === users * 4
        : bytes % elementBytes[element] === 0;
    if (!isWhole) return `section ${name} of ${bytes} bytes`;
  }
  return undefined;
}

/**
 * Whether no look at the columns can leave them, loop or find another record than the one that was
 * meant. Hashes tell damage; this tells a maker who was wrong.
 */
export function structureFault(
  { counts, timeUnitMs }: ImageHeader,
  columns: ImageColumns,
  frame: TableFrame,
): string | undefined {
  return (
    lengthFault(counts, columns, timeUnitMs) ??
    rulesFault(counts, frame) ??
    keyFault(counts, columns) ??
    idColumnFault("user", columns.userIds, columns.userIdBlocks, [counts.users]) ??
    idColumnFault("pass", columns.passIds, columns.passIdBlocks, columns.keyCounts) ??
    userFault(counts, columns) ??
    profileFault(columns, frame) ??
    passRecordFault(columns, counts.users) ??
    useFault(counts, columns) ??
    passCountFault(counts, columns)
  );
}

function lengthFault(
  { passes, users, profiles }: ImageCounts,
  columns: ImageColumns,
  timeUnitMs: number,
): string | undefined {
  const expected: readonly (readonly [keyof ImageColumns, number])[] = [
    ["userFlags", users],
    ["profileStarts", profiles + 1],
    ["passRecords", passes * 3],
    ["passFineTimes", timeUnitMs === 1 ? passes * 2 : 0],
    ["keyCounts", countedKinds(columns.keyCounts)],
    ["keySlots", slotCountFor(passes)],
  ];
  const wrong = expected.find(([name, length]) => columns[name].length !== length);
  return wrong && `${columns[wrong[0]].length} elements of ${wrong[0]}`;
}

/** A rule's ordinal is its place in the order of ids; a frame in another order means other rules. */
function rulesFault({ rules: count }: ImageCounts, { rules }: TableFrame): string | undefined {
  if (rules.length !== count) return `${rules.length} rules of ${count}`;
  const isInOrder = rules.every(({ id }, ordinal) => ordinal === 0 || isAfter(rules, ordinal, id));
  return isInOrder ? undefined : "rules out of order";
}

function isAfter(rules: TableFrame["rules"], ordinal: number, id: string): boolean {
  const before = rules[ordinal - 1];
  return before !== undefined && before.id < id;
}

/** Each key has one slot; some slots are empty, since there are more, so that searches end. */
function keyFault({ passes }: ImageCounts, columns: ImageColumns): string | undefined {
  const { keyCounts, keys, keySlots } = columns;
  let count = 0;
  let keyBytes = 0;
  for (let kind = 0; kind < keyKindCount; kind += 1) {
    const ofKind = keyCounts[kind] ?? 0;
    count += ofKind;
    keyBytes += ofKind * keyDataBytes(kind);
  }
  if (count !== passes || keyBytes !== keys.length) return `${count} keys in ${keys.length} bytes`;
  const numberMask = 2 ** Math.max(1, 32 - Math.clz32(count)) - 1;
  const isSeen = new Uint8Array(count + 1);
  let used = 0;
  for (const slot of keySlots) {
    if (slot === 0) continue;
    const number = slot & numberMask;
    if (number === 0 || number > count || isSeen[number] === 1) return `a slot of key ${number}`;
    isSeen[number] = 1;
    used += 1;
  }
  return used === count ? undefined : `${count - used} keys without a slot`;
}

function userFault({ profiles }: ImageCounts, columns: ImageColumns): string | undefined {
  const { userFlags, userProfiles } = columns;
  for (let user = 0; user < userFlags.length; user += 1) {
    if ((userFlags[user] ?? 0) > userFlagsMax) return `odd flags of user ${user}`;
    if ((userProfiles[user] ?? 0) >= profiles) return `no profile for user ${user}`;
  }
  return undefined;
}

function profileFault(
  { profileStarts, profileRules }: ImageColumns,
  { rules }: TableFrame,
): string | undefined {
  const isNamed = Uint8Array.from(rules, (rule) => (takesUsers(rule) ? 1 : 0));
  const last = profileStarts.length - 1;
  if (profileStarts[0] !== 0 || profileStarts[last] !== profileRules.length) {
    return "profiles that leave rules out";
  }
  for (let profile = 0; profile < last; profile += 1) {
    const start = profileStarts[profile] ?? 0;
    const end = profileStarts[profile + 1] ?? 0;
    if (end < start || end > profileRules.length) return `profile ${profile} ends before it begins`;
    let before = -1;
    for (let place = start; place < end; place += 1) {
      const rule = profileRules[place] ?? -1;
      if (rule <= before || isNamed[rule] !== 1) return `rule ${rule} in profile ${profile}`;
      before = rule;
    }
  }
  return undefined;
}

/** Those passes that are said to be limited have a use count, and the directory leads to it. */
function useFault({ passes }: ImageCounts, columns: ImageColumns): string | undefined {
  const { passRecords, passFineTimes, passUses, passUseBlocks } = columns;
  const records = new PassRecords(passRecords, 1, passFineTimes);
  const blockCount = passUses.length === 0 ? 0 : Math.ceil(passes / passesPerUseBlock);
  if (passUseBlocks.length !== blockCount) return `${passUseBlocks.length} blocks of use counts`;
  let at = 0;
  for (let pass = 0; pass < passes; pass += 1) {
    const isFirst = pass % passesPerUseBlock === 0 && blockCount > 0;
    if (isFirst && passUseBlocks[pass / passesPerUseBlock] !== at) return `use count of ${pass}`;
    if (!records.hasUseCount(pass)) continue;
    if (passUses[at] !== pass) return `no use count of pass ${pass}`;
    at += useRecordWords;
  }
  return at === passUses.length ? undefined : "use counts of no pass";
}

/** A user may go when no pass is left of him; one too few would leave a pass of nobody. */
function passCountFault(
  { passes, users }: ImageCounts,
  { passRecords, passFineTimes, userPassCounts }: ImageColumns,
): string | undefined {
  const records = new PassRecords(passRecords, 1, passFineTimes);
  const counted = new Uint32Array(users);
  for (let pass = 0; pass < passes; pass += 1) {
    const user = records.user(pass);
    counted[user] = (counted[user] ?? 0) + 1;
  }
  for (let user = 0; user < users; user += 1) {
    if (counted[user] !== userPassCounts[user]) return `passes of user ${user}`;
  }
  return undefined;
}

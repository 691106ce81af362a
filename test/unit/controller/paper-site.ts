import { createHash } from "node:crypto";
import type { AccessTable } from "../../../src/core/access-table/access-table.ts";
import { buildTableImage } from "../../../src/core/access-table/build-table-image.ts";
import type { HashKey } from "../../../src/core/access-table/keyed-hash.ts";
import type { PassRecord } from "../../../src/domain/access.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import { controllerId, doorId, passId, ruleId, siteId, userId } from "../../../src/domain/ids.ts";
import type {
  TableChange,
  TableDelta,
  TableFrame,
  TableMark,
  TableUser,
} from "../../../src/domain/table-change.ts";
import { epochMs } from "../../../src/domain/time.ts";
import type { SnapshotManifest } from "../../../src/protocols/sync/snapshot-manifest.ts";

/*
 * A site on paper: what each of its tables says follows from the mark alone, in every process and
 * life, so that a test can hold any table that it finds to what the site made of that number.
 */

export const owner = { site: siteId("s1"), controller: controllerId("c1") };

const door = doorId("front");
const rule = ruleId("staff");
const passCount = 40;
const userCount = 5;
/** Small, so that even a small image comes in several. */
const chunkBytes = 1_024;

export function markOf(epoch: number, version: number): TableMark {
  const tag = createHash("sha256").update(`${epoch} ${version}`).digest().readUInt32LE(0);
  return { epoch, version, tag };
}

export function next({ epoch, version }: TableMark): TableMark {
  return markOf(epoch, version + 1);
}

/** The step from this table to the next. */
export function deltaFrom(from: TableMark): TableDelta {
  const to = next(from);
  return { from, to, compiledAt: compiledAt(to), changes: changesOf(to, contentAt(from)) };
}

/** As many steps, one after the other. */
export function deltasFrom(from: TableMark, count: number): readonly TableDelta[] {
  const deltas: TableDelta[] = [];
  for (let mark = from; deltas.length < count; mark = next(mark)) deltas.push(deltaFrom(mark));
  return deltas;
}

export interface PaperSnapshot {
  readonly manifest: SnapshotManifest;
  readonly image: Uint8Array;
  chunk(index: number): Uint8Array;
}

export function snapshotAt(mark: TableMark, hashKey: HashKey = [0x5eed, 0xfeed]): PaperSnapshot {
  const { passes, users, frame } = contentAt(mark);
  const content = { mark, compiledAt: compiledAt(mark), frame, users: users.values() };
  const image = buildTableImage({ ...content, passes: passes.values() }, hashKey);
  return snapshotOf(mark, image);
}

export function snapshotOf(mark: TableMark, image: Uint8Array): PaperSnapshot {
  const imageHash = createHash("sha256").update(image).digest("hex");
  const count = Math.ceil(image.length / chunkBytes);
  const chunkHashes = Array.from({ length: count }, () => "00".repeat(32));
  const manifest = { mark, imageBytes: image.length, imageHash, chunkBytes, chunkHashes };
  const chunk = (index: number) => image.subarray(index * chunkBytes, (index + 1) * chunkBytes);
  return { manifest, image, chunk };
}

/** All that the site's table of this mark says, in one order. */
export function truthAt(mark: TableMark): readonly string[] {
  const { passes, users, frame } = contentAt(mark);
  return described({ mark, frame, users: users.values(), passes: passes.values() });
}

/** All that a table says: equal to the truth of its mark, or it is a mix of two tables. */
export function saidBy(table: AccessTable): readonly string[] {
  const { mark, frame } = table;
  return described({ mark, frame, users: table.users(), passes: table.passRecords() });
}

interface Content {
  readonly frame: TableFrame;
  readonly users: ReadonlyMap<string, TableUser>;
  readonly passes: ReadonlyMap<string, PassRecord>;
}

const known = new Map<string, Content>();

function contentAt({ epoch, version }: TableMark): Content {
  const name = `${epoch} ${version}`;
  const before = known.get(name);
  if (before !== undefined) return before;
  // From the first on, each a step from one that is known: hundreds of kills lead through thousands.
  for (let step = 0; step < version; step += 1) {
    const at = `${epoch} ${step}`;
    if (!known.has(at)) known.set(at, step === 0 ? firstContent(epoch) : following(epoch, step));
  }
  const content = version === 0 ? firstContent(epoch) : following(epoch, version);
  known.set(name, content);
  return content;
}

function following(epoch: number, version: number): Content {
  const before = contentAt(markOf(epoch, version - 1));
  const users = new Map(before.users);
  const passes = new Map(before.passes);
  let { frame } = before;
  for (const change of changesOf(markOf(epoch, version), before)) {
    if (change.kind === "frame") frame = change.frame;
    if (change.kind === "user") users.set(change.user.id, change.user);
    if (change.kind === "pass") passes.set(change.pass.id, change.pass);
    if (change.kind === "pass_gone") passes.delete(change.pass);
  }
  return { frame, users, passes };
}

/** What leads to the table of this mark. */
function changesOf(to: TableMark, before: Content): readonly TableChange[] {
  const { epoch, version } = to;
  const number = (version * 7) % passCount;
  const pass = passOf(number, epoch * 10_000 + version);
  const isGone = version % 5 === 0 && before.passes.has(pass.id);
  const changes: TableChange[] = [];
  if (version % 13 === 0) changes.push({ kind: "frame", frame: frameOf(epoch, version) });
  if (version % 11 === 0)
    changes.push({ kind: "user", user: userOf(version % userCount, version) });
  changes.push(isGone ? { kind: "pass_gone", pass: pass.id } : { kind: "pass", pass });
  return changes;
}

function firstContent(epoch: number): Content {
  const users = Array.from({ length: userCount }, (_, number) => userOf(number, 0));
  const passes = Array.from({ length: passCount }, (_, number) => passOf(number, epoch * 10_000));
  return {
    frame: frameOf(epoch, 0),
    users: new Map(users.map((user) => [user.id, user])),
    passes: new Map(passes.map((pass) => [pass.id, pass])),
  };
}

function userOf(number: number, version: number): TableUser {
  return { id: userId(`user-${number}`), suspended: version % 2 === 1, rules: [rule] };
}

function passOf(number: number, drawn: number): PassRecord {
  const bits = (drawn * 64 + number).toString(2).padStart(40, "0");
  return {
    id: passId(`pass-${number}`),
    user: userId(`user-${number % userCount}`),
    kind: "csn_card",
    active: true,
    presents: { as: "raw", raw: rawFromBits(bits) },
  };
}

function frameOf(epoch: number, version: number): TableFrame {
  const settings = {
    ...doorDefaults,
    id: door,
    name: `Front ${epoch}.${version}`,
    unlockMs: 3_000,
    heldOpenMs: 20_000,
    heldOpenWarningMs: 5_000,
    strikeOnMaxMs: 60_000,
    relock: "on_open",
    factors: "card",
    secondFactorMs: 10_000,
    rex: "admit",
    clockUnknown: "deny",
  } as const;
  return {
    ...owner,
    zone: "Europe/Berlin",
    calendar: [],
    zones: [],
    areas: [],
    doors: [settings],
    rules: [{ id: rule, kind: "grant", doors: [door], zones: [], whom: "named_users" }],
    schedules: [],
  };
}

function compiledAt({ epoch, version }: TableMark) {
  return epochMs(1_800_000_000_000 + epoch * 86_400_000 + version * 60_000);
}

function described(content: {
  readonly mark: TableMark;
  readonly frame: TableFrame;
  readonly users: Iterable<TableUser>;
  readonly passes: Iterable<PassRecord>;
}): readonly string[] {
  const { epoch, version, tag } = content.mark;
  const passes = Array.from(content.passes, ({ id, user, presents }) => {
    return `${id} ${user} ${presents.as === "raw" ? presents.raw : presents.digest}`;
  });
  const users = Array.from(content.users, ({ id, suspended }) => `${id} ${String(suspended)}`);
  const doors = content.frame.doors.map(({ id, name }) => `${id} ${name}`);
  return [`${epoch}.${version} ${tag}`, ...doors, ...users.sort(), ...passes.sort()];
}

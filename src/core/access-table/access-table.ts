import type {
  AreaRecord,
  DoorSettings,
  PassRecord,
  TableContent,
  TableVersion,
  UserTrait,
} from "../../domain/access.ts";
import type { AreaId, DoorId, RuleId, UserId } from "../../domain/ids.ts";
import { type Result, succeed } from "../../domain/result.ts";
import type { TableDelta, TableFrame, TableMark, TableUser } from "../../domain/table-change.ts";
import type { EpochMs } from "../../domain/time.ts";
import type { PosturePlace, UnlockRule } from "../posture.ts";
import { buildTableImage } from "./build-table-image.ts";
import type { Crossings } from "./crossing.ts";
import { FrameLayout, type NamedSchedule } from "./frame-layout.ts";
import { columnsOf, frameIn, type ImageColumns } from "./image-columns.ts";
import { type ImageHeader, readImageHeader } from "./image-header.ts";
import { ImagePasses } from "./image-passes.ts";
import type { HashKey } from "./keyed-hash.ts";
import { stageDelta } from "./stage-delta.ts";
import { partsOfContent } from "./table-parts.ts";
import { TablePasses } from "./table-passes.ts";
import { TableRules } from "./table-rules.ts";
import { TableUsers } from "./table-users.ts";
import { userOfFlags } from "./user-flags.ts";
import type { ImageSource, SourcePass } from "./write-table-image.ts";

/**
 * What one controller decides from: an image, laid out so that a decision touches a few numbers and
 * the garbage collector nothing that grows with the number of passes, and over it what deltas have
 * changed since. Passes, users, rules, doors and schedules go by number in here; the numbers mean
 * nothing in another table, nor in this one once another delta was applied.
 */
export class AccessTable {
  readonly passes: TablePasses;
  private readonly people: TableUsers;
  private markNow: TableMark;
  private compiledAtNow: EpochMs;
  private layout: FrameLayout;
  private rulesNow: TableRules;
  private isFrameChanged = false;

  /** For `openTableImage`, which has checked what is passed. Throws a TableFault for a bad frame. */
  constructor(header: ImageHeader, columns: ImageColumns, frame: TableFrame) {
    this.markNow = header.mark;
    this.compiledAtNow = header.compiledAt;
    this.people = new TableUsers(columns);
    this.passes = new TablePasses(new ImagePasses(columns, header), this.people);
    this.layout = new FrameLayout(frame, (user, rule) => this.people.namesRule(user, rule));
    this.rulesNow = new TableRules(this.people, this.layout.rules);
  }

  get mark(): TableMark {
    return this.markNow;
  }

  /** The mark without its tag: what people are told. */
  get version(): TableVersion {
    const { epoch, version } = this.markNow;
    return { epoch, version };
  }

  get compiledAt(): EpochMs {
    return this.compiledAtNow;
  }

  get frame(): TableFrame {
    return this.layout.frame;
  }

  get zone(): string {
    return this.layout.frame.zone;
  }

  get doors(): readonly DoorSettings[] {
    return this.layout.frame.doors;
  }

  /** What its readers show to phones; undefined where the site gave none. */
  mobileCertificate(): Uint8Array | undefined {
    const { mobile } = this.layout.frame;
    return mobile && bytesOfBase64url(mobile.certificate);
  }

  get credentialCount(): number {
    return this.passes.count;
  }

  get userCount(): number {
    return this.people.count;
  }

  get rules(): TableRules {
    return this.rulesNow;
  }

  /** How many users and passes differ from the image, and the frame: for when to fold. */
  get changeCount(): number {
    return this.people.changeCount + this.passes.changeCount + (this.isFrameChanged ? 1 : 0);
  }

  /**
   * All of the delta or, where it is not for this table or makes none that is valid, nothing of it: the
   * fault says why, for people. What is asked for from here on is decided by the table that it makes;
   * numbers of passes, doors and schedules that were asked for before mean nothing any more.
   */
  apply(delta: TableDelta): Result<void, string> {
    const { people, passes } = this;
    const staged = stageDelta({ mark: this.markNow, layout: this.layout, people, passes }, delta);
    if (!staged.ok) return staged;
    const { layout, users, usersGone, passes: newPasses, passesGone } = staged.value;
    if (layout !== this.layout) {
      this.layout = layout;
      this.rulesNow = new TableRules(people, layout.rules);
      this.isFrameChanged = true;
    }
    for (const id of passesGone) passes.remove(id);
    for (const { user, ordinals } of users) people.set(user, ordinals);
    for (const pass of newPasses) passes.set(pass, people.numberOf(pass.user));
    for (const id of usersGone) people.remove(id);
    this.markNow = delta.to;
    this.compiledAtNow = delta.compiledAt;
    return succeed(undefined);
  }

  door(id: DoorId): DoorSettings | undefined {
    return this.doors[this.doorNumber(id)];
  }

  /** -1 where the table does not have the door. */
  doorNumber(id: DoorId): number {
    return this.layout.doorNumbers.get(id) ?? -1;
  }

  area(id: AreaId): AreaRecord | undefined {
    return this.layout.areas.get(id);
  }

  /** Undefined where it does not matter to this door's areas who is where. */
  crossings(door: number): Crossings | undefined {
    return this.layout.crossings[door];
  }

  /** What the site says about the door's posture; undefined for a door that is not there. */
  posturePlace(door: number): PosturePlace | undefined {
    return this.layout.places[door];
  }

  /** The rules that hold this door unlocked. */
  unlockRules(door: number): readonly UnlockRule[] {
    return this.layout.places[door]?.rules ?? [];
  }

  isSuspended(user: number): boolean {
    return this.people.isSuspended(user);
  }

  hasTrait(user: number, trait: UserTrait): boolean {
    return this.people.hasTrait(user, trait);
  }

  schedule(schedule: number): NamedSchedule {
    return this.layout.schedule(schedule);
  }

  hasUser(id: UserId): boolean {
    return this.people.numberOf(id) >= 0;
  }

  /** By id. To be read before anything else is applied. */
  *users(): Generator<TableUser> {
    const rulesOf = new Map<number, readonly RuleId[]>();
    for (const user of this.people.inOrder()) {
      const place = this.people.firstPlace(user);
      const isNone = place === this.people.endPlace(user);
      const rules = isNone ? noRules : (rulesOf.get(place) ?? this.rulesNow.idsOf(user));
      if (!isNone) rulesOf.set(place, rules);
      yield { ...userOfFlags(this.people.id(user), this.people.flagsOf(user)), rules };
    }
  }

  /** By the kind of what they present and then by id. As for `users`. */
  *passRecords(): Generator<PassRecord> {
    for (const pass of this.passes.inOrder()) yield this.passes.record(pass);
  }

  /** What an image of this table is written from. As for `users`. */
  imageSource(): ImageSource {
    const { mark, compiledAt, frame, people, passes } = this;
    const numbers = people.numbersInOrder();
    const passesWithUsers = function* (): Generator<SourcePass> {
      for (const pass of passes.inOrder()) {
        yield { pass: passes.record(pass), user: numbers[passes.user(pass)] ?? -1 };
      }
    };
    return {
      mark,
      compiledAt,
      frame,
      userCount: this.userCount,
      users: this.users(),
      passCount: passes.count,
      passes: passesWithUsers(),
    };
  }
}

const noRules: readonly RuleId[] = [];

function bytesOfBase64url(text: string): Uint8Array {
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(bytes, (character) => character.charCodeAt(0));
}

/**
 * `content` was validated where it came in: its references resolve, its ids and credentials are
 * unique and its zone is one. Where that does not hold we are wrong, and this throws. `hashKey` is to
 * be drawn at random for each table.
 */
export function buildAccessTable(content: TableContent, hashKey: HashKey): AccessTable {
  const { table, compiledAt } = content;
  const parts = partsOfContent(content);
  const image = buildTableImage({ mark: { ...table, tag: 0 }, compiledAt, ...parts }, hashKey);
  const header = readImageHeader(image);
  if (!header.ok) throw new Error(`an image that was just made: ${header.fault}`);
  const columns = columnsOf(image, header.value);
  return new AccessTable(header.value, columns, frameIn(columns) as TableFrame);
}

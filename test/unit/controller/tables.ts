import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import type { AccessTable } from "../../../src/core/access-table/access-table.ts";
import { buildTableImage } from "../../../src/core/access-table/build-table-image.ts";
import type { PassRecord } from "../../../src/domain/access.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import { controllerId, doorId, passId, ruleId, siteId, userId } from "../../../src/domain/ids.ts";
import type { TableChange, TableFrame, TableMark } from "../../../src/domain/table-change.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { unreachable } from "../../../src/domain/unreachable.ts";
import { sealHandOver } from "../../../src/protocols/sync/key-hand-over.ts";
import { deriveKeys, type Provision } from "../../../src/protocols/sync/provision.ts";
import type { SiteSealer } from "../../../src/protocols/sync/site-seal.ts";
import {
  type SealedChunks,
  sealChunks,
  snapshotName,
} from "../../../src/protocols/sync/snapshot-chunk.ts";
import {
  type SnapshotManifest,
  sealManifest,
} from "../../../src/protocols/sync/snapshot-manifest.ts";
import { sealTableDelta } from "../../../src/protocols/sync/table-delta.ts";
import type { TableGet } from "../../../src/protocols/sync/table-get.ts";
import { sealTableHead } from "../../../src/protocols/sync/table-head.ts";
import { isSameTable } from "../../../src/protocols/sync/table-order.ts";
import { siteKeyTopic, topicsFor } from "../../../src/protocols/sync/topics.ts";

const firstKeys = generateKeyPairSync("ed25519");

export const provision: Provision = {
  site: siteId("s1"),
  controller: controllerId("c1"),
  sitePublicKey: firstKeys.publicKey.export({ type: "spki", format: "pem" }).toString(),
  controllerKey: randomBytes(32),
  pinKey: randomBytes(32),
};

export const keys = deriveKeys(provision.controllerKey);
export const topics = topicsFor(provision.site, provision.controller);
export const keyTopic = siteKeyTopic(provision.site);

export function sealerWith(signingKey: KeyObject): SiteSealer {
  const { site, controller } = provision;
  return { site, controller, signingKey, tableKey: keys.tableKey };
}

export interface SiteMessage {
  readonly topic: string;
  readonly message: Uint8Array;
}

interface SealedStep {
  readonly from: TableMark;
  readonly to: TableMark;
  readonly message: Uint8Array;
}

interface SealedSnapshot {
  readonly mark: TableMark;
  readonly image: Uint8Array;
  readonly chunks: SealedChunks;
}

type Passes = ReadonlyMap<string, PassRecord>;

/** What a copy of the site's disk has. */
interface TablesCopy {
  readonly mark: TableMark;
  readonly passes: Passes;
  readonly steps: readonly SealedStep[];
}

/** A site with one controller and the keys to speak for it, and its own truth of what it signed. */
export class SignedTables {
  readonly #truth = new Map<string, readonly string[]>();
  #now: TablesCopy;
  #signingKey = firstKeys.privateKey;
  #handOvers: Uint8Array | undefined;
  #changeCount = 0;
  #snapshot: SealedSnapshot | undefined;

  constructor({ passCount = 12 } = {}) {
    const passes = Array.from({ length: passCount }, (_, number) => passOf(number, 0));
    const mark = { epoch: 1, version: 1, tag: randomTag() };
    this.#now = { mark, passes: new Map(passes.map((pass) => [pass.id, pass])), steps: [] };
    this.#note();
  }

  get mark(): TableMark {
    return this.#now.mark;
  }

  get sealer(): SiteSealer {
    return sealerWith(this.#signingKey);
  }

  /** With a request: in answer to it, and not retained. */
  head(request?: string): SiteMessage {
    const { mark, steps } = this.#now;
    const deltasFrom = steps[0]?.to.version ?? mark.version + 1;
    const head = { mark, deltasFrom, ...(request !== undefined && { request }) };
    return { topic: topics.tableHead, message: sealTableHead(this.sealer, head) };
  }

  /** Another card for one pass: the delta. */
  change(number = this.#changeCount): SiteMessage {
    this.#changeCount += 1;
    const { passes } = this.#now;
    const pass = passOf(number % passes.size, this.#changeCount);
    return this.step([{ kind: "pass", pass }], new Map([...passes, [pass.id, pass]]));
  }

  /** The truth of what `changes` make is the caller's to say. */
  step(changes: readonly TableChange[], passes: Passes = this.#now.passes): SiteMessage {
    const { mark: from, steps } = this.#now;
    const step = { from, compiledAt: compiledAt(from), changes };
    const { message, to } = sealTableDelta(this.sealer, step);
    this.#now = { mark: to, passes, steps: [...steps, { from, to, message }] };
    this.#note();
    return { topic: topics.tableDelta, message };
  }

  /** A table that no delta leads to. */
  jump(mark: Partial<TableMark> = {}): void {
    const { epoch, version } = this.#now.mark;
    const fresh = { epoch, version: version + 1, tag: randomTag(), ...mark };
    this.#changeCount += 1;
    const pass = passOf(0, this.#changeCount);
    const passes = new Map([...this.#now.passes, [pass.id, pass]]);
    this.#now = { mark: fresh, passes, steps: [] };
    this.#note();
  }

  copy(): TablesCopy {
    return this.#now;
  }

  restore(copy: TablesCopy): void {
    this.#now = copy;
  }

  /** The message of all hand-overs; everything from now on is signed by the new key. */
  rotate(): SiteMessage {
    const { privateKey } = generateKeyPairSync("ed25519");
    const sealed = this.#handOvers;
    this.#handOvers = sealHandOver({
      site: provision.site,
      from: this.#signingKey,
      to: privateKey,
      ...(sealed !== undefined && { sealed }),
    });
    this.#signingKey = privateKey;
    // What the old key signed is refused from now on.
    this.#now = { ...this.#now, steps: [] };
    return { topic: keyTopic, message: this.#handOvers };
  }

  /** For a store, past the wire. */
  snapshot(): { readonly manifest: SnapshotManifest; readonly image: Uint8Array } {
    const { mark, chunks, image } = this.#snapshotNow();
    return { manifest: { mark, ...chunks.parts }, image };
  }

  /** As somebody would who stole a key. */
  signWith(signingKey: KeyObject): void {
    this.#signingKey = signingKey;
  }

  handOvers(): SiteMessage | undefined {
    const message = this.#handOvers;
    return message === undefined ? undefined : { topic: keyTopic, message };
  }

  manifest(): SiteMessage {
    const { mark, chunks } = this.#snapshotNow();
    const message = sealManifest(this.sealer, { mark, ...chunks.parts });
    return { topic: topics.tableManifest, message };
  }

  answer(want: TableGet): readonly SiteMessage[] {
    switch (want.want) {
      case "head":
        return [this.head(want.request)];
      case "deltas": {
        const { steps } = this.#now;
        const first = steps.findIndex(({ from }) => isSameTable(from, want.after));
        if (first < 0) return [this.manifest()];
        return steps.slice(first).map(({ message }) => ({ topic: topics.tableDelta, message }));
      }
      case "snapshot":
        return [this.manifest()];
      case "chunks": {
        const chunks = this.#snapshot?.chunks;
        if (chunks === undefined || snapshotName(chunks.parts) !== want.snapshot) {
          return [this.manifest()];
        }
        const count = Math.min(want.count, chunks.parts.chunkHashes.length - want.from);
        return Array.from({ length: count }, (_, index) => ({
          topic: topics.tableChunk,
          message: chunks.chunk(want.from + index),
        }));
      }
      default:
        return unreachable(want);
    }
  }

  /** Whether it is, as a whole, a table that this site signed. */
  hasMade(table: AccessTable): boolean {
    const truth = this.#truth.get(nameOf(table.mark));
    return truth !== undefined && truth.join() === said(table.passRecords()).join();
  }

  #snapshotNow(): SealedSnapshot {
    const { mark, passes } = this.#now;
    if (this.#snapshot !== undefined && isSameTable(this.#snapshot.mark, mark)) {
      return this.#snapshot;
    }
    const content = { mark, compiledAt: compiledAt(mark), frame, users: [user] };
    const image = buildTableImage({ ...content, passes: passes.values() }, [1, 2]);
    this.#snapshot = { mark, image, chunks: sealChunks(keys.tableKey, image) };
    return this.#snapshot;
  }

  #note(): void {
    this.#truth.set(nameOf(this.#now.mark), said(this.#now.passes.values()));
  }
}

const nameOf = ({ epoch, version, tag }: TableMark): string => `${epoch}.${version}.${tag}`;

const said = (passes: Iterable<PassRecord>): readonly string[] =>
  Array.from(
    passes,
    ({ id, presents }) => `${id} ${presents.as === "raw" ? presents.raw : ""}`,
  ).sort();

const randomTag = (): number => randomBytes(4).readUInt32LE(0);

const door = doorId("front");
const rule = ruleId("staff");
const user = { id: userId("ada"), suspended: false, rules: [rule] };

export const frame: TableFrame = {
  site: provision.site,
  controller: provision.controller,
  zone: "Europe/Berlin",
  calendar: [],
  zones: [],
  areas: [],
  doors: [
    {
      ...doorDefaults,
      id: door,
      name: "Front",
      unlockMs: 3_000,
      heldOpenMs: 20_000,
      heldOpenWarningMs: 5_000,
      strikeOnMaxMs: 60_000,
      relock: "on_open",
      factors: "card",
      secondFactorMs: 10_000,
      rex: "admit",
      clockUnknown: "deny",
    },
  ],
  rules: [{ id: rule, kind: "grant", doors: [door], zones: [], whom: "named_users" }],
  schedules: [],
};

/** `drawn` tells one card of a pass from the next. */
export function passOf(number: number, drawn: number): PassRecord {
  const bits = (drawn * 2 ** 20 + number).toString(2).padStart(48, "0");
  return {
    id: passId(`pass-${number}`),
    user: user.id,
    kind: "csn_card",
    active: true,
    presents: { as: "raw", raw: rawFromBits(bits) },
  };
}

const compiledAt = ({ version }: TableMark) => epochMs(1_800_000_000_000 + version * 60_000);

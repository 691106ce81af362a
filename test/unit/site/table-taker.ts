import { randomBytes } from "node:crypto";
import type { AccessTable } from "../../../src/core/access-table/access-table.ts";
import { openTableImage } from "../../../src/core/access-table/open-table-image.ts";
import type { PassRecord } from "../../../src/domain/access.ts";
import { type ControllerId, passId } from "../../../src/domain/ids.ts";
import type { Result } from "../../../src/domain/result.ts";
import type { TableDelta, TableUser } from "../../../src/domain/table-change.ts";
import { deriveKeys, type Provision } from "../../../src/protocols/sync/provision.ts";
import { openerOf, type SiteOpener } from "../../../src/protocols/sync/site-seal.ts";
import {
  openChunk,
  readChunkLabel,
  snapshotName,
} from "../../../src/protocols/sync/snapshot-chunk.ts";
import {
  openManifest,
  type SnapshotManifest,
} from "../../../src/protocols/sync/snapshot-manifest.ts";
import { openTableDelta } from "../../../src/protocols/sync/table-delta.ts";
import { parseTableFrame } from "../../../src/protocols/sync/table-frame.ts";
import { sealTableGet, type TableWant } from "../../../src/protocols/sync/table-get.ts";
import { openTableHead, type TableHead } from "../../../src/protocols/sync/table-head.ts";
import { isSameTable } from "../../../src/protocols/sync/table-order.ts";
import { type ControllerTopics, topicsFor } from "../../../src/protocols/sync/topics.ts";
import type { MemoryBroker, Publication } from "./memory-broker.ts";

/** Between which broker and which controllers a site stands. */
export interface TakerSite {
  readonly broker: MemoryBroker;
  readonly service: { provisionFor(controller: ControllerId): Provision };
}

/** One controller that takes what the site says, in the simplest way there is. */
export class TableTaker {
  readonly #rig: TakerSite;
  readonly #controller: ControllerId;
  readonly topics: ControllerTopics;
  table: AccessTable | undefined;

  constructor(rig: TakerSite, controller: ControllerId) {
    this.#rig = rig;
    this.#controller = controller;
    this.topics = topicsFor(this.#provision.site, controller);
  }

  get #provision(): Provision {
    return this.#rig.service.provisionFor(this.#controller);
  }

  get opener(): SiteOpener {
    return openerOf(this.#provision);
  }

  /** What the site publishes on this controller's topics in answer to a request. */
  ask(want: TableWant, request = randomBytes(8).toString("hex")): readonly Publication[] {
    const { site, controller, controllerKey } = this.#provision;
    const scope = { site, controller, messageKey: deriveKeys(controllerKey).messageKey };
    const before = this.#rig.broker.published.length;
    this.#rig.broker.deliver(this.topics.tableGet, sealTableGet(scope, { ...want, request }));
    const answers = this.#rig.broker.published.slice(before);
    return answers.filter(({ topic }) => topic.startsWith(`${this.topics.tableHead.slice(0, -4)}`));
  }

  head(): TableHead {
    const [answer] = this.ask({ want: "head" });
    if (answer === undefined) throw new Error("no head");
    return whole(openTableHead(this.opener, answer.payload));
  }

  /** The deltas that were published on their own, since the beginning. */
  deltas(): readonly TableDelta[] {
    const messages = this.#rig.broker.payloadsOn(this.topics.tableDelta);
    return messages.map((message) => whole(openTableDelta(this.opener, message)));
  }

  manifest(): SnapshotManifest | undefined {
    const answer = this.ask({ want: "snapshot" }).at(-1);
    return answer && whole(openManifest(this.opener, answer.payload));
  }

  /** The table that the site wants here, from the one that was had last. */
  follow(): AccessTable {
    const { mark } = this.head();
    for (let tries = 0; tries < 3; tries += 1) {
      if (this.table !== undefined && isSameTable(this.table.mark, mark)) return this.table;
      if (!this.#followDeltas()) this.table = this.snapshot();
    }
    throw new Error("the site does not say how to come to its table");
  }

  snapshot(): AccessTable {
    const manifest = this.manifest();
    if (manifest === undefined) throw new Error("no snapshot");
    const image = Buffer.alloc(manifest.imageBytes);
    for (let from = 0; from < manifest.chunkHashes.length; from += 16) {
      const snapshot = snapshotName(manifest);
      for (const { payload } of this.ask({ want: "chunks", snapshot, from, count: 16 })) {
        const { index } = whole(readChunkLabel(payload));
        const plain = whole(openChunk(this.opener.tableKey, manifest, index, payload));
        image.set(plain, index * manifest.chunkBytes);
      }
    }
    return whole(openTableImage(new Uint8Array(image), parseTableFrame));
  }

  users(): readonly TableUser[] {
    return [...this.follow().users()];
  }

  passes(): readonly PassRecord[] {
    return [...this.follow().passRecords()];
  }

  pass(id: string): PassRecord | undefined {
    return this.passes().find((pass) => pass.id === passId(id));
  }

  #followDeltas(): boolean {
    const after = this.table?.mark;
    if (this.table === undefined || after === undefined) return false;
    const answers = this.ask({ want: "deltas", after });
    const deltas = answers.filter(({ topic }) => topic === this.topics.tableDelta);
    for (const { payload } of deltas) {
      whole(this.table.apply(whole(openTableDelta(this.opener, payload))));
    }
    return deltas.length > 0;
  }
}

function whole<Value>(result: Result<Value, unknown>): Value {
  if (result.ok) return result.value;
  throw new Error(JSON.stringify(result.fault));
}

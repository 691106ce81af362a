import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../../hal/clock.ts";
import type { SyncClient } from "../../../src/controller/sync-client.ts";
import type { AccessTable } from "../../../src/core/access-table/access-table.ts";
import { unknownPremises } from "../../../src/core/premises.ts";
import type { RawCredential } from "../../../src/domain/credential.ts";
import type { DoorId } from "../../../src/domain/ids.ts";
import type { BrokerLink } from "../../../src/protocols/sync/broker-link.ts";
import {
  authorize,
  connectMqtt,
  createSyncClient,
  createSystemClock,
  offlineWill,
  openSiteKeyStore,
  openTableStore,
  parseProvision,
} from "../compiled/controller-program.ts";
import { lightJournal } from "./light-journal.ts";

/** Which cards a door is to take from now on, and which it is not to take any more. */
export interface AwaitedCards {
  readonly granted: RawCredential;
  readonly refused: RawCredential;
}

export interface LightControllerOptions {
  readonly brokerUrl: string;
  /** JSON, as the site gives it. */
  readonly provision: string;
  /** Of this controller alone; made if need be. */
  readonly folder: string;
}

/**
 * A controller without its board and its journal: link, table store and sync client are the
 * program's own. Many of them live in one process.
 */
export class LightController {
  readonly #clock: Clock = createSystemClock({ quality: () => "trusted" });
  #table: AccessTable | undefined;
  #link: BrokerLink | undefined;
  #client: SyncClient | undefined;
  #tableCame: () => void = () => {};
  #awaited: { readonly cards: AwaitedCards; readonly tell: (at: bigint) => void } | undefined;

  /** Resolves when a table is in force. */
  async open({ brokerUrl, provision, folder }: LightControllerOptions): Promise<void> {
    const parsed = parseProvision(provision);
    if (!parsed.ok) throw new Error(`${parsed.fault.field}: ${parsed.fault.expected}`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const own = { provision: parsed.value, clock: this.#clock };
    const tableStore = await openTableStore({ ...own, folder: join(folder, "table") });
    const siteKeys = await openSiteKeyStore({ ...own, folder: join(folder, "site-key") });
    this.#table = tableStore.table();
    const came = new Promise<void>((resolve) => {
      this.#tableCame = resolve;
    });
    const { controller } = parsed.value;
    const say = (what: string) => process.stderr.write(`bench: ${controller}: ${what}\n`);
    this.#link = connectMqtt({
      url: brokerUrl,
      clientId: `postern-${controller}`,
      clock: this.#clock,
      will: offlineWill(parsed.value),
      onLost: say,
    });
    this.#client = createSyncClient({
      ...own,
      link: this.#link,
      siteKeys,
      journal: lightJournal,
      tableStore,
      troubles: { raise: say, clear: () => {} },
      status: () => ({
        online: true,
        software: "bench",
        clock: "trusted",
        troubles: [],
        ...(this.#table !== undefined && { table: this.#table.version }),
      }),
      record: () => {},
      carryOut: () => {},
      onTable: (table) => this.#use(table),
      onChange: () => this.#changed(),
    });
    if (this.#table === undefined) await came;
  }

  /** The instant (CLOCK_MONOTONIC, ns) at which the first of these is granted, and the other not. */
  async firstGrant(cards: AwaitedCards): Promise<bigint> {
    return new Promise((tell) => {
      this.#awaited = { cards, tell };
    });
  }

  async close(): Promise<void> {
    await this.#client?.close();
    await this.#link?.close();
  }

  #use(table: AccessTable): void {
    this.#table = table;
    this.#tableCame();
    this.#changed();
  }

  /** Asked where the program tells its doors, and not on a tick. */
  #changed(): void {
    this.#look();
    this.#client?.statusChanged();
  }

  #look(): void {
    const table = this.#table;
    if (table === undefined || this.#awaited === undefined) return;
    const { cards, tell } = this.#awaited;
    if (!this.#isGranted(table, cards.granted)) return;
    const at = process.hrtime.bigint();
    if (this.#isGranted(table, cards.refused)) throw new Error("a card that was replaced opens");
    this.#awaited = undefined;
    tell(at);
  }

  #isGranted(table: AccessTable, card: RawCredential): boolean {
    return table.doors.some(({ id }) => this.#isGrantedAt(table, id, card));
  }

  #isGrantedAt(table: AccessTable, door: DoorId, card: RawCredential): boolean {
    const decision = authorize(table, {
      door,
      presented: { card },
      wall: this.#clock.wall(),
      now: this.#clock.monotonic(),
      premises: unknownPremises,
    });
    return decision.kind === "granted";
  }
}

import { createHash } from "node:crypto";
import type { Clock } from "../../hal/clock.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";
import type { DoorEvent } from "../domain/event.ts";
import { HalError } from "../domain/hal-error.ts";
import { type Result, succeed } from "../domain/result.ts";
import type { TableDelta, TableMark } from "../domain/table-change.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { Provision } from "../protocols/sync/provision.ts";
import { openerOf, type SiteOpener } from "../protocols/sync/site-seal.ts";
import { openChunk, readChunkLabel } from "../protocols/sync/snapshot-chunk.ts";
import { openManifest } from "../protocols/sync/snapshot-manifest.ts";
import type { TableAck } from "../protocols/sync/table-ack-message.ts";
import { readTableDelta } from "../protocols/sync/table-delta.ts";
import { drawRequest, type TableGet } from "../protocols/sync/table-get.ts";
import { openTableHead } from "../protocols/sync/table-head.ts";
import { describeMark, isSameTable } from "../protocols/sync/table-order.ts";
import { numberTaken, type TableRefusal } from "../protocols/sync/table-refusal.ts";
import {
  initialTransfer,
  isChunkAwaited,
  stepTransfer,
  transferDeadline,
  verdictOn,
} from "../protocols/sync/table-transfer.ts";
import type {
  TransferEffect,
  TransferInput,
  TransferState,
} from "../protocols/sync/transfer-state.ts";
import { floorOf } from "../protocols/sync/transfer-turn.ts";
import { AppliedTables } from "./applied-tables.ts";
import { Deadline } from "./deadline.ts";
import type { Journal, TroubleReporter } from "./journal.ts";
import { LimitedAnswers } from "./limited-answers.ts";
import { OpenRequests } from "./open-requests.ts";
import { OpeningBudget } from "./opening-budget.ts";
import { RateLimit } from "./rate-limit.ts";
import type { SiteKeyStore } from "./site-key-store.ts";
import { SnapshotKeeper } from "./snapshot-keeper.ts";
import { TableRefusals } from "./table-refusals.ts";
import type { TableStore } from "./table-store.ts";

/** The site has handed over to a key that cannot be written to disk. It counts all the same. */
export const siteKeyNotStored = "site_key_not_stored";

/** Answers in a minute to what arrives on the site's topics, where anybody may publish. */
const answersMax = 60;
/** That the site must begin a new epoch: no garbage takes the room of that word, upon which it waits. */
const overtakingsMax = 20;
/** A chain of hand-overs costs its length in signatures to look at. */
const keyMessagesMax = 20;
const windowMs = 60_000;

export interface TableReceiverOptions {
  readonly provision: Provision;
  readonly siteKeys: SiteKeyStore;
  readonly store: TableStore;
  readonly clock: Clock;
  /** How much of what is recorded the site has. */
  readonly journal: Pick<Journal, "status">;
  readonly troubles: TroubleReporter;
  readonly record: (event: DoorEvent) => void;
  /** Another table object is durable: put it in force now. Called between two decisions. */
  readonly onTable: (table: AccessTable) => void;
  /** The table in force became another one in place, just now. Called between two decisions. */
  readonly onChange: (delta: TableDelta) => void;
  readonly answer: (ack: TableAck) => void;
  readonly get: (get: TableGet) => void;
  /** The site has shown itself, with something new or known. */
  readonly onSiteSeen: () => void;
  /** 0 to 1, drawn once. */
  readonly spread: number;
}

interface Refusal {
  readonly reason: string;
  readonly detail: string;
}

/** Its message was left unopened for want of time. */
const unopened = "unopened";

/**
 * Opens what arrives on the site's topics, lets `stepTransfer` judge it, and carries out what that
 * says: on disk first, then in force. What fails at any step changes nothing.
 */
export class TableReceiver {
  readonly #options: TableReceiverOptions;
  readonly #refusals: TableRefusals;
  readonly #answers: LimitedAnswers;
  readonly #overtakings: LimitedAnswers;
  readonly #opening: OpeningBudget;
  readonly #applied: AppliedTables;
  readonly #headRequests: OpenRequests;
  readonly #keyMessages: RateLimit;
  readonly #deadline: Deadline;
  readonly #snapshots: SnapshotKeeper;
  #state: TransferState;
  #opener: SiteOpener;
  #inForce: AccessTable | undefined;
  readonly #underWay = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: TableReceiverOptions) {
    const { clock, record, store, provision, siteKeys, answer } = options;
    this.#options = options;
    this.#refusals = new TableRefusals(options);
    this.#answers = new LimitedAnswers(clock, answersMax, answer);
    this.#overtakings = new LimitedAnswers(clock, overtakingsMax, answer);
    this.#opening = new OpeningBudget(clock, (count) => this.#tellDropped(count));
    this.#applied = new AppliedTables(clock, record);
    this.#headRequests = new OpenRequests(clock);
    this.#keyMessages = new RateLimit(clock, { countMax: keyMessagesMax, windowMs });
    this.#deadline = new Deadline(clock, () => this.#feed({ kind: "deadline_reached" }));
    this.#opener = openerOf(provision, siteKeys.current());
    this.#inForce = store.table();
    this.#snapshots = new SnapshotKeeper(store, (input) => this.#tell(input));
    this.#state = initialTransfer({
      inForce: this.#inForce?.mark,
      newest: store.newestAccepted(),
      isFoldDue: store.foldIsDue(),
      spread: options.spread,
    });
    store.onLoaded(() => this.#takeFound());
  }

  up(): void {
    this.#feed({ kind: "link_up" });
  }

  down(): void {
    this.#headRequests.forget();
    this.#feed({ kind: "link_down" });
  }

  /** A message on the head's topic: from anybody, as on all of these. */
  takeHead(message: Uint8Array): void {
    this.#take(message, openTableHead, (head) => {
      const isAnswer = head.request !== undefined && this.#headRequests.close(head.request);
      return { kind: "head", head, isAnswer };
    });
  }

  /** Its changes are read where they are of use: the rest is the bulk of the work, and replayed. */
  takeDelta(message: Uint8Array): void {
    const bytes = message.length;
    const open = (opener: SiteOpener): Result<TransferInput | undefined, TableRefusal> => {
      const read = readTableDelta(opener, message);
      if (!read.ok) return read;
      const { from, to, unpack } = read.value;
      const verdict = verdictOn(this.#state, { from, to, bytes });
      if (verdict === numberTaken) return succeed({ kind: "stray_delta", from });
      if (verdict !== "due" && verdict !== "ahead") return succeed(undefined);
      const delta = unpack();
      return delta.ok ? succeed({ kind: "delta", delta: delta.value, bytes }) : delta;
    };
    this.#take(message, open, (input) => input);
  }

  takeManifest(message: Uint8Array): void {
    this.#take(message, openManifest, (manifest) => ({ kind: "manifest", manifest }));
  }

  takeChunk(message: Uint8Array): void {
    if (this.#isClosed || !this.#opening.hasTime()) return;
    const label = readChunkLabel(message);
    if (!label.ok) return this.#refuseMessage(message, label.fault);
    // To look at the others would cost a hash of all of it.
    const { snapshot } = this.#state;
    if (snapshot === undefined || !isChunkAwaited(this.#state, label.value)) return;
    const { index } = label.value;
    const open = () => openChunk(this.#opener.tableKey, snapshot.manifest, index, message);
    // Good ones come at the pace at which we ask for them, and must not crowd out a revocation.
    const plain = this.#opening.spend(open, ({ ok }) => ok);
    if (!plain.ok) return this.#refuseMessage(message, plain.fault);
    this.#feed({ kind: "chunk", ...label.value, plain: plain.value });
  }

  takeKey(message: Uint8Array): void {
    if (this.#isClosed || !this.#keyMessages.take()) return;
    const { provision, siteKeys } = this.#options;
    const before = siteKeys.current();
    const taken = siteKeys.take(message);
    if (siteKeys.current() !== before) {
      this.#opener = openerOf(provision, siteKeys.current());
      // What it signed before we knew the key was refused.
      this.#feed({ kind: "site_in_doubt" });
    }
    this.#own(this.#keyTaken(message, taken));
  }

  /** Nothing is put in force afterwards. What the table's disk is doing its store ends. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#deadline.set(undefined);
    this.#answers.close();
    this.#overtakings.close();
    this.#opening.close();
    this.#applied.close();
    this.#refusals.close();
    this.#snapshots.close();
    await Promise.all(this.#underWay);
  }

  #take<Said>(
    message: Uint8Array,
    open: (opener: SiteOpener, message: Uint8Array) => Result<Said, Refusal>,
    inputOf: (said: Said) => TransferInput | undefined,
  ): void {
    if (this.#isClosed || !this.#opening.hasTime()) return;
    const opened = this.#opening.spend(() => {
      const result = open(this.#opener, message);
      if (!result.ok) this.#refuseMessage(message, result.fault);
      return result;
    });
    if (opened.ok) {
      const input = inputOf(opened.value);
      return input === undefined ? undefined : this.#feed(input);
    }
    if (opened.fault.reason === "altered") this.#feed({ kind: "site_in_doubt" });
  }

  async #keyTaken(message: Uint8Array, taken: ReturnType<SiteKeyStore["take"]>): Promise<void> {
    const result = await taken;
    if (this.#isClosed) return;
    const { troubles } = this.#options;
    if (result.ok) return troubles.clear(siteKeyNotStored);
    if (result.fault instanceof HalError) return troubles.raise(siteKeyNotStored);
    this.#refuseMessage(message, result.fault);
  }

  #feed(input: TransferInput): void {
    if (this.#isClosed) return;
    const step = stepTransfer(this.#state, input, this.#options.clock.monotonic());
    this.#state = step.state;
    for (const effect of step.effects) this.#carryOut(effect);
    this.#deadline.set(transferDeadline(step.state));
  }

  #carryOut(effect: TransferEffect): void {
    const { answer, get, troubles, onSiteSeen } = this.#options;
    switch (effect.kind) {
      case "get": {
        const request = drawRequest();
        if (effect.want.want === "head") this.#headRequests.open(request);
        return get({ ...effect.want, request });
      }
      case "store_deltas":
        return leave(this.#storeDeltas(effect.deltas));
      case "begin_snapshot":
      case "store_chunk":
      case "finish_snapshot":
      case "abandon_snapshot":
        return this.#snapshots.carryOut(effect);
      case "fold":
        return leave(this.#fold());
      case "report":
        return answer(effect.ack);
      case "answer":
        return this.#answers.take(effect.ack);
      case "refuse": {
        const { reason, detail } = effect.refusal;
        return this.#refuse(`${reason} ${detail}`, effect.refusal);
      }
      case "site_seen":
        return onSiteSeen();
      case "trouble":
        return effect.state === "raised"
          ? troubles.raise(effect.trouble)
          : troubles.clear(effect.trouble);
      default:
        return unreachable(effect);
    }
  }

  /** What the disk did not let itself be read at the start. */
  #takeFound(): void {
    if (this.#isClosed) return;
    this.#useTable();
    const { store } = this.#options;
    const table = this.#inForce?.mark;
    if (table === undefined) throw new Error("a table was found and there is none");
    const newest = store.newestAccepted();
    this.#feed({ kind: "table_found", table, newest, isFoldDue: store.foldIsDue() });
  }

  /** What the disk did with a snapshot. */
  #tell(input: TransferInput): void {
    if (this.#isClosed) return;
    this.#useTable();
    if (input.kind === "snapshot_applied") this.#applied.asWhole(input.table);
    this.#feed(input);
  }

  async #storeDeltas(deltas: readonly TableDelta[]): Promise<void> {
    const { store } = this.#options;
    const stored = await store.append(deltas);
    if (this.#isClosed) return;
    this.#useTable();
    if (!stored.ok && this.#isInForce(deltas[0]?.from)) {
      return this.#feed({ kind: "deltas_not_stored", detail: stored.fault.message });
    }
    for (const delta of deltas) {
      const table = this.#inForce;
      // A snapshot has taken the table's place meanwhile: then they were not stored either.
      if (table === undefined || !isSameTable(table.mark, delta.from)) break;
      const applied = table.apply(delta);
      if (!applied.ok) {
        const detail = `delta to ${describeMark(delta.to)}: ${applied.fault}`;
        const newest = store.newestAccepted();
        return this.#feed({ kind: "delta_invalid", table: table.mark, newest, detail });
      }
      this.#options.onChange(delta);
      this.#applied.byDeltas(delta.to);
    }
    const table = this.#inForce?.mark;
    if (table === undefined) throw new Error("deltas were stored and there is no table");
    this.#feed({ kind: "deltas_applied", table, isFoldDue: store.foldIsDue() });
  }

  async #fold(): Promise<void> {
    const { store } = this.#options;
    const folded = await store.fold();
    if (this.#isClosed) return;
    this.#useTable();
    this.#feed(
      folded.ok ? { kind: "folded", isFoldDue: store.foldIsDue() } : { kind: "not_folded" },
    );
  }

  #isInForce(mark: TableMark | undefined): boolean {
    const table = this.#inForce;
    return table !== undefined && mark !== undefined && isSameTable(table.mark, mark);
  }

  /** The store may have another object in the table's place. */
  #useTable(): void {
    const table = this.#options.store.table();
    if (table === undefined || table === this.#inForce) return;
    this.#inForce = table;
    this.#options.onTable(table);
  }

  #refuseMessage(message: Uint8Array, refusal: Refusal): void {
    this.#refuse(createHash("sha256").update(message).digest("base64"), refusal);
  }

  #refuse(fingerprint: string, refusal: Refusal): void {
    this.#refusals.note(fingerprint, refusal);
    const { reason, detail } = refusal;
    // Of what the site has signed alone.
    const isOvertaken = reason === "older" || reason === numberTaken;
    const table = isOvertaken ? floorOf(this.#state) : this.#inForce?.mark;
    const answers = isOvertaken ? this.#overtakings : this.#answers;
    answers.take({ outcome: "refused", reason, detail, ...(table !== undefined && { table }) });
  }

  #tellDropped(count: number): void {
    this.#refusals.count(count, unopened);
    this.#feed({ kind: "words_dropped" });
  }

  /** It rejects for mistakes of ours only, and those end the process. */
  #own(work: Promise<void>): void {
    const owned = work.finally(() => this.#underWay.delete(owned));
    this.#underWay.add(owned);
  }
}

/** To the store, which lets it end when it is closed. It rejects for mistakes of ours only. */
function leave(work: Promise<void>): void {
  void work;
}

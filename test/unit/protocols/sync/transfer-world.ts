import { Seeded } from "../../../../hal/sim/seeded.ts";
import { type MonotonicMs, monotonicMs } from "../../../../src/domain/time.ts";
import type { TableAck } from "../../../../src/protocols/sync/table-ack-message.ts";
import type { TableWant } from "../../../../src/protocols/sync/table-get.ts";
import { isNewer, isSameTable } from "../../../../src/protocols/sync/table-order.ts";
import { numberTaken } from "../../../../src/protocols/sync/table-refusal.ts";
import {
  initialTransfer,
  isChunkAwaited,
  stepTransfer,
  transferDeadline,
  verdictOn,
} from "../../../../src/protocols/sync/table-transfer.ts";
import type {
  TransferEffect,
  TransferInput,
  TransferState,
} from "../../../../src/protocols/sync/transfer-state.ts";
import { floorOf } from "../../../../src/protocols/sync/transfer-turn.ts";
import { type DiskEffect, PaperTableDisk } from "./paper-table-disk.ts";
import { nameOf, PaperTableSite, type SiteWord } from "./paper-table-site.ts";

/** Chances of what befalls each message, and how long one takes at most. */
export interface TransferWeather {
  readonly lost: number;
  readonly doubled: number;
  readonly delayMsMax: number;
  readonly diskMsMax: number;
}

export const fair: TransferWeather = { lost: 0, doubled: 0, delayMsMax: 0, diskMsMax: 0 };

interface Happening {
  readonly at: number;
  readonly order: number;
  readonly happen: () => void;
}

/**
 * One site, one broker that belongs to an attacker, one controller of which all but the transfer is
 * on paper. What is in force was signed, is durable, and never goes back: looked at after each step.
 */
export class TransferWorld {
  readonly random: Seeded;
  readonly site: PaperTableSite;
  readonly disk: PaperTableDisk;
  readonly gets: TableWant[] = [];
  readonly acks: TableAck[] = [];
  readonly effects: TransferEffect[] = [];
  /** All that the site ever said, for whoever kept it. */
  readonly heard: SiteWord[] = [];
  weather = fair;
  /** Whoever owns the broker answers requests with what was once said, as often as not. */
  isHostile = false;
  state: TransferState;
  now = 1_000;
  isUp = false;
  #queue: Happening[] = [];
  #order = 0;
  /** Which life of the controller this is: the disk's answers to an earlier one reach nobody. */
  #life = 0;
  #deadline: MonotonicMs | undefined;

  constructor(seed: number) {
    this.random = new Seeded(seed);
    this.disk = new PaperTableDisk(this.random);
    this.site = new PaperTableSite(this.random, (word) => this.#fromSite(word));
    this.heard.push(this.site.head());
    this.state = this.#start();
  }

  up(): void {
    if (this.isUp) return;
    this.isUp = true;
    this.feed({ kind: "link_up" });
    this.#carry(() => this.#toController(this.site.head()));
  }

  down(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.feed({ kind: "link_down" });
  }

  /** The process ends between any two steps; of what the disk was doing some is done. */
  restart(): void {
    this.isUp = false;
    this.#life += 1;
    const left = this.#queue;
    this.#queue = [];
    for (const { happen } of left) if (this.random.chance(0.5)) happen();
    this.disk.forget();
    this.state = this.#start();
    this.#deadline = transferDeadline(this.state);
  }

  replay(word: SiteWord): void {
    this.#toController(word);
  }

  /** What there is to happen until then, in its order. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (let steps = 0; ; steps += 1) {
      if (steps > 100_000) throw new Error("it never comes to rest");
      const next = this.#queue.reduce<Happening | undefined>(earlier, undefined);
      const deadlineAt = this.#deadline ?? Number.POSITIVE_INFINITY;
      const at = Math.min(next?.at ?? Number.POSITIVE_INFINITY, deadlineAt);
      if (at > end) break;
      this.now = Math.max(this.now, at);
      if (next !== undefined && next.at <= deadlineAt) {
        this.#queue = this.#queue.filter((other) => other !== next);
        next.happen();
      } else this.feed({ kind: "deadline_reached" });
    }
    this.now = end;
  }

  feed(input: TransferInput): void {
    const before = this.disk.inForce;
    const step = stepTransfer(this.state, input, monotonicMs(this.now));
    this.state = step.state;
    this.effects.push(...step.effects);
    for (const effect of step.effects) this.#carryOut(effect);
    this.#deadline = transferDeadline(step.state);
    if (this.#deadline !== undefined && this.#deadline <= this.now) {
      throw new Error(`a deadline that has passed, after ${input.kind}`);
    }
    if (before !== this.disk.inForce) throw new Error("in force before it was on disk");
  }

  /** What does not hold, if anything. */
  fault(): string | undefined {
    const { inForce, newest, faults } = this.disk;
    if (inForce !== undefined && !this.site.signed.has(nameOf(inForce))) return "not signed";
    if (inForce !== undefined && (newest === undefined || isNewer(inForce, newest))) {
      return "newer than what is durable";
    }
    const { base } = this.state.deltas;
    const isKnown =
      base === undefined
        ? inForce === undefined
        : inForce !== undefined && isSameTable(base, inForce);
    if (!isKnown) return "the transfer believes another table in force";
    const { ahead } = this.state.deltas;
    if (base !== undefined && ahead.some(({ delta }) => !isNewer(delta.to, base))) {
      return "what leads back is kept for later";
    }
    if (ahead.length > 256) return "more kept than there is room for";
    return faults[0];
  }

  isThere(): boolean {
    const { inForce } = this.disk;
    return inForce !== undefined && isSameTable(inForce, this.site.mark);
  }

  #start(): TransferState {
    return initialTransfer({
      inForce: this.disk.inForce,
      newest: this.disk.newest,
      isFoldDue: this.disk.isFoldDue,
      spread: this.random.next(),
    });
  }

  #carryOut(effect: TransferEffect): void {
    switch (effect.kind) {
      case "get":
        this.gets.push(effect.want);
        if (!this.isUp) return;
        if (this.isHostile && this.random.chance(0.6)) return this.#answerFalsely(effect.want);
        return this.#carry(() => this.site.answer(effect.want));
      case "report":
      case "answer":
        return this.#ack(effect.ack);
      case "refuse": {
        // As the receiver says it: a disk without memory has not kept what an answer named.
        const { reason } = effect.refusal;
        const isOvertaken = reason === "older" || reason === numberTaken;
        const table = isOvertaken ? floorOf(this.state) : this.disk.inForce;
        return this.#ack({
          outcome: "refused",
          ...effect.refusal,
          ...(table !== undefined && { table }),
        });
      }
      case "site_seen":
      case "trouble":
        return;
      default:
        return this.#onDisk(effect);
    }
  }

  #ack(ack: TableAck): void {
    this.acks.push(ack);
    if (this.isUp) this.#carry(() => this.site.take(ack));
  }

  /** In the order of asking, for a snapshot; deltas and folds take their own time. */
  #onDisk(effect: DiskEffect): void {
    const life = this.#life;
    this.disk.begin(effect);
    const isSnapshot = effect.kind.includes("snapshot") || effect.kind === "store_chunk";
    this.#diskFreeAt = Math.max(this.#diskFreeAt, this.now);
    const isLong = effect.kind === "fold" || effect.kind === "finish_snapshot";
    const delay = this.random.between(0, this.weather.diskMsMax * (isLong ? 8 : 1));
    const at = (isSnapshot ? this.#diskFreeAt : this.now) + delay;
    if (isSnapshot) this.#diskFreeAt = at;
    const end = (): void => {
      if (effect.kind === "finish_snapshot" && this.disk.holdsFinish) {
        return this.#at(this.now + 1_000, end);
      }
      const result = this.disk.end(effect);
      if (result !== undefined && life === this.#life) this.feed(result);
    };
    this.#at(at, end);
  }

  #diskFreeAt = 0;

  #fromSite(word: SiteWord): void {
    // Whoever says it again answers nothing.
    this.heard.push(word.kind === "head" ? { ...word, isAnswer: false } : word);
    this.#carry(() => this.#toController(word));
  }

  /** Everything that is answered so was signed once. */
  #answerFalsely(want: TableWant): void {
    const wanted = {
      head: "head",
      deltas: "delta",
      snapshot: "manifest",
      chunks: "chunk",
    } as const;
    const old = this.heard.filter(({ kind }) => kind === wanted[want.want]);
    if (want.want === "chunks") {
      for (let index = want.from; index < want.from + want.count; index += 1) {
        const plain = Buffer.from(`${want.snapshot} ${index}`);
        this.#carry(() =>
          this.#toController({ kind: "chunk", snapshot: want.snapshot, index, plain }),
        );
      }
      return;
    }
    const [first, ...others] = old;
    if (first === undefined) return;
    const word = this.random.pick([first, ...others]);
    this.#carry(() => this.#toController(word));
  }

  #toController(word: SiteWord): void {
    if (!this.isUp) return;
    if (word.kind === "chunk" && !isChunkAwaited(this.state, word)) return;
    if (word.kind === "delta") return this.#deltaToController(word);
    this.feed(word);
  }

  /** As the shell does, which reads the changes of none but those that are of use. */
  #deltaToController(word: Extract<SiteWord, { readonly kind: "delta" }>): void {
    const { from, to } = word.delta;
    const verdict = verdictOn(this.state, { from, to, bytes: word.bytes });
    if (verdict === "number_taken") return this.feed({ kind: "stray_delta", from });
    if (verdict === "due" || verdict === "ahead") this.feed(word);
  }

  #carry(arrive: () => void): void {
    const { lost, doubled, delayMsMax } = this.weather;
    if (this.random.chance(lost)) return;
    const times = this.random.chance(doubled) ? 2 : 1;
    for (let time = 0; time < times; time += 1) {
      this.#at(this.now + this.random.between(0, delayMsMax), arrive);
    }
  }

  #at(at: number, happen: () => void): void {
    this.#order += 1;
    this.#queue.push({ at, order: this.#order, happen });
  }
}

function earlier(first: Happening | undefined, other: Happening): Happening {
  if (first === undefined || other.at < first.at) return other;
  return other.at === first.at && other.order < first.order ? other : first;
}

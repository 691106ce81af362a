import type { Clock } from "../../hal/clock.ts";
import { HalError } from "../domain/hal-error.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import { type ForkedAck, openEventAck, type StoredAck } from "../protocols/sync/ack-message.ts";
import type { MessageScope } from "../protocols/sync/authenticated-message.ts";
import type { BrokerLink } from "../protocols/sync/broker-link.ts";
import {
  eventBatchEntriesMax,
  sealEventBatch,
  takeEventBatch,
} from "../protocols/sync/event-message.ts";
import { isForkedHere, isOurs } from "./ack-comparison.ts";
import { Deadline } from "./deadline.ts";
import type { Journal, TroubleReporter } from "./journal.ts";

/** The broker takes events and the site does not say that it has them. */
export const siteSilent = "site_silent";

/** Entries on their way that the site has not acknowledged; more wait in the journal. */
const windowEntriesMax = 2_000;
/** Without an acknowledgement that says something new, everything after the last goes out again. */
const answerMinMs = 3_000;
const answerMaxMs = 5 * 60_000;
/** Asking whether the site still has what it acknowledged, at most once in this time. */
const askAgainMs = 60_000;
/** Going back because something hints at a loss, at most once in this time: hints can be replayed. */
const rewindQuietMs = 1_000;
/** Beginning the journal anew, at most once in this time, whatever the site says. */
const beginAnewQuietMs = 60_000;

export interface EventPublisherOptions {
  readonly link: Pick<BrokerLink, "publish">;
  readonly topic: string;
  readonly scope: MessageScope;
  readonly journal: Pick<
    Journal,
    "id" | "oldest" | "highest" | "acknowledged" | "acknowledge" | "read" | "beginAnew"
  >;
  readonly clock: Clock;
  readonly troubles: TroubleReporter;
}

/**
 * Brings the journal to the site: in order, from the last acknowledged entry on, as often as it
 * takes. What the broker says it took counts for nothing; only the site's own word ends an entry's
 * way. The site stores each entry once, so one that is sent twice does no harm.
 */
export class EventPublisher {
  readonly #options: EventPublisherOptions;
  readonly #answer: Deadline;
  readonly #askAgain: Deadline;
  #isUp = false;
  /** Which connection this is: what was begun on an earlier one ends by itself. */
  #connection = 0;
  #journal: string | undefined;
  /** The last entry given to the broker, and the last that the site said it has. */
  #sent = 0;
  #confirmed = 0;
  #answerMs = answerMinMs;
  #rewoundAt: MonotonicMs | undefined;
  #askedAt: MonotonicMs | undefined;
  /** Since it was asked: what it answers may be of before. */
  #hasShownItselfSince = false;
  #wasSetBack = false;
  #isAnswerAwaited = false;
  #isPumping = false;
  #refusedAckCount = 0;
  /** One acknowledgement is compared at a time; of those that come meanwhile, the one that says most. */
  #isComparing = false;
  #toCompare: StoredAck | undefined;
  #isLookingAtFork = false;
  #begunAnewAt: MonotonicMs | undefined;

  constructor(options: EventPublisherOptions) {
    this.#options = options;
    this.#answer = new Deadline(options.clock, () => this.#overdue());
    this.#askAgain = new Deadline(options.clock, () => this.siteSeen());
  }

  /** Acknowledgements that were not the site's, or not about this journal. */
  get refusedAckCount(): number {
    return this.#refusedAckCount;
  }

  up(): void {
    this.#isUp = true;
    this.#connection += 1;
    this.#wasSetBack = false;
    this.#rewoundAt = undefined;
    this.#askedAt = undefined;
    this.#answerMs = answerMinMs;
    this.#restart();
    this.pump();
  }

  down(): void {
    this.#isUp = false;
    this.#connection += 1;
    this.#askAgain.set(undefined);
    this.#awaitAnswer();
  }

  /** Sends what there is to send, if anything. For whenever the journal has grown. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    // It rejects for mistakes of ours only, and those end the process.
    void this.#sendAll();
  }

  /**
   * The site has shown itself. If it was away, it has missed what the broker took meanwhile; and it
   * may have come back from an older copy of itself, which no door that is quiet would ever tell.
   */
  siteSeen(): void {
    const isAllConfirmed = this.#options.journal.highest() === this.#confirmed;
    if (this.#sent > this.#confirmed) this.#rewind();
    else if (this.#isUp && isAllConfirmed && this.#confirmed > 0) this.#askWhatSiteHas();
  }

  /** A message on the acknowledgement topic: from anybody. */
  takeAck(payload: Uint8Array): void {
    const { scope, journal } = this.#options;
    const ack = openEventAck(scope, payload);
    if (!ack.ok || ack.value.journal !== journal.id()) this.#refusedAckCount += 1;
    else if ("forkedAt" in ack.value) this.#lookAtFork(ack.value);
    else if (ack.value.number > journal.highest()) this.#refusedAckCount += 1;
    else this.#takeStored(ack.value);
  }

  #takeStored(ack: StoredAck): void {
    const { number } = ack;
    this.#useJournal();
    if (!this.#hasShownItselfSince) this.#askAgain.set(undefined);
    // Going back believes nothing, so that nothing is compared.
    if (number < this.#confirmed) this.#setBack(number);
    else if (number > this.#confirmed) this.#compare(ack);
    // It answered something that did not help it: there is a gap before what it got.
    else if (this.#sent > number) this.#rewind();
  }

  #compare(ack: StoredAck): void {
    if (ack.hash === undefined) return this.#progress(ack.number);
    if (this.#isComparing) {
      if (ack.number >= (this.#toCompare?.number ?? 0)) this.#toCompare = ack;
      return;
    }
    this.#isComparing = true;
    // It rejects for mistakes of ours only, and those end the process.
    void this.#compareWithOurs(ack);
  }

  async #compareWithOurs(ack: StoredAck): Promise<void> {
    const { journal } = this.#options;
    const isSame = await isOurs(journal, ack);
    this.#isComparing = false;
    const next = this.#toCompare;
    this.#toCompare = undefined;
    if (ack.journal === journal.id() && ack.number > this.#confirmed) {
      if (isSame === true) this.#progress(ack.number);
      if (isSame === false) this.#notOurs();
    }
    if (next === undefined || next.journal !== journal.id()) return;
    if (next.number > this.#confirmed) this.#compare(next);
  }

  /**
   * The site has another entry under that number: our disk took back what it had called written. From
   * what goes out again the site sees where that begins, and says so.
   */
  #notOurs(): void {
    this.#refusedAckCount += 1;
    this.#rewind();
  }

  #lookAtFork(ack: ForkedAck): void {
    const now = this.#options.clock.monotonic();
    const isQuiet = this.#begunAnewAt === undefined || now - this.#begunAnewAt >= beginAnewQuietMs;
    if (this.#isLookingAtFork || !isQuiet) return;
    this.#isLookingAtFork = true;
    void this.#beginAnewIfForked(ack);
  }

  async #beginAnewIfForked(ack: ForkedAck): Promise<void> {
    const { journal, clock } = this.#options;
    const isForked = await isForkedHere(journal, ack);
    this.#isLookingAtFork = false;
    if (!isForked || ack.journal !== journal.id()) {
      this.#refusedAckCount += 1;
      return;
    }
    this.#begunAnewAt = clock.monotonic();
    journal.beginAnew(ack.forkedAt);
  }

  #progress(number: number): void {
    this.#confirmed = number;
    this.#sent = Math.max(this.#sent, number);
    this.#options.journal.acknowledge(number);
    this.#answerMs = answerMinMs;
    this.#options.troubles.clear(siteSilent);
    this.#awaitAnswer();
    this.pump();
  }

  /**
   * The site has less than it had: it was restored from a copy, or this is an old message. Once per
   * connection it is believed, since the journal may still have what the site lost; and once more each
   * time that the site is asked, or an answer is overdue: an old message that is retained comes first
   * each time.
   */
  #setBack(number: number): void {
    if (this.#wasSetBack) return;
    this.#wasSetBack = true;
    this.#confirmed = number;
    this.#awaitAnswer();
    this.#rewind();
  }

  /**
   * Sends the last entry that it acknowledged: the answer says whether it has that one still. A disk
   * that does not answer, a broker that takes nothing in or a site that goes away again lose the
   * question, and nothing else is owed that would tell: it is asked again until it is answered.
   */
  #askWhatSiteHas(): void {
    const now = this.#options.clock.monotonic();
    if (this.#askedAt !== undefined && now - this.#askedAt < askAgainMs) {
      this.#hasShownItselfSince = true;
      this.#askAgain.set(monotonicMs(this.#askedAt + askAgainMs));
      return;
    }
    this.#askedAt = now;
    this.#hasShownItselfSince = false;
    this.#askAgain.set(monotonicMs(now + askAgainMs));
    this.#wasSetBack = false;
    this.#sent = this.#confirmed - 1;
    this.pump();
  }

  #rewind(): void {
    const now = this.#options.clock.monotonic();
    if (this.#rewoundAt !== undefined && now - this.#rewoundAt < rewindQuietMs) return;
    this.#rewoundAt = now;
    this.#sent = this.#confirmed;
    this.pump();
  }

  #overdue(): void {
    this.#options.troubles.raise(siteSilent);
    this.#answerMs = Math.min(this.#answerMs * 2, answerMaxMs);
    this.#sent = this.#confirmed;
    this.#wasSetBack = false;
    this.#awaitAnswer();
    this.pump();
  }

  /** Armed only while an answer is owed. */
  #awaitAnswer(): void {
    const { clock, journal } = this.#options;
    this.#isAnswerAwaited = this.#isUp && journal.highest() > this.#confirmed;
    const at = monotonicMs(clock.monotonic() + this.#answerMs);
    this.#answer.set(this.#isAnswerAwaited ? at : undefined);
  }

  #restart(): void {
    const { journal } = this.#options;
    this.#journal = journal.id();
    this.#confirmed = journal.acknowledged();
    this.#sent = this.#confirmed;
  }

  /** A damaged journal, or a forked one, is replaced by one that counts from 1 again. */
  #useJournal(): void {
    if (this.#options.journal.id() !== this.#journal) this.#restart();
  }

  async #sendAll(): Promise<void> {
    try {
      while (this.#isUp) {
        this.#useJournal();
        const windowEnd = this.#confirmed + windowEntriesMax;
        if (this.#sent >= Math.min(this.#options.journal.highest(), windowEnd)) return;
        const connection = this.#connection;
        const wasSent = await this.#sendBatch(connection);
        if (!this.#isAnswerAwaited) this.#awaitAnswer();
        // Where it could not be sent, the deadline or the next connection tries again.
        if (!wasSent && connection === this.#connection) return;
      }
    } finally {
      this.#isPumping = false;
    }
  }

  /** False where the journal or the broker would not. */
  async #sendBatch(connection: number): Promise<boolean> {
    const { link, topic, scope, journal } = this.#options;
    const after = this.#sent;
    try {
      const entries = await journal.read({ after, limit: eventBatchEntriesMax });
      // Rewound or reconnected while the disk was read: what is due now is something else.
      if (connection !== this.#connection || after !== this.#sent) return true;
      const batch = takeEventBatch(entries);
      const last = batch.at(-1);
      if (last === undefined) return false;
      // Begun anew while it was read: the next turn begins with that one.
      if (last.journal !== this.#journal) return journal.id() !== this.#journal;
      // Said before it is done, so that going back while the broker takes its time is not undone.
      this.#sent = last.number;
      const message = sealEventBatch(scope, batch, journal.oldest());
      await link.publish(topic, message, { qos: 1, retain: false });
      return true;
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      if (connection === this.#connection) this.#sent = Math.min(this.#sent, after);
      return false;
    }
  }
}

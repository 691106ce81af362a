import type { Clock } from "../../hal/clock.ts";
import { describeFailure } from "../domain/describe-failure.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import {
  type CommandFault,
  enrolmentMsMax,
  type SiteCommand,
} from "../protocols/sync/site-command.ts";
import type { ActionAttempts, AttemptError, AttemptOutcome } from "./action-attempts.ts";
import { attemptExpired } from "./action-attempts.ts";
import { cardFormats } from "./api/acs/given-card.ts";
import { type EnrolmentTarget, fillTarget, unasked } from "./fill-target.ts";
import type { Issuer } from "./issuer.ts";
import type { ReadCard } from "./read-card.ts";
import { type Expected, nameOf, readCredential } from "./read-credential.ts";
import type { ReaderPlace } from "./reader-places.ts";
import type { SiteLog } from "./site-log.ts";
import type { Author } from "./store/site-store.ts";
import type { ActionAttemptRow } from "./store/store-schema.ts";

/** How long a reader waits unless somebody says otherwise. */
export const listenMsUsual = 60_000;
/** Beyond that time: to reach the controller, and for its answer to come by a link that was down. */
const attemptGraceMs = 25_000;
/** How long a card that was read for no pass can still be saved as one. */
export const scannedKeptMs = 900_000;
/** Cards that are kept so; beyond it the oldest is forgotten. */
const scannedMax = 256;
/** Enrolments under way at a time, at all readers together. */
export const enrolmentsMax = 64;

export interface EnrolmentOrder {
  readonly place: ReaderPlace;
  readonly author: Author;
  /** Absent: whoever asked sees what card is read, and may save it as a pass. */
  readonly target?: EnrolmentTarget;
  /** What is taken: whatever else is presented meanwhile is judged as ever. */
  readonly expects: Expected;
  /** `last_unknown`: the card that the reader declined last because nobody knew it; nobody need present it. */
  readonly from: "next_card" | "last_unknown";
  readonly listenMs?: number;
}

export interface EnrolmentsParts {
  readonly issuer: Issuer;
  readonly attempts: ActionAttempts;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: SiteLog;
}

/** What an attempt that scans keeps of what was read, for its answer: nothing that is secret. */
export interface ScanResult {
  /** The pass that the card is; null: nobody's. */
  readonly pass: string | null;
  readonly display_name: string;
  readonly bit_count: number;
  readonly card_format: string | null;
}

interface UnderWay {
  readonly place: ReaderPlace;
  readonly over: Promise<void>;
}

/** Cards and phones that readers are asked for, and what becomes of them: behaviours 13 to 16. */
export class Enrolments {
  readonly #parts: EnrolmentsParts;
  readonly #underWay = new Map<string, UnderWay>();
  readonly #scanned = new Map<string, { readonly card: ReadCard; readonly at: MonotonicMs }>();

  constructor(parts: EnrolmentsParts) {
    this.#parts = parts;
  }

  /** Resolves when the attempt is made; what comes of it, the attempt says. */
  async begin(order: EnrolmentOrder): Promise<Result<ActionAttemptRow, "too_many">> {
    if (this.#underWay.size >= enrolmentsMax) return fail("too_many");
    const { place, author, target, from, expects } = order;
    const listenMs = Math.min(order.listenMs ?? listenMsUsual, enrolmentMsMax);
    const attempt = await this.#parts.attempts.begin(author, {
      type: target === undefined ? "SCAN_CREDENTIAL" : "SCAN_TO_ASSIGN_CREDENTIAL",
      action: target === undefined ? "reader.scan" : "reader.enrol",
      subject: { kind: "reader", id: `${place.controller}/${place.reader}` },
      detail: { from, expects, ...target },
      forMs: listenMs + attemptGraceMs,
    });
    const over = this.#carryOut(attempt.id, { ...order, listenMs });
    this.#underWay.set(attempt.id, { place, over });
    return succeed(attempt);
  }

  /** False: it is over, or is none of these. */
  async cancel(attempt: string): Promise<boolean> {
    const underWay = this.#underWay.get(attempt);
    if (underWay === undefined) return false;
    const { reader, controller } = underWay.place;
    await this.#parts.issuer.engine.command(controller, {
      kind: "cancel_enrolment",
      attempt,
      reader,
    });
    return true;
  }

  /** A card that was read for no pass becomes one. Undefined: it is not remembered any more. */
  async save(
    author: Author,
    attempt: string,
    target: EnrolmentTarget,
  ): Promise<Result<string, AttemptError> | undefined> {
    const scanned = this.#scanned.get(attempt);
    if (scanned === undefined || this.#now() - scanned.at >= scannedKeptMs) return undefined;
    const filled = await fillTarget(this.#parts.issuer, author, {
      read: { kind: "card", card: scanned.card },
      target,
    });
    if (filled.ok) this.#scanned.delete(attempt);
    return filled;
  }

  /** When all that is under way has been written down. */
  async close(): Promise<void> {
    await Promise.all([...this.#underWay.values()].map(({ over }) => over));
    this.#scanned.clear();
  }

  /** Never rejects: whoever asked is not there any more, but for the attempt. */
  async #carryOut(
    attempt: string,
    order: EnrolmentOrder & { readonly listenMs: number },
  ): Promise<void> {
    const { attempts, log } = this.#parts;
    try {
      await attempts.end(attempt, await this.#outcome(attempt, order));
    } catch (error) {
      log.warn({ attempt, failure: describeFailure(error) }, "an enrolment failed");
      const message = "The site could not save what was read; its log says why.";
      await attempts.end(attempt, failed({ type: "uncategorized_error", message }));
    } finally {
      this.#underWay.delete(attempt);
    }
  }

  async #outcome(
    attempt: string,
    order: EnrolmentOrder & { readonly listenMs: number },
  ): Promise<AttemptOutcome> {
    const { issuer } = this.#parts;
    const { place, target, author, expects } = order;
    const answer = await issuer.engine.command(place.controller, commandFor(attempt, order));
    if (!answer.ok) return failed(commandError(answer.fault, target));
    if (answer.value.kind !== "presented") return failed(nothingPresented(expects));
    const { raw, format } = answer.value;
    const read = readCredential(raw, await cardFormats(issuer.store.rows), format);
    if (target === undefined) {
      return read.kind === "card" ? await this.#show(attempt, read.card) : failed(unasked("card"));
    }
    const filled = await fillTarget(issuer, author, { read, target });
    if (!filled.ok) return failed(filled.fault);
    return { status: "success", result: { pass: filled.value } };
  }

  async #show(attempt: string, card: ReadCard): Promise<AttemptOutcome> {
    const known = await this.#parts.issuer.store.rows
      .selectFrom("passes")
      .select(["id", "displayName"])
      .where("raw", "=", card.raw)
      .executeTakeFirst();
    if (known === undefined) this.#remember(attempt, card);
    const result: ScanResult = {
      pass: known?.id ?? null,
      display_name: known?.displayName ?? nameOf({ kind: "card", card }),
      bit_count: card.bitCount,
      card_format: card.decoded?.format ?? null,
    };
    return { status: "success", result };
  }

  #remember(attempt: string, card: ReadCard): void {
    const now = this.#now();
    for (const [old, { at }] of this.#scanned) {
      const isOld = now - at >= scannedKeptMs;
      if (isOld || this.#scanned.size >= scannedMax) this.#scanned.delete(old);
    }
    this.#scanned.set(attempt, { card, at: now });
  }

  #now(): MonotonicMs {
    return this.#parts.clock.monotonic();
  }
}

function commandFor(
  attempt: string,
  { place, from, listenMs, expects }: EnrolmentOrder & { readonly listenMs: number },
): SiteCommand {
  const { reader } = place;
  const isPhone = expects === "phone";
  switch (from) {
    case "next_card":
      // Without a word where it is a card: older controllers know none.
      return { kind: "enrol", attempt, reader, forMs: listenMs, ...(isPhone && { expects }) };
    case "last_unknown":
      return { kind: "tell_last_unknown", attempt, reader };
    default:
      return unreachable(from);
  }
}

const failed = (error: AttemptError): AttemptOutcome => ({ status: "error", error });

const nothingPresented = (expects: Expected): AttemptError => ({
  type: "no_credential_on_encoder",
  message: `No ${expects} was presented at the reader in time.`,
});

/**
 * Seam has words of its own for a scan whose encoder is away; for a scan that assigns it has none, and
 * behaviour 16 says which.
 */
function commandError(fault: CommandFault, target: EnrolmentTarget | undefined): AttemptError {
  switch (fault.reason) {
    case "controller_offline": {
      const type = target === undefined ? "encoder_not_online" : "reader_offline";
      return { type, message: "The reader's controller cannot be reached." };
    }
    case "no_answer":
      return attemptExpired;
    case "refused":
      return { type: "uncategorized_error", message: whyRefused(fault.detail) };
    default:
      return unreachable(fault);
  }
}

const refusals: ReadonlyMap<string, string> = new Map([
  ["busy", "The reader waits for another card or phone already."],
  ["tampered", "The reader, or the enclosure of its controller, is being tampered with."],
  ["no_radio", "The reader takes no phones: it has no Bluetooth radio, or that does not work."],
  ["cancelled", "It was cancelled."],
  ["reader_unknown", "The controller's board has no such reader."],
]);

function whyRefused(detail: string): string {
  return refusals.get(detail) ?? `The controller refused it: ${detail}.`;
}

import type { Clock } from "../../hal/clock.ts";
import type { DoorEvent } from "../domain/event.ts";
import { HalError } from "../domain/hal-error.ts";
import { type MonotonicMs, monotonicMs } from "../domain/time.ts";
import type { SecretMessageScope } from "../protocols/sync/authenticated-message.ts";
import { type ControllerAnswer, sealCommandAnswer } from "../protocols/sync/command-answer.ts";
import {
  commandOfferMs,
  drawOffer,
  openCommandAsk,
  sealCommandOffer,
} from "../protocols/sync/command-offer.ts";
import { deriveKeys, type Provision } from "../protocols/sync/provision.ts";
import { openSiteCommand, type SiteCommand } from "../protocols/sync/site-command.ts";
import { openerOf, type SiteOpener } from "../protocols/sync/site-seal.ts";
import { CommandRefusals } from "./command-refusals.ts";
import { RateLimit } from "./rate-limit.ts";
import type { SiteKeyStore } from "./site-key-store.ts";

/** Offers that are open at a time; beyond it the oldest is taken back. */
export const openOffersMax = 64;
/** Asks that are answered in a second: an old one can be sent again by whoever may write at the broker. */
export const offersPerSecondMax = 40;
/** Answers that wait for the link; beyond it the oldest is dropped. */
const waitingAnswersMax = 16;
/** How long an answer is worth giving. */
export const answerKeptMs = 10_000;

/** Called once, or twice where the first answer is `listening`. */
export type AnswerCommand = (answer: ControllerAnswer) => void;
/** Does what the site asks, now. It must not throw. */
export type CarryOut = (command: SiteCommand, answer: AnswerCommand) => void;

export interface CommandReceiverOptions {
  readonly provision: Provision;
  readonly siteKeys: Pick<SiteKeyStore, "current">;
  readonly clock: Clock;
  readonly record: (event: DoorEvent) => void;
  readonly carryOut: CarryOut;
  /** Rejects with a `HalError` where the broker did not take it. */
  readonly send: (what: "offer" | "answer", message: Uint8Array) => Promise<void>;
}

interface Offer {
  readonly until: MonotonicMs;
  /** The command came: the broker may bring it twice, and that is nobody's attack. */
  isTaken: boolean;
}

/**
 * Takes the site's commands, each as an answer to an offer of this controller's own: see the README of
 * protocols/sync. Nothing of it outlives the process.
 */
export class CommandReceiver {
  readonly #options: CommandReceiverOptions;
  readonly #scope: SecretMessageScope;
  readonly #limit: RateLimit;
  readonly #refusals: CommandRefusals;
  readonly #offers = new Map<string, Offer>();
  #waiting: { readonly message: Uint8Array; readonly until: MonotonicMs }[] = [];
  #opener: SiteOpener;

  constructor(options: CommandReceiverOptions) {
    const { provision, siteKeys, clock, record } = options;
    const { site, controller, controllerKey } = provision;
    this.#options = options;
    this.#scope = { site, controller, ...deriveKeys(controllerKey) };
    this.#opener = openerOf(provision, siteKeys.current());
    this.#limit = new RateLimit(clock, { countMax: offersPerSecondMax, windowMs: 1_000 });
    this.#refusals = new CommandRefusals({ clock, record });
  }

  takeAsk(message: Uint8Array): void {
    const asked = openCommandAsk(this.#scope, message);
    if (!asked.ok) return this.#refusals.count(asked.fault.reason);
    if (!this.#limit.take()) return this.#refusals.count("too_many");
    const offer = drawOffer();
    this.#makeRoom();
    const until = monotonicMs(this.#now() + commandOfferMs);
    this.#offers.set(offer, { until, isTaken: false });
    const { ask } = asked.value;
    // Where it is lost, the site asks again.
    void this.#send("offer", sealCommandOffer(this.#scope, { ask, offer }));
  }

  takeCommand(message: Uint8Array): void {
    const opened = openSiteCommand(this.#openerNow(), message);
    if (!opened.ok) return this.#refusals.count(opened.fault.reason);
    const { offer, command } = opened.value;
    const open = this.#offers.get(offer);
    if (open === undefined || this.#now() >= open.until) return this.#refusals.count("no_offer");
    if (open.isTaken) return;
    open.isTaken = true;
    this.#options.carryOut(command, (answer) => this.#answer(offer, answer));
  }

  /** Of answers that the broker did not take, those that may still be waited for. */
  up(): void {
    const now = this.#now();
    const waiting = this.#waiting.filter(({ until }) => now < until);
    this.#waiting = [];
    for (const { message, until } of waiting) void this.#give(message, until);
  }

  /** What was refused and not told yet is told. */
  close(): void {
    this.#offers.clear();
    this.#waiting = [];
    this.#refusals.close();
  }

  #answer(offer: string, answer: ControllerAnswer): void {
    const message = sealCommandAnswer(this.#scope, { offer, answer });
    void this.#give(message, monotonicMs(this.#now() + answerKeptMs));
  }

  async #give(message: Uint8Array, until: MonotonicMs): Promise<void> {
    if (await this.#send("answer", message)) return;
    this.#waiting = [...this.#waiting, { message, until }].slice(-waitingAnswersMax);
  }

  async #send(what: "offer" | "answer", message: Uint8Array): Promise<boolean> {
    try {
      await this.#options.send(what, message);
      return true;
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      return false;
    }
  }

  #makeRoom(): void {
    const now = this.#now();
    for (const [offer, { until }] of this.#offers) if (now >= until) this.#offers.delete(offer);
    const [oldest] = this.#offers.keys();
    if (this.#offers.size >= openOffersMax && oldest !== undefined) this.#offers.delete(oldest);
  }

  /** The site's key may be another one by now. */
  #openerNow(): SiteOpener {
    const { provision, siteKeys } = this.#options;
    const key = siteKeys.current();
    if (key !== this.#opener.sitePublicKey) this.#opener = openerOf(provision, key);
    return this.#opener;
  }

  #now(): MonotonicMs {
    return this.#options.clock.monotonic();
  }
}

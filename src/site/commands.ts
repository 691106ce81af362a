import type { Alarm, Clock } from "../../hal/clock.ts";
import type { ControllerId } from "../domain/ids.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import { monotonicMs } from "../domain/time.ts";
import type { BrokerLink } from "../protocols/sync/broker-link.ts";
import { type ControllerAnswer, openCommandAnswer } from "../protocols/sync/command-answer.ts";
import { drawAsk, openCommandOffer, sealCommandAsk } from "../protocols/sync/command-offer.ts";
import {
  type CommandAnswer,
  type CommandFault,
  type SiteCommand,
  sealSiteCommand,
} from "../protocols/sync/site-command.ts";
import { type ControllerTopics, topicsFor } from "../protocols/sync/topics.ts";
import { scopeOf } from "./event-intake.ts";
import type { RefusalDigest } from "./refusal-digest.ts";
import type { SiteKeys } from "./site-keys.ts";

/** An ask is sent again after this time, and this often in all; then the controller is offline. */
export const askAgainMs = 1_000;
export const asksMax = 3;
/** How long a controller may take to answer what it was told. */
export const answerMsMax = 5_000;
/** Beyond the time of an enrolment: a link that was down for as long brings the answer all the same. */
export const enrolmentGraceMs = 12_000;
/** Commands to one controller that are not answered yet; more are refused as `too_many`. */
export const pendingCommandsMax = 32;

export type CommandOutcome = Result<CommandAnswer, CommandFault>;

export interface SiteCommandsParts {
  readonly keys: Pick<SiteKeys, "site" | "signingKey" | "knows" | "keysFor">;
  readonly link: Pick<BrokerLink, "publish">;
  readonly clock: Pick<Clock, "monotonic" | "alarm">;
  readonly refusals: Pick<RefusalDigest, "note">;
}

/** The site's side of its commands: see the README of protocols/sync. */
export interface SiteCommands {
  /** Never rejects. Of `enrol`, resolves when the enrolment is over. */
  send(controller: ControllerId, command: SiteCommand): Promise<CommandOutcome>;
  /** What came on a controller's topics. It never throws. */
  takeOffer(controller: ControllerId, payload: Uint8Array): void;
  takeAnswer(controller: ControllerId, payload: Uint8Array): void;
  /** Whatever is under way is over, as far as it came. */
  close(): void;
}

export function createSiteCommands(parts: SiteCommandsParts): SiteCommands {
  return new WiredSiteCommands(parts);
}

class WiredSiteCommands implements SiteCommands {
  readonly #parts: SiteCommandsParts;
  readonly #pending = new Map<ControllerId, Set<Conversation>>();
  #isClosed = false;

  constructor(parts: SiteCommandsParts) {
    this.#parts = parts;
  }

  send(controller: ControllerId, command: SiteCommand): Promise<CommandOutcome> {
    const { keys, clock } = this.#parts;
    // A key is not made for the asking: who has none cannot be told anything.
    if (this.#isClosed || !keys.knows(controller)) {
      return Promise.resolve(fail({ reason: "controller_offline" }));
    }
    const pending = this.#pending.get(controller) ?? new Set();
    if (pending.size >= pendingCommandsMax) {
      return Promise.resolve(fail({ reason: "refused", detail: "too_many" }));
    }
    this.#pending.set(controller, pending);
    return new Promise((resolve) => {
      const conversation = new Conversation({
        clock,
        command,
        ask: (ask) => this.#ask(controller, ask),
        tell: (offer) => this.#tell(controller, offer, command),
        over: (outcome) => {
          pending.delete(conversation);
          resolve(outcome);
        },
      });
      pending.add(conversation);
      conversation.begin();
    });
  }

  takeOffer(controller: ControllerId, payload: Uint8Array): void {
    const opened = openCommandOffer(scopeOf(this.#parts.keys, controller), payload);
    if (!opened.ok) return this.#parts.refusals.note(controller, `offer_${opened.fault.reason}`);
    const { ask, offer } = opened.value;
    for (const one of this.#of(controller)) if (one.asked === ask) one.offered(offer);
  }

  takeAnswer(controller: ControllerId, payload: Uint8Array): void {
    const { keys, refusals } = this.#parts;
    const { tableKey } = keys.keysFor(controller);
    const opened = openCommandAnswer({ ...scopeOf(keys, controller), tableKey }, payload);
    if (!opened.ok) return refusals.note(controller, `answer_${opened.fault.reason}`);
    const { offer, answer } = opened.value;
    for (const one of this.#of(controller)) if (one.takenUp === offer) one.answered(answer);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const pending of this.#pending.values()) for (const one of [...pending]) one.giveUp();
  }

  #of(controller: ControllerId): readonly Conversation[] {
    return [...(this.#pending.get(controller) ?? [])];
  }

  #ask(controller: ControllerId, ask: string): void {
    const message = sealCommandAsk(scopeOf(this.#parts.keys, controller), { ask });
    this.#publish(controller, "commandAsk", message);
  }

  #tell(controller: ControllerId, offer: string, command: SiteCommand): void {
    const { site, signingKey, keysFor } = this.#parts.keys;
    const sealer = { site, controller, signingKey, tableKey: keysFor(controller).tableKey };
    const message = sealSiteCommand(sealer, { offer, command });
    this.#publish(controller, "command", message);
  }

  #publish(controller: ControllerId, topic: keyof ControllerTopics, message: Uint8Array): void {
    const { link, keys } = this.#parts;
    link
      .publish(topicsFor(keys.site, controller)[topic], message, { qos: 1, retain: false })
      // The link is down: nothing will come of it in time, which is what is told then.
      .catch(() => undefined);
  }
}

interface ConversationParts {
  readonly clock: Pick<Clock, "monotonic" | "alarm">;
  readonly command: SiteCommand;
  readonly ask: (ask: string) => void;
  readonly tell: (offer: string) => void;
  readonly over: (outcome: CommandOutcome) => void;
}

type Stage =
  | { readonly kind: "asking"; readonly count: number }
  | { readonly kind: "told"; readonly offer: string }
  | { readonly kind: "listening"; readonly offer: string }
  | { readonly kind: "over" };

/** One command, from the first ask to the last answer. */
class Conversation {
  readonly asked: string = drawAsk();
  readonly #parts: ConversationParts;
  #stage: Stage = { kind: "asking", count: 0 };
  #alarm: Alarm | undefined;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
  }

  /** The offer that the command was given to; undefined before there was one. */
  get takenUp(): string | undefined {
    const stage = this.#stage;
    return stage.kind === "told" || stage.kind === "listening" ? stage.offer : undefined;
  }

  begin(): void {
    this.#ask(1);
  }

  offered(offer: string): void {
    // Of several asks the first offer is taken up: a command is sent once.
    if (this.#stage.kind !== "asking") return;
    this.#stage = { kind: "told", offer };
    this.#arm(answerMsMax);
    this.#parts.tell(offer);
  }

  answered(answer: ControllerAnswer): void {
    if (answer.kind === "listening") return this.#listening();
    if (answer.kind !== "refused") return this.#end(succeed(answer));
    this.#end(fail({ reason: "refused", detail: answer.detail }));
  }

  giveUp(): void {
    // What was never told was never done.
    const reason = this.#stage.kind === "asking" ? "controller_offline" : "no_answer";
    this.#end(fail({ reason }));
  }

  #listening(): void {
    const { command } = this.#parts;
    if (this.#stage.kind !== "told" || command.kind !== "enrol") return;
    this.#stage = { kind: "listening", offer: this.#stage.offer };
    this.#arm(command.forMs + enrolmentGraceMs);
  }

  #ask(count: number): void {
    this.#stage = { kind: "asking", count };
    this.#arm(askAgainMs);
    this.#parts.ask(this.asked);
  }

  #due(): void {
    const stage = this.#stage;
    if (stage.kind === "asking" && stage.count < asksMax) return this.#ask(stage.count + 1);
    this.giveUp();
  }

  #end(outcome: CommandOutcome): void {
    if (this.#stage.kind === "over") return;
    this.#stage = { kind: "over" };
    this.#alarm?.cancel();
    this.#parts.over(outcome);
  }

  #arm(ms: number): void {
    const { clock } = this.#parts;
    this.#alarm?.cancel();
    this.#alarm = clock.alarm(monotonicMs(clock.monotonic() + ms), () => this.#due());
  }
}

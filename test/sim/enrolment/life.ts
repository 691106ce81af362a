import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { Seeded } from "../../../hal/sim/seeded.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { type CarryOut, CommandReceiver } from "../../../src/controller/command-receiver.ts";
import {
  type RemoteHandlersOptions,
  remoteHandlers,
} from "../../../src/controller/remote-handlers.ts";
import { sameCardMs } from "../../../src/core/enrolment.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { type ControllerId, controllerId, type ReaderId, siteId } from "../../../src/domain/ids.ts";
import { deriveKeys, type Provision } from "../../../src/protocols/sync/provision.ts";
import type { SiteCommand } from "../../../src/protocols/sync/site-command.ts";
import { topicsFor } from "../../../src/protocols/sync/topics.ts";
import {
  type CommandOutcome,
  createSiteCommands,
  enrolmentGraceMs,
} from "../../../src/site/commands.ts";
import { content, front, lab, open } from "../../unit/controller/door-rig.ts";
import { PaperPremisesDisk } from "../../unit/controller/paper-premises.ts";

/** What a planted bug puts in place of a part. */
export interface Subject {
  readonly doors: (doors: RemoteHandlersOptions["doors"]) => RemoteHandlersOptions["doors"];
  readonly carryOut: (carryOut: CarryOut) => CarryOut;
}

export const sound: Subject = { doors: (doors) => doors, carryOut: (carryOut) => carryOut };

const site = siteId("sim");
const one: ControllerId = controllerId("one");
const topics = topicsFor(site, one);
export const readers = [front, lab] as const;
/** From the beginning of a tap until the reader has certainly said what it was. */
const tapMs = 400;

export class BrokenPromise extends Error {}

export type Move = (life: EnrolmentLife, random: Seeded) => void | Promise<void>;

interface Asked {
  readonly command: SiteCommand;
  outcome?: CommandOutcome;
}

interface Told {
  readonly at: number;
  readonly event: Extract<DoorEvent, { readonly kind: "enrolment" }>;
}

/** What a reader is at, as whoever stands in front of it can know. */
interface AtReader {
  listening?: { readonly attempt: string; readonly until: number };
  lying?: { readonly card: string; readonly until: number };
}

/**
 * A site and a controller, a broker between them that loses, doubles, delays and repeats, and people who
 * present cards. Its truth is of its own: who presented what, where, while which reader was waiting.
 */
export class EnrolmentLife {
  readonly clock = new SimClock();
  readonly random: Seeded;
  readonly #disk = new PaperPremisesDisk();
  readonly #commands;
  readonly #provision: Provision;
  readonly #subject: Subject;
  readonly #siteKey;
  readonly #late: (() => void)[] = [];
  readonly #recorded: { readonly topic: string; readonly payload: Uint8Array }[] = [];
  readonly #asked = new Map<string, Asked>();
  readonly #cancels: Asked[] = [];
  readonly #taken = new Map<string, string>();
  readonly #truth = new Map<ReaderId, AtReader>();
  /** Attempts that the journal says were begun, ended or done: how often. */
  readonly #counts = new Map<string, number>();
  #told: Told[] = [];
  #doors;
  #receiver: CommandReceiver;
  #weather = { lost: 0, doubled: 0, late: 0 };
  #isTampered = new Set<ReaderId>();
  #tamperedAt = Number.NEGATIVE_INFINITY;

  constructor(seed: number, subject: Subject) {
    this.random = new Seeded(seed, "enrolment");
    this.#subject = subject;
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const sitePublicKey = String(publicKey.export({ type: "spki", format: "pem" }));
    this.#siteKey = createPublicKey(sitePublicKey);
    const secret = new Uint8Array(32).fill(3);
    this.#provision = {
      site,
      controller: one,
      sitePublicKey,
      controllerKey: secret,
      pinKey: secret,
    };
    const keys = {
      site,
      signingKey: privateKey,
      knows: () => true,
      keysFor: () => deriveKeys(secret),
    };
    this.#commands = createSiteCommands({
      keys,
      clock: this.clock,
      refusals: { note: () => {} },
      link: { publish: async (topic, payload) => this.#carry(topic, payload) },
    });
    this.#doors = open(content(), { clock: this.clock, disk: this.#disk });
    this.#receiver = this.#openReceiver();
    for (const { reader } of readers) this.#truth.set(reader, {});
  }

  async move(move: Move): Promise<void> {
    await move(this, this.random);
    await this.#settle();
  }

  async pass(ms: number): Promise<void> {
    await this.clock.elapse(ms);
  }

  setWeather(weather: { readonly lost: number; readonly doubled: number; readonly late: number }) {
    this.#weather = weather;
  }

  ask(command: SiteCommand): void {
    const asked: Asked = { command };
    if (command.kind === "cancel_enrolment") this.#cancels.push(asked);
    else this.#asked.set(command.attempt, asked);
    void this.#commands.send(one, command).then((outcome) => {
      asked.outcome = outcome;
    });
  }

  begun(): readonly string[] {
    return [...this.#asked.values()].flatMap(({ command, outcome }) =>
      command.kind === "enrol" && outcome === undefined ? command.attempt : [],
    );
  }

  readerOf(attempt: string): ReaderId | undefined {
    const command = this.#asked.get(attempt)?.command;
    return command?.kind === "enrol" ? command.reader : undefined;
  }

  async present(reader: ReaderId, card: string): Promise<void> {
    await this.#settle();
    const truth = this.#at(reader);
    const { listening, lying } = truth;
    const from = this.clock.monotonic();
    const isNear = (at: number | undefined) =>
      at !== undefined && Math.abs(at - from) <= tapMs + sameCardMs / 4;
    const isUnclear = isNear(listening?.until) || isNear(lying?.until) || !this.#isQuiet();
    const isWaiting = listening !== undefined && from < listening.until;
    const lies = lying !== undefined && from < lying.until;
    const isLying = !isWaiting && lies && lying.card === card;
    const before = this.#seen(reader);
    await this.#doors.tap(reader, card);
    const after = this.#seen(reader);
    const until = this.clock.monotonic() + sameCardMs;
    if (isUnclear) truth.lying = { card: "unclear", until };
    else if (isWaiting || isLying) truth.lying = { card, until };
    else if (!lies || lying.card !== "unclear") delete truth.lying;
    if (!isUnclear && isWaiting) {
      this.#expect(after.decisions === before.decisions, `the card at ${reader} was judged`);
      this.#expect(!after.released || before.released, "the strike moved for an enrolment");
    }
    if (!isUnclear && isLying) {
      this.#expect(after.decisions === before.decisions, "a card that was left there was judged");
    }
    if (!isUnclear && !isWaiting && !lies && reader === front.reader) {
      this.#expect(after.decisions > before.decisions, "a card that nobody waited for is judged");
    }
    await this.#settle({ reader, card });
    if (!isUnclear && isWaiting) {
      const isTaken = this.#taken.get(listening.attempt) === card;
      this.#expect(isTaken, `${reader} did not take the card that was presented`);
    }
  }

  /** Nothing is on its way to the controller that could change what a reader does meanwhile. */
  #isQuiet(): boolean {
    const isOpen = ({ command, outcome }: Asked) =>
      outcome === undefined && (this.#counts.get(command.attempt) ?? 0) === 0;
    const isCancelling = this.#cancels.some(({ outcome }) => outcome === undefined);
    return this.#late.length === 0 && !isCancelling && ![...this.#asked.values()].some(isOpen);
  }

  #seen(reader: ReaderId) {
    const decisions = this.#doors.events.filter(
      (event) =>
        (event.kind === "access_granted" || event.kind === "access_denied") &&
        event.reader === reader &&
        event.reason !== "second_factor_timeout",
    ).length;
    const strike = this.#doors.sim.state().doors[reader]?.strike;
    return { decisions, released: strike === "released" };
  }

  async type(reader: ReaderId): Promise<void> {
    await this.#doors.type(reader, "246810#");
  }

  async tamper(reader: ReaderId): Promise<void> {
    const isRaised = this.#isTampered.has(reader);
    if (isRaised) this.#isTampered.delete(reader);
    else this.#isTampered.add(reader);
    this.#tamperedAt = this.clock.monotonic();
    this.#doors.sim.setAlarm({ kind: "tamper", reader }, isRaised ? "idle" : "raised");
    await this.pass(400);
    await this.#settle();
    if (isRaised) return;
    const { listening } = this.#at(reader);
    this.#expect(listening === undefined, "a reader that is tampered with waits for a card");
  }

  async restart(): Promise<void> {
    await this.#settle();
    this.#doors.close();
    this.#doors = open(content(), { clock: this.clock, disk: this.#disk });
    this.#receiver = this.#openReceiver();
    this.#isTampered = new Set();
    for (const { reader } of readers) this.#truth.set(reader, {});
  }

  replay(): void {
    const from = this.random.between(0, Math.max(0, this.#recorded.length - 1));
    for (const { topic, payload } of this.#recorded.slice(from, from + 40)) {
      this.#deliver(topic, payload);
    }
  }

  arriveLate(): void {
    while (this.#late.length > 0) {
      const [next] = this.#late.splice(this.random.between(0, this.#late.length - 1), 1);
      next?.();
    }
  }

  async end(): Promise<void> {
    this.arriveLate();
    await this.pass(120_000 + enrolmentGraceMs + 10_000);
    await this.#settle();
    for (const [attempt, asked] of this.#asked) {
      this.#expect(asked.outcome !== undefined, `${asked.command.kind} was never answered`);
      this.#judgeOutcome(attempt, asked);
    }
    this.#commands.close();
    this.#doors.close();
  }

  #judgeOutcome(attempt: string, { command, outcome }: Asked): void {
    if (outcome === undefined) return;
    const count = this.#counts.get(attempt) ?? 0;
    if (!outcome.ok && outcome.fault.reason === "controller_offline") {
      this.#expect(count === 0, `${command.kind} was done, and the site was told that it was not`);
    }
    if (!outcome.ok) return;
    const { value } = outcome;
    this.#expect(count > 0, `${command.kind} was not done, and the site was told that it was`);
    if (value.kind !== "presented") return;
    const card = this.#taken.get(attempt);
    this.#expect(
      card !== undefined && value.raw === rawFromBits(card),
      "the site was told of another card than the one that was presented",
    );
  }

  /** What was journalled since, held against what people did. */
  async #settle(presented?: { readonly reader: ReaderId; readonly card: string }): Promise<void> {
    await this.clock.elapse(0);
    const told = this.#told;
    this.#told = [];
    for (const one of told) this.#judgeEvent(one, presented);
  }

  #judgeEvent({ at, event }: Told, presented?: { reader: ReaderId; card: string }): void {
    const { attempt, outcome, reader } = event;
    const truth = this.#at(reader);
    const asked = this.#asked.get(attempt)?.command;
    this.#expect(asked?.kind === "enrol" && asked.reader === reader, "nobody asked for that");
    if (outcome === "busy") {
      return this.#expect(truth.listening !== undefined, "a reader was busy with nothing");
    }
    if (outcome === "began") {
      this.#expect(truth.listening === undefined, "two enrolments at one reader");
      const forMs = asked?.kind === "enrol" ? asked.forMs : 0;
      truth.listening = { attempt, until: at + forMs };
      delete truth.lying;
      return;
    }
    if (outcome === "tampered") {
      const isSo = this.#isTampered.has(reader) || at - this.#tamperedAt < 1_000;
      this.#expect(isSo, "refused for a tampering that is none");
      if (truth.listening?.attempt !== attempt) return;
    }
    const { listening } = truth;
    this.#expect(listening?.attempt === attempt, `${outcome}, and it was not this one's turn`);
    delete truth.listening;
    if (outcome === "nothing") this.#expect(at >= (listening?.until ?? 0), "it ended too early");
    if (outcome === "cancelled") {
      const isAsked = this.#cancels.some(({ command }) => command.attempt === attempt);
      this.#expect(isAsked, "nobody cancelled it");
    }
    if (outcome === "taken") {
      this.#expect(presented?.reader === reader, "a card was taken that nobody presented here");
      this.#taken.set(attempt, presented?.card ?? "");
    }
  }

  #at(reader: ReaderId): AtReader {
    const truth = this.#truth.get(reader);
    if (truth === undefined) throw new Error(`no reader ${reader}`);
    return truth;
  }

  #openReceiver(): CommandReceiver {
    const record = (event: DoorEvent) => {
      this.#doors.events.push(event);
      if (event.kind === "enrolment") {
        if (event.outcome === "began") this.#count(event.attempt);
        this.#told.push({ at: this.clock.monotonic(), event });
      }
      if (event.kind === "remote_unlock") this.#count(event.attempt);
    };
    const { controller } = this.#doors;
    const handlers = remoteHandlers({ doors: this.#subject.doors(controller), record });
    return new CommandReceiver({
      provision: this.#provision,
      siteKeys: { current: () => this.#siteKey },
      clock: this.clock,
      record: () => {},
      carryOut: this.#subject.carryOut(handlers),
      send: async (what, message) =>
        this.#carry(what === "offer" ? topics.commandOffer : topics.commandAnswer, message),
    });
  }

  #count(attempt: string): void {
    const count = (this.#counts.get(attempt) ?? 0) + 1;
    this.#counts.set(attempt, count);
    this.#expect(count === 1, "one command was carried out twice");
  }

  #carry(topic: string, payload: Uint8Array): void {
    this.#recorded.push({ topic, payload });
    const { lost, doubled, late } = this.#weather;
    if (this.random.chance(lost)) return;
    for (let times = this.random.chance(doubled) ? 2 : 1; times > 0; times -= 1) {
      if (this.random.chance(late)) this.#late.push(() => this.#deliver(topic, payload));
      else this.#deliver(topic, payload);
    }
  }

  #deliver(topic: string, payload: Uint8Array): void {
    if (topic === topics.commandAsk) this.#receiver.takeAsk(payload);
    if (topic === topics.command) this.#receiver.takeCommand(payload);
    if (topic === topics.commandOffer) this.#commands.takeOffer(one, payload);
    if (topic === topics.commandAnswer) this.#commands.takeAnswer(one, payload);
  }

  #expect(holds: boolean, otherwise: string): void {
    if (!holds) throw new BrokenPromise(otherwise);
  }
}

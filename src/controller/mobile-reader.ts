import type { KeyObject } from "node:crypto";
import type { BleEvent, BleHealth, BleLink } from "../../hal/ble.ts";
import type { ReaderBle } from "../../hal/board.ts";
import type { Clock } from "../../hal/clock.ts";
import {
  countMobileFailure,
  initialMobileLockout,
  type MobileFailure,
  type MobileLockoutState,
  mobilePausedUntil,
} from "../core/mobile-lockout.ts";
import type { RawCredential } from "../domain/credential.ts";
import type { ReaderId } from "../domain/ids.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { LocalMobileHealth } from "../protocols/local/local-reports.ts";
import type { MobileFault } from "../protocols/mobile-pass/mobile-fault.ts";
import {
  type HelloFault,
  type PreparedHello,
  prepareHello,
} from "../protocols/mobile-pass/prepared-hello.ts";
import type { ReaderAnswer } from "../protocols/mobile-pass/reader-answer.ts";
import {
  initialReaderSession,
  type ReaderSession as MobileSession,
  type ReaderSessionEffect,
  type ReaderSessionInput,
  readerSessionDeadline,
  stepReaderSession,
} from "../protocols/mobile-pass/reader-session.ts";
import type { Entropy } from "../protocols/mobile-pass/version.ts";
import { Deadline } from "./deadline.ts";
import type { MobileResumptions } from "./mobile-resumptions.ts";
import type { PhoneVerdict, ReaderSession } from "./reader-session.ts";
import type { Troubles } from "./troubles.ts";

/** By which a controller's readers prove to phones who they are. */
export interface MobileIdentity {
  /** P-256, private. */
  readonly controllerKey: KeyObject;
  readonly entropy: Entropy;
}

export interface MobileReaderOptions {
  readonly reader: ReaderId;
  readonly ble: ReaderBle;
  readonly clock: Clock;
  readonly identity: MobileIdentity;
  readonly session: Pick<ReaderSession, "phone" | "phoneConnected" | "phoneGone" | "enrolment">;
  readonly resumptions: MobileResumptions;
  readonly troubles: Troubles;
}

interface Connection {
  readonly link: BleLink;
  readonly address: string;
  session: MobileSession;
  rssi: number | undefined;
}

/** What went wrong of sessions, by what the controller itself finds as well as by the protocol. */
type Fault = MobileFault | "too_far" | "paused" | "strike_failed";

/**
 * The phones at one reader, one after the other: from the radio to the reader's own judgement, and the
 * outcome back. No timer runs while nobody is connected, but for the end of a pause.
 */
export class MobileReader {
  readonly #options: MobileReaderOptions;
  readonly #sessionEnds: Deadline;
  readonly #pauseEnds: Deadline;
  readonly #answerCounts = new Map<ReaderAnswer, number>();
  readonly #faultCounts = new Map<Fault, number>();
  #certificate: Uint8Array | undefined;
  /** For the next phone: made before it comes. */
  #hello: PreparedHello | undefined;
  #connection: Connection | undefined;
  #lockout: MobileLockoutState = initialMobileLockout;
  #closed = false;

  constructor(options: MobileReaderOptions) {
    this.#options = options;
    const { clock, ble, troubles, reader } = options;
    this.#sessionEnds = new Deadline(clock, () => this.#step({ kind: "deadline_reached" }));
    this.#pauseEnds = new Deadline(clock, () => troubles.clear(`mobile_paused:${reader}`));
    ble.peripheral.setAdvertising("off");
    ble.peripheral.listen((event) => this.#heard(event));
  }

  /** Whoever is connected hears no more. The radio is the board's to close. */
  close(): void {
    this.#closed = true;
    this.#end();
    this.#pauseEnds.set(undefined);
  }

  /** What phones know this controller by; undefined: no phone would believe it, and none is answered. */
  useCertificate(certificate: Uint8Array | undefined): HelloFault | undefined {
    this.#certificate = certificate;
    this.#hello = undefined;
    const fault = this.#prepare();
    this.#options.ble.peripheral.setAdvertising(this.#hello === undefined ? "off" : "on");
    return fault;
  }

  health(): LocalMobileHealth {
    const { connectionCount, restartCount, state, reason } = this.#options.ble.peripheral.health();
    return {
      state,
      ...(reason !== undefined && { reason }),
      connectionCount,
      restartCount,
      answerCounts: Object.fromEntries(this.#answerCounts),
      faultCounts: Object.fromEntries(this.#faultCounts),
    };
  }

  #heard(event: BleEvent): void {
    if (this.#closed) return;
    if (event.kind === "health") return this.#tellHealth(event.health);
    if (event.kind === "connected") return this.#connected(event.link, event.address);
    // Of a connection that is over here, the radio may still have something to say.
    if (event.link !== this.#connection?.link) return;
    switch (event.kind) {
      case "subscribed":
        return this.#step({ kind: "subscribed", frameBytesMax: event.frameBytesMax });
      case "written":
        return this.#step({ kind: "written", bytes: event.bytes });
      case "heard":
        this.#connection.rssi = event.rssi;
        return;
      case "disconnected":
        return this.#disconnected();
      default:
        return unreachable(event);
    }
  }

  #connected(link: BleLink, address: string): void {
    const { ble, resumptions, session } = this.#options;
    // A driver that was started again does not say what it has lost.
    this.#end();
    if (mobilePausedUntil(this.#lockout, address, this.#now()) !== undefined) {
      this.#count("paused");
      return ble.peripheral.disconnect(link);
    }
    this.#prepare();
    const hello = this.#hello;
    if (hello === undefined) return ble.peripheral.disconnect(link);
    this.#hello = undefined;
    ble.peripheral.offerHello(link, hello.bytes);
    const initial = initialReaderSession(hello, (id) => resumptions.find(id));
    this.#connection = { link, address, session: initial, rssi: undefined };
    session.phoneConnected();
    this.#step({ kind: "connected" });
  }

  #disconnected(): void {
    this.#step({ kind: "disconnected" });
    this.#end();
    // Not while anybody waits for it.
    this.#prepare();
  }

  /** Amber ends with the connection, whatever became of it. */
  #end(): void {
    if (this.#connection === undefined) return;
    this.#connection = undefined;
    this.#sessionEnds.set(undefined);
    this.#options.session.phoneGone();
  }

  #step(input: ReaderSessionInput): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const { state, effects } = stepReaderSession(connection.session, input, this.#now());
    connection.session = state;
    this.#sessionEnds.set(readerSessionDeadline(state));
    for (const effect of effects) this.#carryOut(effect, connection);
  }

  #carryOut(effect: ReaderSessionEffect, connection: Connection): void {
    const { ble, resumptions, session } = this.#options;
    switch (effect.kind) {
      case "judge":
        return this.#judge(effect.phone, connection);
      case "enrol":
        return this.#enrol(effect.phone, connection);
      case "notify":
        return ble.peripheral.notify(connection.link, effect.frame);
      case "remember":
        return resumptions.remember(effect.id, effect.resumption);
      case "failed":
        this.#failed(effect.fault, connection);
        return session.phoneGone();
      case "disconnect":
        return ble.peripheral.disconnect(connection.link);
      default:
        return unreachable(effect);
    }
  }

  #judge(phone: RawCredential, connection: Connection): void {
    if (!this.#isNear(connection)) return this.#tooFar(connection);
    this.#options.session.phone(phone, (verdict) => {
      this.#answer(answerTo(verdict), connection);
      if (verdict === "strike_failed") this.#count("strike_failed");
      if (verdict === "unknown") this.#countFailure({ kind: "refused" }, connection);
    });
  }

  #enrol(phone: RawCredential, connection: Connection): void {
    if (!this.#isNear(connection)) return this.#tooFar(connection);
    const { session } = this.#options;
    const answer = session.enrolment.phone(phone);
    this.#answer(answer, connection);
    if (answer === "not_enrolling") session.phoneGone();
  }

  /** Whoever stands at the reader, and not in the street behind it. */
  #isNear({ rssi }: Connection): boolean {
    const { rssiMin } = this.#options.ble;
    return rssiMin === undefined || (rssi !== undefined && rssi >= rssiMin);
  }

  /** Nothing was judged, so nothing is denied: a step nearer it may be another matter. */
  #tooFar(connection: Connection): void {
    this.#count("too_far");
    this.#answer("try_later", connection);
    this.#options.session.phoneGone();
  }

  /** Nobody hears it where the phone has gone, or has been too slow, while it was judged. */
  #answer(outcome: ReaderAnswer, connection: Connection): void {
    this.#answerCounts.set(outcome, (this.#answerCounts.get(outcome) ?? 0) + 1);
    if (this.#connection === connection) this.#step({ kind: "answered", outcome });
  }

  #failed(fault: MobileFault, connection: Connection): void {
    this.#count(fault);
    switch (fault) {
      case "left_early":
        return;
      case "idle":
      case "too_late":
        return this.#countFailure({ kind: "silent" }, connection);
      case "frame_malformed":
      case "message_malformed":
      case "version_unknown":
      case "not_subscribed":
      case "key_invalid":
      case "not_authentic":
      case "signature_wrong":
        return this.#countFailure({ kind: "refused" }, connection);
      default:
        return unreachable(fault);
    }
  }

  #countFailure({ kind }: Pick<MobileFailure, "kind">, { address }: Connection): void {
    const { state, effects } = countMobileFailure(this.#lockout, { address, kind }, this.#now());
    this.#lockout = state;
    const isPaused = effects.some((effect) => effect.kind === "reader_paused");
    if (!isPaused) return;
    this.#options.troubles.raise(`mobile_paused:${this.#options.reader}`);
    this.#pauseEnds.set(state.readerPause?.until);
  }

  #count(fault: Fault): void {
    this.#faultCounts.set(fault, (this.#faultCounts.get(fault) ?? 0) + 1);
  }

  #prepare(): HelloFault | undefined {
    const certificate = this.#certificate;
    if (certificate === undefined || this.#hello !== undefined) return undefined;
    const { identity, reader } = this.#options;
    const prepared = prepareHello({ certificate, reader, ...identity });
    if (!prepared.ok) return prepared.fault;
    this.#hello = prepared.value;
    return undefined;
  }

  #tellHealth({ state }: BleHealth): void {
    const { troubles, reader } = this.#options;
    if (state !== "starting") troubles.set(`ble_down:${reader}`, state === "down");
  }

  #now(): MonotonicMs {
    return this.#options.clock.monotonic();
  }
}

/** Why it was denied is nobody's to know but the site's. */
function answerTo(verdict: PhoneVerdict): ReaderAnswer {
  switch (verdict) {
    case "granted":
    case "more_needed":
    case "denied":
      return verdict;
    case "unknown":
      return "denied";
    case "strike_failed":
      return "try_later";
    default:
      return unreachable(verdict);
  }
}

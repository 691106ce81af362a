import type { BlePeripheral } from "../../../hal/ble.ts";
import { Seeded } from "../../../hal/sim/seeded.ts";
import { seededAir, stillAir } from "../../../hal/sim/sim-air.ts";
import type { SimBlePeripheral } from "../../../hal/sim/sim-ble.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import type { SimPhone } from "../../../hal/sim/sim-phone.ts";
import type { Enrolled } from "../../../src/controller/reader-enrolment.ts";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import type { TableContent } from "../../../src/domain/access.ts";
import type { RawCredential } from "../../../src/domain/credential.ts";
import type { PhoneAction } from "../../../src/protocols/mobile-pass/phone-message.ts";
import { sessionMsMax } from "../../../src/protocols/mobile-pass/reader-session.ts";
import { adaBits, content, front, lab } from "../../unit/controller/door-rig.ts";
import {
  openMobile,
  phoneOn,
  phonePassOf,
  rawOf,
  withPhones,
} from "../../unit/controller/mobile-rig.ts";
import { testHashKey } from "../../unit/core/sample-table.ts";

/** What a planted bug puts in place of a part. */
export interface Subject {
  readonly wired: (peripheral: BlePeripheral) => BlePeripheral;
  /** Which table the controller is given in place of the one that is right. */
  readonly table: (right: TableContent, before: TableContent) => TableContent;
  readonly expects: "card" | "phone";
}

export const sound: Subject = {
  wired: (peripheral) => peripheral,
  table: (right) => right,
  expects: "phone",
};

export class BrokenPromise extends Error {}

export type Move = (life: MobileLife, random: Seeded) => void | Promise<void>;

export const places = [front, lab] as const;
type Place = (typeof places)[number];
type Name = "front" | "lab";
const nameOf = ({ reader }: Place): Name => (reader === front.reader ? "front" : "lab");

const rssiMin = -70;
/** Packets of the worst air take so long; nothing else is late here. */
const delayMsMax = 60;
/** A session's limit begins when the reader hears of the phone, and ends with the radio hanging up. */
const heldMsMax = sessionMsMax + 2 * delayMsMax;

interface Phone {
  readonly phone: SimPhone;
  readonly raw: RawCredential;
  /** By the table that the site gave last. */
  isAdmitted: boolean;
  isInUse: boolean;
}

/** A phone at a reader, from when it is held there until its owner sees what came of it. */
interface Use {
  readonly phone: Phone;
  readonly action: PhoneAction;
  readonly isNear: boolean;
  /** Whether the door's lock was released at any moment of it. */
  sawRelease: boolean;
}

/** What is true of one reader, its door and its radio, as anybody in front of them sees it. */
interface AtReader {
  readonly radio: SimBlePeripheral;
  readonly uses: Set<Use>;
  /** Phones that lost the reader after they had said all, maybe: until then it may still let them in. */
  readonly lost: { readonly use: Use; readonly until: number }[];
  isTapped: boolean;
  isReleased: boolean;
  amberSince: number | undefined;
  busySince: number | undefined;
  /** An enrolment that nobody has answered. */
  listening: { readonly until: number } | undefined;
}

/**
 * One controller with two readers, the phones of people who have a pass, had one or never will, and an air
 * that loses them. Its truth is of its own: who held which phone where, and whom the site had admitted.
 */
export class MobileLife {
  readonly clock = new SimClock();
  readonly random: Seeded;
  readonly phones: readonly Phone[];
  readonly #subject: Subject;
  readonly #world;
  readonly #at: Readonly<Record<Name, AtReader>>;
  #isSuspended = false;
  #table: TableContent;
  #given: TableContent;
  #broken: string | undefined;
  #grantedCount = 0;

  constructor(seed: number, subject: Subject) {
    this.random = new Seeded(seed, "mobile");
    this.#subject = subject;
    this.phones = Array.from({ length: 5 }, (_, index) => {
      const phone = phoneOn(this.clock);
      return { phone, raw: rawOf(phone), isAdmitted: index < 3, isInUse: false };
    });
    this.#table = this.#rightTable();
    this.#given = this.#table;
    const { wired } = subject;
    this.#world = openMobile(this.#table, { clock: this.clock, rssiMin, wired });
    const at = (radio: SimBlePeripheral): AtReader => ({
      radio,
      uses: new Set(),
      lost: [],
      isTapped: false,
      isReleased: false,
      amberSince: undefined,
      busySince: undefined,
      listening: undefined,
    });
    this.#at = { front: at(this.#world.radio), lab: at(this.#world.labRadio) };
    this.#world.sim.watch({ changed: () => this.#look(), closed: () => {} });
  }

  /** How often somebody was let in by a phone: a life in which nobody is shows nothing. */
  get grantedCount(): number {
    return this.#grantedCount;
  }

  async move(move: Move): Promise<void> {
    await move(this, this.random);
    await this.pass(0);
  }

  /** In small steps, so that what lasts too long is seen while it lasts. */
  async pass(ms: number): Promise<void> {
    const stepMs = 250;
    for (let rest = ms; rest > stepMs; rest -= stepMs) {
      await this.clock.elapse(stepMs);
      this.#look();
    }
    await this.clock.elapse(ms % stepMs);
    this.#look();
    if (this.#broken !== undefined) throw new BrokenPromise(this.#broken);
  }

  turnAir(): void {
    const isFair = this.random.chance(0.4);
    for (const place of places) {
      const { radio } = this.#at[nameOf(place)];
      const seed = this.random.between(0, 1_000_000);
      const rate = () => (isFair ? 0 : this.random.next() * 0.08);
      radio.setAir(seededAir(seed, { cut: rate(), vanish: rate(), delayMsMax }));
    }
  }

  /** Somebody holds a phone to a reader, near or from far off, and goes on when he sees the outcome. */
  hold(index: number, place: Place, action: PhoneAction): void {
    const rssi = this.random.pick([-50, -69, rssiMin, rssiMin - 1, -90]);
    const phone = this.phones[index];
    if (phone === undefined || phone.isInUse) return;
    void this.#use(phone, place, { action, rssi, mtu: this.random.between(23, 517) });
  }

  async #use(
    phone: Phone,
    place: Place,
    how: { readonly action: PhoneAction; readonly rssi: number; readonly mtu: number },
  ): Promise<string> {
    const { action, rssi, mtu } = how;
    const at = this.#at[nameOf(place)];
    const use: Use = { phone, action, isNear: rssi >= rssiMin, sawRelease: at.isReleased };
    phone.isInUse = true;
    at.uses.add(use);
    const address = `c0:00:00:00:00:0${this.phones.indexOf(phone)}`;
    const { outcome } = await phone.phone.use(at.radio.central({ address, rssi, mtu }), action);
    phone.isInUse = false;
    at.uses.delete(use);
    if (outcome === "failed") at.lost.push({ use, until: this.clock.monotonic() + heldMsMax });
    this.#judge(use, outcome, at);
    return outcome;
  }

  /** Somebody else's radio connects, and says nothing, or what no phone says. */
  async annoy(place: Place, what: "silence" | "noise"): Promise<void> {
    const { radio } = this.#at[nameOf(place)];
    const central = radio.central({ address: "c0:00:00:00:00:99", rssi: -40 });
    const [reader] = await this.#soon(central.scan({ forMs: 50, isEnough: () => true }));
    if (reader === undefined) return;
    const connecting = central.connect(reader, 50).catch(() => undefined);
    const link = await this.#soon(connecting);
    if (link === undefined || what === "silence") return;
    const noise = async () => {
      await link.subscribe(() => {});
      for (let count = 0; count < 4; count += 1) {
        const bytes = Array.from({ length: this.random.between(1, 20) }, () =>
          this.random.between(0, 255),
        );
        await link.write(Uint8Array.from(bytes));
      }
    };
    // A reader may well hang up on that.
    await this.#soon(noise().catch(() => undefined));
  }

  async tapCard(place: Place): Promise<void> {
    const at = this.#at[nameOf(place)];
    at.isTapped = true;
    await this.#world.tap(place.reader, adaBits);
    this.#look();
    at.isTapped = false;
  }

  /** The site takes a phone's pass away, or gives it one. */
  turnPass(index: number): void {
    const phone = this.phones[index];
    if (phone === undefined) return;
    phone.isAdmitted = !phone.isAdmitted;
    this.#giveTable();
  }

  turnSuspension(): void {
    this.#isSuspended = !this.#isSuspended;
    this.#giveTable();
  }

  enrolAt(place: Place): void {
    const at = this.#at[nameOf(place)];
    const forMs = this.random.between(1_000, 20_000);
    const until = this.clock.monotonic() + forMs;
    const order = { attempt: "a", expects: this.#subject.expects, forMs, isTampered: false };
    const told = (enrolled: Enrolled) => this.#enrolled(enrolled, at);
    const begun = this.#world.controller.enrolmentAt(place.reader)?.begin(order, told);
    if (begun === "listening") at.listening = { until };
  }

  failRadio(place: Place): void {
    this.#at[nameOf(place)].radio.fail("driver_exited");
  }

  recoverRadios(): void {
    for (const place of places) this.#at[nameOf(place)].radio.recover();
  }

  async end(): Promise<void> {
    this.recoverRadios();
    for (const place of places) this.#at[nameOf(place)].radio.setAir(stillAir);
    if (this.#isSuspended) this.turnSuspension();
    // Longer than any pause, enrolment or session.
    await this.pass(240_000);
    for (const place of places) {
      const name = nameOf(place);
      this.#expect(
        this.#world.led(name) === "red",
        `${name} shows ${this.#world.led(name)} at rest`,
      );
      this.#expect(this.#at[name].radio.isAdvertising, `no phone can see ${name}`);
    }
    this.#expect(this.clock.alarmCount === 0, "a timer runs though nobody is there");
    const [phone] = this.phones;
    if (phone?.isAdmitted === false) this.turnPass(0);
    for (const place of places) {
      const used = phone && this.#use(phone, place, { action: "present", rssi: -50, mtu: 247 });
      await this.pass(100);
      this.#expect((await used) === "granted", `${nameOf(place)} serves nobody any more`);
    }
    if (this.#broken !== undefined) throw new BrokenPromise(this.#broken);
    this.#world.close();
  }

  #judge(use: Use, outcome: string, at: AtReader): void {
    const { phone, action, isNear, sawRelease } = use;
    if (outcome === "granted") {
      this.#grantedCount += 1;
      this.#expect(action === "present", "a phone that asked to be enrolled was let in");
      this.#expect(sawRelease || at.isReleased, "granted, and nothing was released");
      this.#expect(isNear, "granted to a phone that is too far away");
    }
    if (outcome === "enrolled") {
      this.#expect(action === "enrol" && isNear, "enrolled, and did not ask for it");
    }
    // The table may have changed since it was judged; that is seen at the strike.
    if (outcome === "more_needed")
      this.#expect(false, "more was needed at a door that asks for none");
    if (outcome === "try_later") this.#expect(!isNear, `${phone.raw} was sent away though near`);
  }

  #enrolled(enrolled: Enrolled, at: AtReader): void {
    const { listening } = at;
    at.listening = undefined;
    if (enrolled.kind !== "taken") return;
    const asking = this.#heldAt(at).some(
      ({ phone, action, isNear }) => action === "enrol" && isNear && phone.raw === enrolled.raw,
    );
    this.#expect(asking, "the site was told of a phone that did not ask for it here");
    const inTime = listening !== undefined && this.clock.monotonic() <= listening.until;
    this.#expect(inTime, "the site was told of a phone after its time");
  }

  /** What anybody sees now, held against what was true a moment ago. */
  #look(): void {
    for (const place of places) {
      const name = nameOf(place);
      const at = this.#at[name];
      this.#lookAtStrike(name, at);
      this.#lookAtLamp(name, at);
      this.#lookAtRadio(name, at);
    }
  }

  #lookAtStrike(name: Name, at: AtReader): void {
    const isReleased = this.#world.sim.state().doors[name]?.strike === "released";
    if (isReleased) for (const use of at.uses) use.sawRelease = true;
    if (isReleased && !at.isReleased && !at.isTapped) {
      const isOwed = this.#heldAt(at).some(
        ({ phone, action, isNear }) =>
          action === "present" && isNear && phone.isAdmitted && !this.#isSuspended,
      );
      this.#expect(isOwed, `${name} was released, and nobody is there whom the table admits`);
    }
    at.isReleased = isReleased;
  }

  #heldAt({ uses, lost }: AtReader): readonly Use[] {
    const now = this.clock.monotonic();
    return [...uses, ...lost.flatMap(({ use, until }) => (now <= until ? use : []))];
  }

  #lookAtLamp(name: Name, at: AtReader): void {
    const now = this.clock.monotonic();
    const isAmber = this.#world.led(name) === "amber" && at.listening === undefined;
    at.amberSince = isAmber ? (at.amberSince ?? now) : undefined;
    const forMs = now - (at.amberSince ?? now);
    this.#expect(forMs <= heldMsMax, `${name} is amber for ${forMs} ms`);
  }

  #lookAtRadio(name: Name, at: AtReader): void {
    const now = this.clock.monotonic();
    const { radio } = at;
    const isBusy = radio.health().state === "up" && !radio.isAdvertising;
    const count = radio.health().connectionCount;
    // One phone after the other may keep it busy without an end.
    const isSame = count === this.#lastCount[name];
    this.#lastCount[name] = count;
    at.busySince = isBusy ? ((isSame ? at.busySince : undefined) ?? now) : undefined;
    const forMs = now - (at.busySince ?? now);
    this.#expect(
      forMs <= heldMsMax + 250,
      `one phone keeps the others from ${name} for ${forMs} ms`,
    );
  }

  readonly #lastCount: Record<Name, number> = { front: 0, lab: 0 };

  #rightTable(): TableContent {
    const passes = this.phones.flatMap(({ phone, isAdmitted }, index) => {
      // One of them is counted: it is decided after a write.
      const part = index === 1 ? { usesMax: 1_000 } : {};
      return isAdmitted ? [phonePassOf(`phone-${index}`, "ada", phone, part)] : [];
    });
    const people = content({ factors: "card_or_pin" });
    const users = people.users.map((user) => ({ ...user, suspended: this.#isSuspended }));
    return withPhones(passes, { ...people, users });
  }

  #giveTable(): void {
    const before = this.#given;
    this.#table = this.#rightTable();
    this.#given = this.#subject.table(this.#table, before);
    this.#world.controller.setTable(buildAccessTable(this.#given, testHashKey));
  }

  /** Things happen for as long as it takes, and a moment longer. */
  async #soon<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    const settled = promise.finally(() => {
      isOver = true;
    });
    while (!isOver) await this.pass(20);
    return await settled;
  }

  /** Told by the next move: most of it is found out in the middle of something. */
  #expect(holds: boolean, otherwise: string): void {
    if (!holds) this.#broken ??= otherwise;
  }
}

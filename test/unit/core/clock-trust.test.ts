import fc from "fast-check";
import t from "tap";
import {
  beginClock,
  type ClockEffect,
  type ClockInput,
  type ClockRecord,
  type ClockRule,
  type ClockState,
  type ClockStep,
  clockDeadline,
  clockRecordOf,
  clockRules,
  holdoverMsMax,
  stepClock,
  wallOf,
} from "../../../src/core/clock-trust.ts";
import { epochMs, monotonicMs, type WallTime } from "../../../src/domain/time.ts";
import { unreachable } from "../../../src/domain/unreachable.ts";
import { checkProperty } from "./property.ts";

const hour = 3_600_000;
const minute = 60_000;
const day = 24 * hour;
const noon = Date.UTC(2026, 0, 5, 12);
const bootOf = (count: number) => count.toString(16).padStart(32, "0");

/** A machine with a clock that can be set, which is switched off and on, and a daemon on it. */
class Machine {
  readonly #rule: ClockRule;
  #bootCount = 1;
  #monotonic = 10_000;
  #machine: number;
  #state: ClockState;
  disk: ClockRecord | undefined;
  effects: ClockEffect[] = [];

  constructor(rule: ClockRule, machineAt = noon, disk?: ClockRecord) {
    this.#rule = rule;
    this.#machine = machineAt;
    this.disk = disk;
    this.#state = this.#begin();
  }

  get now() {
    return { monotonic: monotonicMs(this.#monotonic), machine: epochMs(this.#machine) };
  }

  get boot(): string {
    return bootOf(this.#bootCount);
  }

  wall(): WallTime {
    return wallOf(this.#state, this.now);
  }

  /** Time passes, and the deadlines in it are kept. */
  pass(ms: number): void {
    const end = this.#monotonic + ms;
    for (;;) {
      const deadline = clockDeadline(this.#state);
      if (deadline > end) break;
      this.#run(Math.max(0, deadline - this.#monotonic));
      this.feed({ kind: "deadline_reached" });
      if (clockDeadline(this.#state) <= deadline) throw new Error("it wakes for nothing");
    }
    this.#run(end - this.#monotonic);
  }

  set(byMs: number): void {
    this.#machine += byMs;
    this.feed({ kind: "looked" });
  }

  answer(isSynchronised: boolean): void {
    this.feed({ kind: "answered", isSynchronised });
  }

  feed(input: ClockInput): void {
    this.#state = this.#take(stepClock(this.#state, input, this.now));
  }

  /** An orderly stop of the daemon. */
  stop(): void {
    this.disk = clockRecordOf(this.#state, this.now);
  }

  startAgain(awayMs = 1_000): void {
    this.#run(awayMs);
    this.#state = this.#begin();
  }

  reboot(machineAt: number): void {
    this.#bootCount += 1;
    this.#monotonic = 5_000;
    this.#machine = machineAt;
    this.#state = this.#begin();
  }

  told(): readonly (readonly [number, string])[] {
    return this.effects.flatMap((effect) =>
      effect.kind === "clock_set" ? [[effect.byMs, effect.outcome] as const] : [],
    );
  }

  count(kind: ClockEffect["kind"]): number {
    return this.effects.filter((effect) => effect.kind === kind).length;
  }

  /** Without a question or a step: as in a test's middle. */
  setUnseen(byMs: number): void {
    this.#machine += byMs;
  }

  /** Time passes and no deadline is kept. */
  sleep(ms: number): void {
    this.#run(ms);
  }

  get question(): ClockState["question"] {
    return this.#state.question;
  }

  get isAsking(): boolean {
    return this.question !== "none";
  }

  #run(ms: number): void {
    this.#monotonic += ms;
    this.#machine += ms;
  }

  #begin(): ClockState {
    return this.#take(
      beginClock({ rule: this.#rule, boot: this.boot, found: this.disk }, this.now),
    );
  }

  #take(step: ClockStep): ClockState {
    for (const effect of step.effects) {
      if (effect.kind === "store") this.disk = effect.record;
      this.effects.push(effect);
    }
    return step.state;
  }
}

const shown = (machine: Machine) => [machine.wall().at, machine.wall().quality];

t.test("a clock that the configuration believes is believed, and nothing is asked", async (t) => {
  for (const rule of ["trusted", "holdover", "unknown"] as const) {
    const machine = new Machine(rule);
    t.same(shown(machine), [noon, rule]);
    machine.pass(day);
    t.same(shown(machine), [noon + day, rule]);
    t.equal(machine.count("ask"), 0);
    t.equal(machine.count("store"), 25, "at the start and hourly");
  }
});

t.test("a time source makes the time trusted, and without it the time is unknown", async (t) => {
  const machine = new Machine("ntp");
  t.equal(machine.count("ask"), 1, "asked at the start");
  t.same(shown(machine), [noon, "unknown"]);
  machine.answer(false);
  t.same(shown(machine), [noon, "unknown"]);
  machine.pass(5_000);
  t.equal(machine.count("ask"), 2);
  machine.setUnseen(3 * day);
  machine.answer(true);
  t.equal(machine.wall().quality, "unknown", "that may have been said of the time before");
  machine.answer(true);
  t.same(shown(machine), [noon + 3 * day + 5_000, "trusted"]);
  t.same(machine.told(), [[3 * day, "followed"]], "earlier entries have another time");
});

t.test("until it vouches a source is asked more and more seldom, and then hourly", async (t) => {
  const machine = new Machine("ntp");
  const askedAt: number[] = [];
  for (let second = 0; second <= 4 * 3_600; second += 1) {
    if (machine.isAsking) {
      askedAt.push(second);
      machine.answer(second > 3 * 3_600);
    }
    machine.pass(1_000);
  }
  const waits = askedAt.slice(1).map((at, index) => at - (askedAt[index] ?? 0));
  t.same(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]);
});

t.test("when the network comes the source is asked soon, and its answer not hurried", async (t) => {
  const machine = new Machine("ntp");
  for (let count = 0; count < 12; count += 1) {
    machine.answer(false);
    machine.pass(hour);
  }
  machine.answer(false);
  const before = machine.count("ask");
  for (let ups = 0; ups < 100; ups += 1) machine.feed({ kind: "ask_again" });
  t.equal(machine.count("ask"), before, "a link that flaps starts no program each time");
  machine.pass(5_000);
  t.equal(machine.count("ask"), before + 1);
});

t.test("a question that is not answered is not asked twice", async (t) => {
  const machine = new Machine("ntp");
  machine.pass(day);
  t.equal(machine.count("ask"), 1);
});

t.test(
  "time that nobody vouches for any more is in holdover for 69 days, then unknown",
  async (t) => {
    const machine = new Machine("ntp");
    machine.answer(true);
    machine.pass(hour);
    t.ok(machine.isAsking);
    machine.answer(false);
    const lost = holdoverMsMax - hour;
    t.equal(Math.floor(holdoverMsMax / day), 69);
    t.same(shown(machine), [noon + hour, "holdover"]);
    machine.pass(lost - 1);
    t.equal(machine.wall().quality, "holdover");
    machine.pass(1);
    t.equal(machine.wall().quality, "unknown");
    machine.answer(true);
    t.equal(machine.wall().quality, "trusted");
  },
);

t.test("holdover ends in time also where the timer is late", async (t) => {
  const machine = new Machine("ntp");
  machine.answer(true);
  machine.stop();
  machine.startAgain(0);
  t.equal(machine.wall().quality, "holdover");
  machine.sleep(holdoverMsMax);
  t.equal(machine.wall().quality, "unknown");
});

t.test("a clock that is set by hand is not followed once time was vouched for", async (t) => {
  for (const byMs of [-2 * hour, 2 * hour]) {
    const machine = new Machine("ntp");
    machine.answer(true);
    machine.pass(minute);
    machine.set(byMs);
    t.same(shown(machine), [noon + minute, "holdover"]);
    t.same(machine.told(), [[byMs, "ignored"]]);
    t.ok(machine.isAsking, "the source is asked at once");
    machine.answer(false);
    machine.pass(minute);
    t.same(shown(machine), [noon + 2 * minute, "holdover"]);
    machine.set(-byMs);
    t.same(shown(machine), [noon + 2 * minute, "holdover"], "set right again: nothing moved");
    machine.set(byMs);
    machine.answer(true);
    t.same(shown(machine), [noon + 2 * minute, "holdover"], "asked before it was set");
    machine.answer(true);
    t.same(shown(machine), [noon + 2 * minute + byMs, "trusted"], "the source says so");
  }
});

t.test("a believed clock is followed when it is set, and the step is told", async (t) => {
  const machine = new Machine("trusted");
  machine.set(-1_001);
  machine.set(900);
  machine.set(2 * hour);
  t.same(machine.told(), [
    [-1_001, "followed"],
    [2 * hour + 900, "followed"],
  ]);
  t.equal(machine.wall().quality, "trusted");
});

t.test("a step by more than a minute is on disk at once", async (t) => {
  const machine = new Machine("trusted");
  machine.set(-30_000);
  t.equal(machine.disk?.wallAt, noon);
  machine.set(-61_000);
  t.equal(machine.disk?.wallAt, noon - 91_000);
});

t.test("a clock that starts in 1970 does not take the doors there", async (t) => {
  for (const rule of clockRules) {
    const machine = new Machine(rule);
    machine.pass(hour);
    machine.reboot(0);
    t.same(shown(machine), [noon + hour, "unknown"], rule);
    machine.pass(minute);
    t.same(shown(machine), [noon + hour + minute, "unknown"], "time runs on from the floor");
    if (rule === "unknown") continue;
    t.ok(machine.isAsking, `${rule}: somebody may set it right`);
    machine.set(noon + day - machine.now.machine);
    machine.answer(true);
    machine.answer(true);
    t.same(shown(machine), [noon + day, rule === "ntp" ? "trusted" : rule]);
  }
});

t.test("a floor is left behind when the machine's clock passes it", async (t) => {
  const machine = new Machine("trusted");
  machine.reboot(0);
  machine.set(noon - hour);
  t.equal(machine.wall().quality, "unknown", "not yet");
  machine.set(hour + minute);
  t.same(shown(machine), [noon + minute, "trusted"]);
});

t.test("a floor in the future is put right by a time source, and that is told", async (t) => {
  const machine = new Machine("trusted", noon + 1_000 * day);
  machine.reboot(noon);
  t.same(shown(machine), [noon + 1_000 * day, "unknown"]);
  machine.answer(true);
  t.same(shown(machine), [noon, "trusted"]);
  t.same(machine.told(), [[-1_000 * day, "followed"]]);
  t.equal(machine.disk?.wallAt, noon, "and does not come back");
});

t.test("a believed clock a little behind the floor catches up without running back", async (t) => {
  const machine = new Machine("trusted");
  machine.reboot(noon - 5 * minute);
  t.same(shown(machine), [noon, "trusted"]);
  machine.pass(2 * minute);
  t.same(shown(machine), [noon + minute, "trusted"], "at half speed");
  machine.stop();
  machine.startAgain(0);
  t.equal(machine.wall().at, noon + minute, "over a restart of the daemon too");
  machine.pass(20 * minute);
  t.same(shown(machine), [noon + 17 * minute, "trusted"]);
  const late = new Machine("trusted");
  late.reboot(noon - 10 * minute - 1);
  t.equal(late.wall().quality, "unknown", "behind by more, its battery is empty");
});

t.test("a restart of the daemon loses no trust, and a restart of the machine does", async (t) => {
  const machine = new Machine("ntp");
  machine.answer(true);
  machine.pass(minute);
  machine.startAgain();
  t.same(shown(machine), [noon + minute + 1_000, "holdover"], "also when it was killed");
  machine.pass(holdoverMsMax - minute - 1_000);
  t.equal(machine.wall().quality, "unknown", "holdover counts from the source's word");
  const rebooted = new Machine("ntp");
  rebooted.answer(true);
  rebooted.reboot(noon + minute);
  t.same(shown(rebooted), [noon + minute, "unknown"]);
});

t.test("a clock that is set while the daemon is away is seen by the next one", async (t) => {
  const vouched = new Machine("ntp");
  vouched.answer(true);
  vouched.stop();
  vouched.setUnseen(-hour);
  vouched.startAgain();
  t.same(shown(vouched), [noon + 1_000, "holdover"]);
  t.same(vouched.told(), [[-hour, "ignored"]]);
  const believed = new Machine("trusted");
  believed.stop();
  believed.setUnseen(-hour);
  believed.startAgain();
  t.same(shown(believed), [noon + 1_000 - hour, "trusted"]);
  t.same(believed.told(), [[-hour, "followed"]]);
});

t.test("another boot's monotonic time is not taken for this one's", async (t) => {
  const machine = new Machine("ntp");
  machine.answer(true);
  const disk = machine.disk;
  if (disk === undefined) throw new Error("nothing is on disk");
  for (const found of [
    { ...disk, boot: undefined },
    { ...disk, boot: bootOf(9) },
    { ...disk, monotonicAt: monotonicMs(1e9) },
  ]) {
    t.equal(new Machine("ntp", noon, found).wall().quality, "unknown");
  }
});

/** Two steps of less than a second each, one after the other, are not told from steering. */
const steeredMsMax = 2_001;

type Move =
  | { readonly kind: "pass" | "set"; readonly ms: number }
  | { readonly kind: "answer"; readonly isSynchronised: boolean }
  | { readonly kind: "restart"; readonly isKilled: boolean; readonly setMs: number }
  | { readonly kind: "reboot"; readonly isKilled: boolean; readonly offMs: number };

const someMs = fc.oneof(
  fc.integer({ min: -2_000, max: 2_000 }),
  fc.integer({ min: -2 * hour, max: 2 * hour }),
  fc.integer({ min: -100 * day, max: 100 * day }),
);
const moves: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ kind: fc.constant("pass" as const), ms: someMs.map(Math.abs) }),
  fc.record({ kind: fc.constant("set" as const), ms: someMs }),
  fc.record({ kind: fc.constant("answer" as const), isSynchronised: fc.boolean() }),
  fc.record({ kind: fc.constant("restart" as const), isKilled: fc.boolean(), setMs: someMs }),
  fc.record({ kind: fc.constant("reboot" as const), isKilled: fc.boolean(), offMs: someMs }),
);

function play(machine: Machine, move: Move): void {
  switch (move.kind) {
    case "pass":
      return machine.pass(move.ms);
    case "set":
      return machine.set(move.ms);
    case "answer":
      return machine.answer(move.isSynchronised);
    case "restart":
      if (!move.isKilled) machine.stop();
      machine.setUnseen(move.setMs);
      return machine.startAgain();
    case "reboot":
      if (!move.isKilled) machine.stop();
      return machine.reboot(machine.now.machine + move.offMs);
    default:
      return unreachable(move);
  }
}

/** What a source vouched for in this boot, by a truth of its own. */
interface Vouched {
  readonly offsetMs: number;
  readonly at: number;
  /** Nobody has set the clock or denied it since. */
  readonly holds: boolean;
}

function vouchedAfter(before: Vouched | undefined, move: Move, machine: Machine, counts: boolean) {
  const { now } = machine;
  if (move.kind === "reboot") return undefined;
  if (move.kind === "restart") return before && { ...before, holds: false };
  if (move.kind === "set" && Math.abs(move.ms) > steeredMsMax)
    return before && { ...before, holds: false };
  if (move.kind !== "answer") return before;
  if (!counts) return before;
  if (!move.isSynchronised) return before && { ...before, holds: false };
  return { offsetMs: now.machine - now.monotonic, at: now.monotonic, holds: true };
}

/** What is wrong with what `ntp` shows; undefined where nothing is. */
function judge(machine: Machine, vouched: Vouched | undefined): string | undefined {
  const { now } = machine;
  const { at, quality } = machine.wall();
  if (quality === "unknown")
    return vouched?.holds === true ? "unknown, and vouched for" : undefined;
  if (vouched === undefined) return `${quality}, and nobody has vouched`;
  const offMs = Math.abs(at - now.monotonic - vouched.offsetMs);
  if (offMs > 2_500) return `${offMs} ms from what was vouched for`;
  if (quality === "trusted")
    return vouched.holds ? undefined : "trusted, and nobody says so any more";
  return now.monotonic - vouched.at > holdoverMsMax ? "holdover without an end" : undefined;
}

t.test("in any life time runs back only where somebody vouches for it", async (t) => {
  checkProperty(
    t,
    300,
    fc.property(
      fc.constantFrom(...clockRules),
      fc.array(moves, { maxLength: 25 }),
      (rule, life) => {
        const machine = new Machine(rule);
        const isFollowed = rule === "trusted" || rule === "holdover";
        let vouched: Vouched | undefined;
        for (const move of life) {
          const before = { at: machine.wall().at, kept: machine.disk?.wallAt ?? 0 };
          const counts = machine.question !== "outdated";
          play(machine, move);
          vouched = vouchedAfter(vouched, move, machine, counts);
          const isSet = move.kind === "set" || move.kind === "restart";
          const isVouched = move.kind === "answer" && move.isSynchronised && counts;
          const least = "isKilled" in move && move.isKilled ? before.kept : before.at;
          const ranBackMs = least - machine.wall().at;
          if (!isVouched && !(isFollowed && isSet) && ranBackMs > steeredMsMax) {
            throw new Error(`${rule}: ran back by ${ranBackMs} ms`);
          }
          const complaint = rule === "ntp" ? judge(machine, vouched) : undefined;
          if (complaint !== undefined) throw new Error(complaint);
        }
      },
    ),
  );
});

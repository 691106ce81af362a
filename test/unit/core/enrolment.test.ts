import fc from "fast-check";
import t from "tap";
import {
  type EnrolmentEffect,
  type EnrolmentInput,
  type EnrolmentState,
  enrolmentDeadline,
  initialEnrolment,
  lastUnknown,
  sameCardMs,
  stepEnrolment,
  unknownKeptMs,
} from "../../../src/core/enrolment.ts";
import { phoneCredential, rawCredential } from "../../../src/domain/credential.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { checkProperty } from "./property.ts";

const one = rawCredential("26:0190e0f");
const two = rawCredential("26:0190e0e");
const phoneOne = phoneCredential("0123456789abcdef0123456789abcdef");
const phoneTwo = phoneCredential("fedcba9876543210fedcba9876543210");
const forMs = 30_000;
const begin = (attempt: string, isTampered = false): EnrolmentInput => {
  return { kind: "begin", attempt, expects: "card", forMs, isTampered };
};
const beginPhone = (attempt: string): EnrolmentInput => {
  return { kind: "begin", attempt, expects: "phone", forMs, isTampered: false };
};
const phone = (raw = phoneOne): EnrolmentInput => ({ kind: "phone", raw });
const card = (raw = one): EnrolmentInput => ({ kind: "card", raw });
const due: EnrolmentInput = { kind: "deadline_reached" };

/** Feeds inputs at instants; what came of each. */
function run(
  steps: readonly (readonly [at: number, input: EnrolmentInput])[],
  from: EnrolmentState = initialEnrolment,
): { readonly state: EnrolmentState; readonly effects: readonly (readonly EnrolmentEffect[])[] } {
  let state = from;
  const effects = steps.map(([at, input]) => {
    const step = stepEnrolment(state, input, monotonicMs(at));
    state = step.state;
    return step.effects;
  });
  return { state, effects };
}

const listen = (attempt: string) => [{ kind: "listen", attempt }];
const taken = (attempt: string, raw = one) => [{ kind: "taken", attempt, raw }];
const ended = (attempt: string, outcome: string) => [{ kind: "ended", attempt, outcome }];
const judged = (raw = one) => [{ kind: "judge", raw }];

t.test("without an enrolment every card is judged", async (t) => {
  t.same(
    run([
      [0, card()],
      [1, card()],
      [2, card(two)],
    ]).effects,
    [judged(), judged(), judged(two)],
  );
});

t.test("the next card is taken and not judged, and the one after it is judged", async (t) => {
  const { effects } = run([
    [0, begin("a")],
    [5_000, card()],
    [6_000, card(two)],
  ]);
  t.same(effects, [listen("a"), taken("a"), judged(two)]);
});

t.test("a card that is left on the reader is not judged as soon as it is taken", async (t) => {
  const again = Array.from({ length: 20 }, (_, index) => [1_500 * (index + 1), card()] as const);
  const { state, effects } = run([[0, begin("a")], [1, card()], ...again]);
  t.same(effects.slice(2).flat(), [], "for as long as it lies there");
  t.same(run([[30_000 + sameCardMs, card()]], state).effects, [judged()], "then it is");
});

t.test("a card that was taken away for two seconds is a new presentation", async (t) => {
  const { state } = run([
    [0, begin("a")],
    [100, card()],
  ]);
  t.same(run([[99 + sameCardMs, card()]], state).effects, [[]]);
  t.same(run([[100 + sameCardMs, card()]], state).effects, [judged()]);
});

t.test("nothing is presented in time: that is said, and cards are judged again", async (t) => {
  const { state, effects } = run([[0, begin("a")]]);
  t.equal(enrolmentDeadline(state), forMs);
  t.same(effects, [listen("a")]);
  const late = run(
    [
      [forMs, due],
      [forMs, due],
      [forMs + 1, card()],
    ],
    state,
  );
  t.same(late.effects, [ended("a", "nothing"), [], judged()]);
  t.equal(enrolmentDeadline(late.state), undefined);
});

t.test("a card that overtakes the late timer is judged, after the enrolment ended", async (t) => {
  const { state } = run([[0, begin("a")]]);
  t.same(run([[forMs - 1, card()]], state).effects, [taken("a")]);
  t.same(run([[forMs, card()]], state).effects, [[...ended("a", "nothing"), ...judged()]]);
});

t.test("a timer that comes early ends nothing", async (t) => {
  const { effects } = run([
    [0, begin("a")],
    [1, due],
    [2, card()],
  ]);
  t.same(effects, [listen("a"), [], taken("a")]);
});

t.test("a second enrolment at the same reader is refused, and the first goes on", async (t) => {
  const { effects } = run([
    [0, begin("a")],
    [1, begin("b")],
    [2, begin("a")],
    [3, card()],
  ]);
  const refuse = (attempt: string) => [{ kind: "refuse", attempt, reason: "busy" }];
  t.same(effects, [listen("a"), refuse("b"), refuse("a"), taken("a")]);
});

t.test("the next may begin when one is over, with the card still there", async (t) => {
  const { effects } = run([
    [0, begin("a")],
    [1, card()],
    [2, begin("b")],
    [3, card()],
    [forMs * 2, begin("c")],
    [forMs * 3, begin("d")],
  ]);
  t.same(effects, [
    listen("a"),
    taken("a"),
    listen("b"),
    taken("b"),
    listen("c"),
    [...ended("c", "nothing"), ...listen("d")],
  ]);
});

t.test("whoever asked may cancel, and nobody cancels another's", async (t) => {
  const { state, effects } = run([
    [0, begin("a")],
    [1, { kind: "cancel", attempt: "b" }],
    [2, { kind: "cancel", attempt: "a" }],
    [3, { kind: "cancel", attempt: "a" }],
    [4, card()],
  ]);
  t.same(effects, [listen("a"), [], ended("a", "cancelled"), [], judged()]);
  t.equal(enrolmentDeadline(state), undefined);
});

t.test("what a reader sends that is tampered with is nobody's card", async (t) => {
  const { effects } = run([
    [0, begin("a", true)],
    [1, card()],
    [2, begin("b")],
    [3, { kind: "tampered" }],
    [4, card()],
    [5, { kind: "tampered" }],
  ]);
  t.same(effects, [
    [{ kind: "refuse", attempt: "a", reason: "tampered" }],
    judged(),
    listen("b"),
    ended("b", "tampered"),
    judged(),
    [],
  ]);
});

t.test("what was declined last because nobody knows it is kept for fifteen minutes", async (t) => {
  t.equal(unknownKeptMs, 15 * 60_000);
  const { state } = run([
    [0, { kind: "declined_unknown", raw: one }],
    [60_000, { kind: "declined_unknown", raw: two }],
  ]);
  t.equal(lastUnknown(initialEnrolment, monotonicMs(0)), undefined);
  t.equal(lastUnknown(state, monotonicMs(60_000)), two, "until the next one");
  t.equal(lastUnknown(state, monotonicMs(60_000 + unknownKeptMs - 1)), two);
  t.equal(lastUnknown(state, monotonicMs(60_000 + unknownKeptMs)), undefined, "or too late");
  t.equal(enrolmentDeadline(state), 60_000 + unknownKeptMs);
  const forgotten = run([[60_000 + unknownKeptMs, due]], state).state;
  t.notOk(JSON.stringify(forgotten).includes(two), "and is not in memory any more");
});

t.test("an enrolment leaves what was declined before as it was", async (t) => {
  const { state } = run([
    [0, { kind: "declined_unknown", raw: two }],
    [1, begin("a")],
    [2, card()],
  ]);
  t.equal(lastUnknown(state, monotonicMs(3)), two);
  t.equal(enrolmentDeadline(state), 2 + sameCardMs, "the earlier of both");
});

const notEnrolling = [{ kind: "not_enrolling" }];

t.test("a phone that asks where nobody waits for phones hears that", async (t) => {
  const { effects } = run([
    [0, phone()],
    [1, begin("a")],
    [2, phone()],
    [3, card()],
    [4, phone()],
  ]);
  t.same(effects, [notEnrolling, listen("a"), notEnrolling, taken("a"), notEnrolling]);
});

t.test("a reader that waits for a phone takes one, and judges cards meanwhile", async (t) => {
  const { effects } = run([
    [0, beginPhone("a")],
    [1, card()],
    [2, card(two)],
    [3, phone()],
    [4, phone(phoneTwo)],
    [5, card()],
  ]);
  t.same(effects, [
    listen("a"),
    judged(),
    judged(two),
    taken("a", phoneOne),
    notEnrolling,
    judged(),
  ]);
});

t.test("a phone that did not hear that it was taken may ask again, and is told once", async (t) => {
  const { state, effects } = run([
    [0, beginPhone("a")],
    [1, phone()],
    [1_000, phone()],
  ]);
  t.same(effects.slice(1), [taken("a", phoneOne), [{ kind: "taken_before" }]]);
  t.same(run([[1 + sameCardMs, phone()]], state).effects, [notEnrolling], "and not for ever");
});

t.test("a phone that comes too late is not taken, before the timer or after it", async (t) => {
  const { state } = run([[0, beginPhone("a")]]);
  t.same(run([[forMs - 1, phone()]], state).effects, [taken("a", phoneOne)]);
  t.same(run([[forMs, phone()]], state).effects, [[...ended("a", "nothing"), ...notEnrolling]]);
});

const inputs: fc.Arbitrary<EnrolmentInput> = fc.oneof(
  fc.record({
    kind: fc.constant("begin" as const),
    attempt: fc.constantFrom("a", "b", "c"),
    expects: fc.constantFrom("card" as const, "phone" as const),
    forMs: fc.integer({ min: 1_000, max: 60_000 }),
    isTampered: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("cancel" as const), attempt: fc.constantFrom("a", "b", "c") }),
  fc.record({ kind: fc.constant("card" as const), raw: fc.constantFrom(one, two) }),
  fc.record({
    kind: fc.constant("phone" as const),
    raw: fc.constantFrom(phoneOne, phoneTwo),
  }),
  fc.record({ kind: fc.constant("declined_unknown" as const), raw: fc.constantFrom(one, two) }),
  fc.constantFrom<EnrolmentInput>({ kind: "tampered" }, due),
);
const lives = fc.array(fc.tuple(fc.integer({ min: 0, max: 20_000 }), inputs), { maxLength: 60 });

t.test(
  "whatever happens, each enrolment ends once, takes what it expects, and judges no phone",
  async (t) => {
    checkProperty(
      t,
      2_000,
      fc.property(lives, (life) => {
        let state = initialEnrolment;
        let now = 0;
        /** The one that listens, by the effects alone. */
        let open:
          | { readonly attempt: string; readonly expects: string; readonly until: number }
          | undefined;
        for (const [waitMs, input] of life) {
          now += waitMs;
          const expected = open !== undefined && now < open.until ? open.expects : "nothing";
          const step = stepEnrolment(state, input, monotonicMs(now));
          ({ state } = step);
          const kinds = step.effects.map(({ kind }) => kind);
          const count = (kind: string) => kinds.filter((one) => one === kind).length;
          const isExpected = input.kind === expected;
          if (count("taken") !== (isExpected ? 1 : 0)) return false;
          if (count("judge") > (input.kind === "card" && !isExpected ? 1 : 0)) return false;
          if (input.kind === "card" && expected === "phone" && count("judge") !== 1) return false;
          const heard = count("taken") + count("taken_before") + count("not_enrolling");
          if (input.kind === "phone" && heard !== 1) return false;
          for (const effect of step.effects) {
            if (effect.kind === "listen") {
              if (open !== undefined || input.kind !== "begin") return false;
              const { expects } = input;
              open = { attempt: effect.attempt, expects, until: now + input.forMs };
            }
            if (effect.kind === "taken" || effect.kind === "ended") {
              if (open?.attempt !== effect.attempt) return false;
              open = undefined;
            }
          }
          const deadline = enrolmentDeadline(state);
          if (deadline !== undefined && deadline <= now) return false;
          if (open !== undefined && (deadline === undefined || deadline > open.until)) return false;
        }
        return true;
      }),
    );
  },
);

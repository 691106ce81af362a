import fc from "fast-check";
import t from "tap";
import {
  addressFailuresMax,
  addressPauseMs,
  countMobileFailure,
  failureWindowMs,
  firstReaderPauseMs,
  initialMobileLockout,
  type MobileFailure,
  type MobileLockoutState,
  mobilePausedUntil,
  pausedAddressesMax,
  readerFailuresMax,
  readerPauseForgottenMs,
  readerPauseMsMax,
} from "../../../src/core/mobile-lockout.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { checkProperty } from "./property.ts";

const one = "c0:00:00:00:00:01";
const two = "c0:00:00:00:00:02";

/** Feeds failures at instants; what each came to. */
function run(
  steps: readonly (readonly [at: number, failure: MobileFailure])[],
  from: MobileLockoutState = initialMobileLockout,
) {
  let state = from;
  const effects = steps.flatMap(([at, failure]) => {
    const step = countMobileFailure(state, failure, monotonicMs(at));
    state = step.state;
    return step.effects;
  });
  return { state, effects };
}

const refused = (address = one): MobileFailure => ({ address, kind: "refused" });
const silent = (address = one): MobileFailure => ({ address, kind: "silent" });
const times = (count: number, make: (index: number) => MobileFailure, from = 0) =>
  Array.from({ length: count }, (_, index) => [from + index, make(index)] as const);
const until = (state: MobileLockoutState, address: string, at: number) =>
  mobilePausedUntil(state, address, monotonicMs(at));
const strangers = (count: number, from = 0) =>
  times(count, (index) => refused(`c1:00:00:00:00:${index}`), from);

t.test("a phone that fails again and again is turned away, and no other is", async (t) => {
  for (const make of [refused, silent]) {
    const before = run(times(addressFailuresMax - 1, () => make()));
    t.equal(until(before.state, one, 10), undefined);
    const { state, effects } = run([[10, make()]], before.state);
    t.same(effects, [{ kind: "address_paused", pauseMs: addressPauseMs }]);
    t.equal(until(state, one, 10), 10 + addressPauseMs);
    t.equal(until(state, two, 10), undefined);
    t.equal(until(state, one, 10 + addressPauseMs), undefined, "until it is over");
  }
});

t.test("what was long ago is forgiven", async (t) => {
  const { state } = run(times(addressFailuresMax - 1, () => refused()));
  const { effects } = run([[failureWindowMs + addressFailuresMax, refused()]], state);
  t.same(effects, []);
});

t.test("whoever takes another address each time is turned away with everybody", async (t) => {
  const { state, effects } = run(strangers(readerFailuresMax));
  t.same(effects, [{ kind: "reader_paused", pauseMs: firstReaderPauseMs }]);
  const last = readerFailuresMax - 1;
  t.equal(until(state, two, last), last + firstReaderPauseMs);
  t.equal(until(state, two, last + firstReaderPauseMs), undefined);
});

t.test("failures of an address that was paused still count for the reader", async (t) => {
  const address = times(addressFailuresMax, () => refused());
  const { state } = run(address);
  const rest = strangers(readerFailuresMax - addressFailuresMax, 100);
  t.match(run(rest, state).effects.at(-1), { kind: "reader_paused" });
});

t.test("phones with bad radios keep nobody else out, however many there are", async (t) => {
  const { state, effects } = run(times(1_000, (index) => silent(`c1:00:00:00:00:${index}`)));
  t.same(effects, []);
  t.equal(until(state, one, 1_000), undefined);
  t.ok(state.failures.length <= readerFailuresMax, "and take no more memory than others");
});

t.test("pauses of the reader double to a limit, and are forgotten", async (t) => {
  let state = initialMobileLockout;
  let now = 0;
  const pauses: number[] = [];
  for (let count = 0; count < 7; count += 1) {
    const step = run(strangers(readerFailuresMax, now), state);
    state = step.state;
    pauses.push(...step.effects.map(({ pauseMs }) => pauseMs));
    now = state.readerPause?.until ?? 0;
  }
  t.same(pauses, [10_000, 20_000, 40_000, 80_000, 160_000, 160_000, 160_000]);
  t.equal(Math.max(...pauses), readerPauseMsMax);
  const later = run(strangers(readerFailuresMax, now + readerPauseForgottenMs), state);
  t.same(later.effects, [{ kind: "reader_paused", pauseMs: firstReaderPauseMs }]);
});

t.test("memory and pauses have their limits, whoever comes", async (t) => {
  const failures = fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: 8_000 }),
      fc.record({
        address: fc.constantFrom(...Array.from({ length: 40 }, (_, index) => `a${index}`)),
        kind: fc.constantFrom("refused" as const, "silent" as const),
      }),
    ),
    { maxLength: 400 },
  );
  checkProperty(
    t,
    300,
    fc.property(failures, (life) => {
      let state = initialMobileLockout;
      let now = 0;
      for (const [waitMs, failure] of life) {
        now += waitMs;
        ({ state } = countMobileFailure(state, failure, monotonicMs(now)));
        if (state.failures.length >= 2 * readerFailuresMax) return false;
        if (state.pausedAddresses.length > pausedAddressesMax) return false;
        const paused = mobilePausedUntil(state, failure.address, monotonicMs(now));
        if (paused !== undefined && (paused <= now || paused > now + readerPauseMsMax))
          return false;
      }
      return mobilePausedUntil(state, "a0", monotonicMs(now + readerPauseMsMax)) === undefined;
    }),
  );
});

import t from "tap";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import { authorize } from "../../../src/core/authorize.ts";
import {
  countWrongPin,
  firstPauseMs,
  initialPinLockout,
  isPinLockedOut,
  isWrongPin,
  type PinLockoutState,
  pauseForgottenMs,
  pauseMsMax,
  wrongPinsMax,
  wrongPinWindowMs,
} from "../../../src/core/pin-lockout.ts";
import type { Presented } from "../../../src/core/presented.ts";
import type { DoorSettings } from "../../../src/domain/access.ts";
import { type PinDigest, pinDigest, rawCredential } from "../../../src/domain/credential.ts";
import { doorId, type PassId, passId, readerId } from "../../../src/domain/ids.ts";
import { denialReasons } from "../../../src/domain/reason.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { adaPin, noonOnMonday, site } from "./decision-case.ts";
import { premisesOf } from "./premises-facts.ts";
import { at, testHashKey } from "./sample-table.ts";

const reader = readerId("front");

/** Wrong PINs at these times; the pauses that they brought. */
function enterWrong(
  times: readonly number[],
  from: PinLockoutState = initialPinLockout,
): { readonly state: PinLockoutState; readonly pauses: readonly number[] } {
  let state = from;
  const pauses: number[] = [];
  for (const at of times) {
    const step = countWrongPin(reader, state, monotonicMs(at));
    state = step.state;
    pauses.push(...step.effects.map(({ event }) => event.pauseMs));
  }
  return { state, pauses };
}

const fiveFrom = (at: number) => [at, at + 1_000, at + 2_000, at + 3_000, at + 4_000];
const isLocked = (state: PinLockoutState, at: number) => isPinLockedOut(state, monotonicMs(at));

t.test("the limits are those of behaviour 26", async (t) => {
  t.same([wrongPinsMax, wrongPinWindowMs, firstPauseMs, pauseMsMax], [5, 120_000, 60_000, 900_000]);
});

t.test("the fifth wrong PIN in two minutes pauses the keypad for a minute", async (t) => {
  const four = enterWrong([0, 1_000, 2_000, 3_000]);
  t.same(four.pauses, []);
  t.equal(isLocked(four.state, 3_000), false);
  const five = enterWrong([119_999], four.state);
  t.same(five.pauses, [60_000]);
  t.equal(isLocked(five.state, 119_999), true);
  t.equal(isLocked(five.state, 179_998), true);
  t.equal(isLocked(five.state, 179_999), false);
});

t.test("the event names the keypad and how long it is paused", async (t) => {
  const { state } = enterWrong([0, 1, 2, 3]);
  t.same(countWrongPin(reader, state, monotonicMs(4)).effects, [
    { kind: "event", event: { kind: "pin_lockout", reader, pauseMs: 60_000 } },
  ]);
});

t.test("a wrong PIN counts for two minutes", async (t) => {
  t.same(enterWrong([0, 1_000, 2_000, 3_000, 120_000]).pauses, []);
  t.same(enterWrong([0, 1_000, 2_000, 3_000, 120_000, 120_500]).pauses, [60_000]);
  const slow = Array.from({ length: 100 }, (_, index) => index * 31_000);
  t.same(enterWrong(slow).pauses, [], "four in two minutes, for as long as you like");
});

t.test("each pause doubles, up to fifteen minutes", async (t) => {
  const starts = [0, 100_000, 300_000, 600_000, 1_200_000, 2_200_000, 3_200_000];
  t.same(
    enterWrong(starts.flatMap(fiveFrom)).pauses,
    [60_000, 120_000, 240_000, 480_000, 900_000, 900_000, 900_000],
  );
});

t.test("a pause starts a new count", async (t) => {
  const { state } = enterWrong(fiveFrom(0));
  t.same(enterWrong([64_000, 64_100, 64_200, 64_300], state).pauses, []);
  t.same(enterWrong([64_000, 64_100, 64_200, 64_300, 64_400], state).pauses, [120_000]);
});

t.test("trying during a pause does not extend it and does not count", async (t) => {
  const { state } = enterWrong(fiveFrom(0));
  const tried = enterWrong([5_000, 6_000, 7_000, 63_999], state);
  t.same(tried.state, state);
  t.equal(isLocked(tried.state, 64_000), false);
});

t.test("an hour without a pause forgets the doubling, and less does not", async (t) => {
  const { state } = enterWrong(fiveFrom(0));
  const pauseEndedAt = 64_000;
  const almost = pauseEndedAt + pauseForgottenMs - 4_001;
  t.same(enterWrong(fiveFrom(almost), state).pauses, [120_000]);
  t.same(enterWrong(fiveFrom(almost + 1), state).pauses, [60_000]);
});

t.test("the state never grows", async (t) => {
  let state = initialPinLockout;
  for (let at = 0; at < 10_000_000; at += 700) {
    ({ state } = countWrongPin(reader, state, monotonicMs(at)));
    if (state.kind === "open" && state.wrongAt.length >= wrongPinsMax) t.fail(`at ${at}`);
  }
  t.pass();
});

t.test("only a PIN that was itself wrong counts", async (t) => {
  const pin = pinDigest("00112233445566778899aabbccddeeff");
  const card = rawCredential("26:0190e0f");
  const pass = passId("ada-pin");
  const counting = (presented: Presented, whose: { readonly pass?: PassId }): readonly string[] =>
    denialReasons.filter((reason) => isWrongPin(presented, { reason, ...whose }));
  t.same(counting({ pin }, { pass }), [], "somebody's PIN, whatever he is denied for");
  t.same(counting({ card, pin }, { pass }), ["wrong_pin", "pin_of_another_user"]);
  t.same(counting({ card, pin }, {}), ["wrong_pin", "pin_of_another_user"]);
  t.same(counting({ card }, {}).includes("unknown_credential"), false, "an unknown card is no PIN");
});

t.test("nobody's PIN is wrong whatever else the door has against it", async (t) => {
  const pin = pinDigest("00112233445566778899aabbccddeeff");
  const others = denialReasons.filter((reason) => !isWrongPin({ pin }, { reason }));
  t.same(others, ["no_table"], "without a table it may yet be somebody's");
  const doors: Readonly<Record<string, Partial<DoorSettings>>> = {
    "in lockdown": { posture: "lockdown" },
    disabled: { posture: "disabled" },
    "tampered with": {},
  };
  for (const [how, part] of Object.entries(doors)) {
    const table = buildAccessTable(
      site({ door: { ...part, factors: "card_or_pin" } }),
      testHashKey,
    );
    const isCounted = (digest: PinDigest): boolean => {
      const decision = authorize(table, {
        door: doorId("front"),
        presented: { pin: digest },
        wall: { at: at(noonOnMonday), quality: "trusted" },
        now: monotonicMs(0),
        premises: premisesOf({ tampered: how === "tampered with" ? [""] : [] }),
      });
      return decision.kind === "denied" && isWrongPin({ pin: digest }, decision);
    };
    t.equal(isCounted(pin), true, how);
    t.equal(isCounted(pinDigest(adaPin)), false, `${how}, and the PIN is somebody's`);
  }
});

import t from "tap";
import {
  awaitsPin,
  initialTwoFactor,
  stepTwoFactor,
  type TwoFactorEffect,
  type TwoFactorInput,
  type TwoFactorState,
  twoFactorDeadline,
} from "../../../src/core/two-factor.ts";
import { pinDigest, rawCredential } from "../../../src/domain/credential.ts";
import { passId, userId } from "../../../src/domain/ids.ts";
import { monotonicMs } from "../../../src/domain/time.ts";

const settings = { secondFactorMs: 10_000 };
const ada = { raw: rawCredential("26:0190e0f"), pass: passId("ada-card"), user: userId("ada") };
const bob = rawCredential("26:0180457");
const digest = pinDigest("00112233445566778899aabbccddeeff");

const card = (raw = ada.raw): TwoFactorInput => ({ kind: "card", raw });
const pin = (beganAtMs: number): TwoFactorInput => ({
  kind: "pin",
  digest,
  beganAt: monotonicMs(beganAtMs),
});
const pinRequired: TwoFactorInput = { kind: "pin_required", ...ada };
const deadline: TwoFactorInput = { kind: "deadline_reached" };

const denied = (
  reason: "second_factor_timeout" | "same_card_twice" | "card_when_pin_expected",
): TwoFactorEffect => ({ kind: "deny", reason, pass: ada.pass, user: ada.user });
const authorize = (
  presented: Extract<TwoFactorEffect, { readonly kind: "authorize" }>["presented"],
): TwoFactorEffect => ({ kind: "authorize", presented });

/** What came of each input, and where it ended. */
function present(...inputs: readonly (readonly [number, TwoFactorInput])[]): {
  readonly effects: readonly (readonly TwoFactorEffect[])[];
  readonly state: TwoFactorState;
} {
  let state = initialTwoFactor;
  const effects = inputs.map(([atMs, input]) => {
    const step = stepTwoFactor(settings, state, input, monotonicMs(atMs));
    state = step.state;
    return step.effects;
  });
  return { effects, state };
}

t.test("a card is judged at once, and a PIN alone as a PIN alone", async (t) => {
  t.same(present([0, card()]).effects, [[authorize({ card: ada.raw })]]);
  t.same(present([0, pin(0)]).effects, [[authorize({ pin: digest })]]);
});

t.test("a card that needs its PIN asks for it, and both are judged together", async (t) => {
  const asked = present([0, card()], [1, pinRequired]);
  t.same(asked.effects[1], [{ kind: "prompt_pin" }]);
  t.equal(awaitsPin(asked.state), true);
  t.equal(twoFactorDeadline(asked.state), 10_001);
  const both = present([0, card()], [1, pinRequired], [10_000, pin(4_000)]);
  t.same(both.effects[2], [authorize({ card: ada.raw, pin: digest })]);
  t.equal(awaitsPin(both.state), false);
  t.equal(twoFactorDeadline(both.state), undefined);
});

t.test("a card gets one PIN: a second one is a PIN alone", async (t) => {
  const { effects } = present(
    [0, card()],
    [1, pinRequired],
    [2_000, pin(1_000)],
    [4_000, pin(3_000)],
  );
  t.same(effects[3], [authorize({ pin: digest })]);
});

t.test("a card whose PIN never comes is denied when its time is over, once", async (t) => {
  const { effects, state } = present(
    [0, card()],
    [0, pinRequired],
    [9_999, deadline],
    [10_000, deadline],
    [10_001, deadline],
  );
  t.same(effects.slice(2), [[], [denied("second_factor_timeout")], []]);
  t.equal(awaitsPin(state), false);
  t.equal(twoFactorDeadline(state), undefined);
});

t.test("a PIN begun in time and completed late is late, and is not checked", async (t) => {
  const onTime = present([0, card()], [0, pinRequired], [10_000, deadline], [10_400, pin(9_900)]);
  t.same(onTime.effects.slice(2), [
    [denied("second_factor_timeout")],
    [denied("second_factor_timeout")],
  ]);
  const lateTimer = present([0, card()], [0, pinRequired], [10_400, pin(9_900)]);
  t.same(lateTimer.effects.slice(2).flat(), onTime.effects.slice(2).flat());
  t.same(lateTimer.state, onTime.state);
});

t.test("a PIN begun after the card's time was over is a PIN alone", async (t) => {
  for (const inputs of [
    [[10_000, deadline] as const, [12_000, pin(10_000)] as const],
    [[12_000, pin(10_000)] as const],
  ]) {
    const { effects } = present([0, card()], [0, pinRequired], ...inputs);
    t.same(effects.slice(2).flat(), [denied("second_factor_timeout"), authorize({ pin: digest })]);
  }
});

t.test("only one PIN is late for one card", async (t) => {
  const { effects } = present(
    [0, card()],
    [0, pinRequired],
    [10_000, deadline],
    [10_400, pin(9_900)],
    [10_500, pin(9_950)],
  );
  t.same(effects[4], [authorize({ pin: digest })]);
});

t.test(
  "the same card again is refused, and its PIN is still awaited with the time left",
  async (t) => {
    const twice = present([0, card()], [0, pinRequired], [300, card()]);
    t.same(twice.effects[2], [denied("same_card_twice")]);
    t.equal(twoFactorDeadline(twice.state), 10_000);
    const { effects } = present([0, card()], [0, pinRequired], [300, card()], [5_000, pin(1_000)]);
    t.same(effects[3], [authorize({ card: ada.raw, pin: digest })]);
  },
);

t.test("another card where a PIN is expected ends the entry and is not looked up", async (t) => {
  const { effects, state } = present([0, card()], [0, pinRequired], [300, card(bob)]);
  t.same(effects[2], [denied("card_when_pin_expected")]);
  t.same(state, initialTwoFactor);
  t.same(
    stepTwoFactor(settings, state, pin(400), monotonicMs(900)).effects,
    [authorize({ pin: digest })],
    "so the first card's PIN opens nothing with either card",
  );
});

t.test("a card after the time was over is a new presentation, also the same one", async (t) => {
  const { effects } = present([0, card()], [0, pinRequired], [10_000, card()]);
  t.same(effects[2], [denied("second_factor_timeout"), authorize({ card: ada.raw })]);
  const other = present([0, card()], [0, pinRequired], [10_000, deadline], [10_001, card(bob)]);
  t.same(other.effects[3], [authorize({ card: bob })]);
});

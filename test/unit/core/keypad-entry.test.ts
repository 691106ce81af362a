import t from "tap";
import {
  type Digit,
  initialKeypadEntry,
  interDigitMs,
  type KeypadEntryEffect,
  type KeypadEntryInput,
  type KeypadEntryState,
  keypadEntryDeadline,
  stepKeypadEntry,
} from "../../../src/core/keypad-entry.ts";
import { monotonicMs } from "../../../src/domain/time.ts";

const keyPattern = /^[0-9*#]$/;
const isKey = (text: string): text is Digit | "*" | "#" => keyPattern.test(text);

/** Presses `keys` one second apart from `fromMs`; `.` is a pause that ends the entry. */
function press(
  keys: string,
  { state = initialKeypadEntry, fromMs = 0 }: { state?: KeypadEntryState; fromMs?: number } = {},
): { readonly effects: readonly KeypadEntryEffect[]; readonly state: KeypadEntryState } {
  const effects: KeypadEntryEffect[] = [];
  let at = fromMs;
  let current = state;
  for (const key of keys) {
    if (key === ".") at += interDigitMs - 1_000;
    const input: KeypadEntryInput = isKey(key)
      ? { kind: "key", key }
      : { kind: "deadline_reached" };
    const step = stepKeypadEntry(current, input, monotonicMs(at));
    effects.push(...step.effects);
    current = step.state;
    at += 1_000;
  }
  return { effects, state: current };
}

const entered = (digits: string, beganAtMs = 0): KeypadEntryEffect => ({
  kind: "entered",
  digits,
  beganAt: monotonicMs(beganAtMs),
});
const cleared = (by: "key" | "timeout" | "whole_pin"): KeypadEntryEffect => ({
  kind: "cleared",
  by,
});
const rejected = (fault: "too_short" | "too_long"): KeypadEntryEffect => ({
  kind: "rejected",
  fault,
});

t.test("keys become a PIN", async (t) => {
  const table: readonly (readonly [string, readonly KeypadEntryEffect[]])[] = [
    ["1234#", [entered("1234")]],
    ["123456789#", [entered("123456789")]],
    ["0000#", [entered("0000")]],
    ["*1234#", [entered("1234", 1_000)]],
    ["#1234#", [entered("1234", 1_000)]],
    ["99*1234#", [cleared("key"), entered("1234", 3_000)]],
    ["1234", []],
    ["#", []],
    ["*", []],
    ["**##", []],
    ["123#", [rejected("too_short")]],
    ["1#", [rejected("too_short")]],
    ["1234567890", [rejected("too_long")]],
    ["1234567890#", [rejected("too_long")]],
    ["1234567890123#", [rejected("too_long")]],
    ["1234567890#1234#", [rejected("too_long"), entered("1234", 11_000)]],
    ["1234567890*1234#", [rejected("too_long"), entered("1234", 11_000)]],
    ["1234#5678#", [entered("1234"), entered("5678", 5_000)]],
    ["12.", [cleared("timeout")]],
    ["12.34#", [cleared("timeout"), rejected("too_short")]],
    ["1234567890.1234#", [rejected("too_long"), entered("1234", 17_000)]],
  ];
  for (const [keys, effects] of table) t.same(press(keys).effects, effects, keys);
});

t.test("each key gives the next one its full time", async (t) => {
  const { state } = press("123");
  t.equal(keypadEntryDeadline(state), 2_000 + interDigitMs);
  t.equal(keypadEntryDeadline(press("1234567890").state), 9_000 + interDigitMs);
  t.equal(keypadEntryDeadline(initialKeypadEntry), undefined);
  const early = stepKeypadEntry(
    state,
    { kind: "deadline_reached" },
    monotonicMs(1_999 + interDigitMs),
  );
  t.same(early, { state, effects: [] });
});

t.test("a key that overtakes a late timer begins a new entry", async (t) => {
  const { state } = press("12");
  t.same(press("3456#", { state, fromMs: 1_000 + interDigitMs }).effects, [
    cleared("timeout"),
    entered("3456", 1_000 + interDigitMs),
  ]);
});

t.test("# after the pause enters nothing of what was there before it", async (t) => {
  const { state } = press("1234");
  t.same(press("#", { state, fromMs: 3_000 + interDigitMs }).effects, [cleared("timeout")]);
});

t.test("a PIN in one frame is an entry of its own", async (t) => {
  const whole = (digits: string, state: KeypadEntryState = initialKeypadEntry) =>
    stepKeypadEntry(state, { kind: "whole_pin", digits }, monotonicMs(500));
  t.same(whole("12345").effects, [entered("12345", 500)]);
  t.same(whole("123").effects, [rejected("too_short")]);
  t.same(whole("1234567890").effects, [rejected("too_long")]);
  t.same(whole("12345", press("99").state), {
    state: initialKeypadEntry,
    effects: [cleared("whole_pin"), entered("12345", 500)],
  });
});

t.test("no digit leaves the keypad but in an entry", async (t) => {
  const telltale = ["77#", "7777777777", "7777*", "777."];
  for (const keys of telltale) {
    const { effects, state } = press(keys);
    t.notMatch(JSON.stringify(effects), /7/, keys);
    t.notMatch(JSON.stringify({ ...state, until: 0 }), /7/, `${keys}: and none is kept`);
  }
});

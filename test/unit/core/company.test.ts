import t from "tap";
import {
  type CompanyEffect,
  type CompanyInput,
  type CompanyState,
  companyAt,
  companyDeadline,
  initialCompany,
  stepCompany,
  type WaitingPerson,
} from "../../../src/core/company.ts";
import { rawCredential } from "../../../src/domain/credential.ts";
import { passId, userId } from "../../../src/domain/ids.ts";
import { monotonicMs } from "../../../src/domain/time.ts";

const settings = { companyMs: 30_000 };

const person = (name: string, need: WaitingPerson["need"]): WaitingPerson => ({
  need,
  presented: { card: rawCredential("26:0190e0f") },
  pass: passId(`${name}-card`),
  user: userId(name),
});
const waits = (name: string, need: WaitingPerson["need"] = "second_person"): CompanyInput => ({
  kind: "required",
  person: person(name, need),
});
const granted = (part: { along?: boolean; escorts?: boolean } = {}): CompanyInput => ({
  kind: "granted",
  along: false,
  escorts: false,
  ...part,
});
const denied = (
  name: string,
  reason: Extract<CompanyEffect, { kind: "deny" }>["reason"],
): CompanyEffect => ({ kind: "deny", reason, pass: passId(`${name}-card`), user: userId(name) });
const prompt: CompanyEffect = { kind: "prompt_company" };

/** What came of each input, and where it ended. */
function happen(...inputs: readonly (readonly [number, CompanyInput])[]): {
  readonly effects: readonly (readonly CompanyEffect[])[];
  readonly state: CompanyState;
} {
  let state = initialCompany;
  const effects = inputs.map(([atMs, input]) => {
    const step = stepCompany(settings, state, input, monotonicMs(atMs));
    state = step.state;
    return step.effects;
  });
  return { effects, state };
}

t.test("who needs a second person waits for as long as the door says, and no longer", async (t) => {
  const { effects, state } = happen([0, waits("ada")]);
  t.same(effects, [[prompt]]);
  t.equal(companyDeadline(state), 30_000);
  t.ok(companyAt(state, monotonicMs(29_999)).waiting, "the next presentation finds her waiting");
  t.notOk(companyAt(state, monotonicMs(30_000)).waiting);
  const late = stepCompany(settings, state, { kind: "deadline_reached" }, monotonicMs(30_000));
  t.same(late.effects, [denied("ada", "second_person_timeout")]);
  t.equal(companyDeadline(late.state), undefined);
});

t.test("two who are granted together leave nobody waiting and nobody denied", async (t) => {
  const { effects, state } = happen([0, waits("ada")], [5_000, granted({ along: true })]);
  t.same(effects[1], []);
  t.same(companyAt(state, monotonicMs(5_000)), { isEscorted: false });
});

t.test("who was taken along is nobody else's company, and is not denied either", async (t) => {
  const { effects, state } = happen([0, waits("ada")], [5_000, { kind: "taken_along" }]);
  t.same(effects[1], []);
  t.notOk(companyAt(state, monotonicMs(5_000)).waiting);
  t.equal(companyDeadline(state), undefined);
});

t.test("a visitor whom nobody escorts is denied when his time is over", async (t) => {
  const { effects } = happen([0, waits("vic", "escort")], [30_000, { kind: "deadline_reached" }]);
  t.same(effects[1], [denied("vic", "escort_timeout")]);
});

t.test("somebody who goes in past a visitor and may not escort ends his wait", async (t) => {
  const { effects } = happen([0, waits("vic", "escort")], [4_000, granted()]);
  t.same(effects[1], [denied("vic", "not_an_escort")]);
});

t.test("visitors may follow an escort for as long as the door says", async (t) => {
  const { state } = happen([0, granted({ escorts: true })]);
  t.equal(companyAt(state, monotonicMs(29_999)).isEscorted, true);
  t.equal(companyAt(state, monotonicMs(30_000)).isEscorted, false);
});

t.test("the same person once more is told to wait, from the beginning", async (t) => {
  const { effects, state } = happen([0, waits("vic", "escort")], [9_000, waits("vic", "escort")]);
  t.same(effects[1], [prompt]);
  t.equal(companyDeadline(state), 39_000);
});

t.test("another one who needs company takes the place of who waited, who is denied", async (t) => {
  const { effects } = happen([0, waits("vic", "escort")], [9_000, waits("una", "escort")]);
  t.same(effects[1], [denied("vic", "not_an_escort"), prompt]);
});

t.test("a grant that overtakes the timer finds the wait over", async (t) => {
  const { effects } = happen([0, waits("ada")], [31_000, granted()]);
  t.same(effects[1], [denied("ada", "second_person_timeout")]);
});

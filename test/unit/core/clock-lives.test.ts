import fc from "fast-check";
import t from "tap";
import { clockRules, holdoverMsMax } from "../../../src/core/clock-trust.ts";
import { unreachable } from "../../../src/domain/unreachable.ts";
import { ClockedMachine } from "./clocked-machine.ts";
import { checkProperty } from "./property.ts";

const hour = 3_600_000;
const day = 24 * hour;

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

function play(machine: ClockedMachine, move: Move): void {
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

function vouchedAfter(
  before: Vouched | undefined,
  move: Move,
  machine: ClockedMachine,
  counts: boolean,
) {
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
function judge(machine: ClockedMachine, vouched: Vouched | undefined): string | undefined {
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
        const machine = new ClockedMachine(rule);
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

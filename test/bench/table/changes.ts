import type { TableChange } from "../../../src/domain/table-change.ts";
import { type EpochMs, epochMs } from "../../../src/domain/time.ts";
import { datesOf, now, passName } from "../decision/world.ts";
import { passOf, userOf } from "./people.ts";

/**
 * What happens at the site while the table is in use, for every subject the same: of ten changes, one
 * issues a pass to a new user, one withdraws a pass, and eight give one another end, so that half of
 * them open and half do not. No pass is changed twice.
 */
export type Change =
  | { readonly kind: "withdrawn"; readonly pass: number }
  | {
      readonly kind: "issued" | "renewed";
      readonly pass: number;
      readonly startsAt: EpochMs;
      readonly endsAt: EpochMs;
    };

/** Prime, and so without a divisor in common with any size: numbers taken in these steps differ. */
const step = 7_919;
const minute = 60_000;
const month = 30 * 24 * 3_600_000;

export function changeAt(index: number, passCount: number): Change {
  if (index % 10 === 0) {
    const pass = passCount + index / 10;
    return { kind: "issued", pass, ...datesOf(pass) };
  }
  const pass = (index * step) % passCount;
  if (index % 10 === 1) return { kind: "withdrawn", pass };
  const endsAt = epochMs(index % 2 === 0 ? now + month : now - minute);
  // It began before it ends, whenever that is.
  const startsAt = epochMs(Math.min(datesOf(pass).startsAt, endsAt - minute));
  return { kind: "renewed", pass, startsAt, endsAt };
}

export function tableChangesOf(change: Change): readonly TableChange[] {
  const { kind, pass } = change;
  if (kind === "withdrawn") return [{ kind: "pass_gone", pass: passName(pass) }];
  const { startsAt, endsAt } = change;
  const issued: TableChange = { kind: "pass", pass: { ...passOf(pass), startsAt, endsAt } };
  return kind === "renewed" ? [issued] : [{ kind: "user", user: userOf(pass) }, issued];
}

import type { StrikeCommand } from "../../hal/strike.ts";
import type { DoorId, ReaderId } from "../../src/domain/ids.ts";
import type { EdgeNs } from "../../src/domain/time.ts";
import type { RigTarget, StrikeChange } from "./rig-target.ts";

/** Longer than any decision takes where all is slow; what is in time is said by the scenario. */
const patienceMs = 5_000;

/** Changes of strikes that the log has, where one of them did not do what it should. */
const noted = 20;

/** The first change of a strike to a state at or after `since`; undefined where none comes. */
export async function strikeBecame(
  rig: RigTarget,
  wanted: {
    readonly door: DoorId;
    readonly state: StrikeCommand;
    readonly since: EdgeNs;
    readonly withinMs?: number;
  },
): Promise<StrikeChange | undefined> {
  const { door, state, since, withinMs = patienceMs } = wanted;
  const find = async () =>
    (await rig.strikeChanges(since)).find((one) => one.door === door && one.state === state);
  // By the stamps and not by how it is now: it may have been so, and be over.
  const already = await find();
  if (already !== undefined) return already;
  await rig.waitForStrike({ door, state, withinMs });
  return find();
}

/** Throws where the strike is not secured in time: what follows would prove nothing. */
export async function untilSecured(rig: RigTarget, door: DoorId): Promise<void> {
  const change = await rig.waitForStrike({ door, state: "secured", withinMs: patienceMs });
  if (change !== undefined) return;
  rig.note(`strikes did: ${JSON.stringify((await rig.strikeChanges()).slice(-noted))}`);
  throw new Error(`${door} is still released after ${patienceMs} ms`);
}

export interface Tap {
  readonly lastPulseAt: EdgeNs;
  /** Undefined: the strike was not released. */
  readonly released: StrikeChange | undefined;
  /** From the beginning of the last pulse to the strike's line. NaN where it was not released. */
  readonly latencyUs: number;
}

/** Presents a card that should open the door, at a strike that is secured. */
export async function tap(
  rig: RigTarget,
  options: { readonly reader: ReaderId; readonly door: DoorId; readonly slots: string },
): Promise<Tap> {
  const { reader, door, slots } = options;
  await untilSecured(rig, door);
  const [presented] = await rig.present({ presentations: [{ reader, slots }] });
  if (presented === undefined) throw new Error("nothing was presented");
  const { lastPulseAt } = presented;
  const released = await strikeBecame(rig, { door, state: "released", since: lastPulseAt });
  const latencyUs = released === undefined ? Number.NaN : (released.at - lastPulseAt) / 1_000;
  return { lastPulseAt, released, latencyUs };
}

import * as v from "valibot";
import type { PostureState } from "../core/posture.ts";
import type { AfterRestart, PremisesChange } from "../core/premises-memory.ts";
import { doorPostures } from "../domain/access.ts";
import {
  areaId,
  type DoorId,
  doorId,
  isId,
  type PassId,
  passId,
  type UserId,
  userId,
} from "../domain/ids.ts";
import { type MonotonicMs, monotonicMs, type WallTime, writableEpochMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import { id, instant, integer, numberMax } from "../protocols/sync/schema-parts.ts";

/** One thing that outlasts a restart: its key and its value as JSON text, or none where it is gone. */
export interface PremisesRecord {
  /** `spent/PASS`, `user/USER` or `door/DOOR`. */
  readonly key: string;
  readonly json: string | undefined;
}

/** Both clocks at one moment. */
export interface Moment {
  readonly monotonic: MonotonicMs;
  readonly wall: WallTime;
}

const spentSchema = integer(0, numberMax);

const userSchema = v.strictObject({
  /** Absent: outside of every area. */
  area: v.exactOptional(id(areaId)),
  /** When; absent where the time was not known. */
  at: v.exactOptional(instant),
  manager: v.exactOptional(v.literal(true)),
  door: id(doorId),
});

const postureSchema = v.strictObject({
  override: v.exactOptional(
    v.strictObject({
      posture: v.picklist(doorPostures),
      until: v.exactOptional(instant),
      since: v.exactOptional(instant),
    }),
  ),
  firstIn: v.exactOptional(v.strictObject({ until: instant })),
  toggledBy: v.exactOptional(id(passId)),
});

/**
 * What a change leaves to outlast a restart. `forgotten` are the users whose whereabouts the memory
 * forgot over it.
 */
export function recordsOf(
  change: PremisesChange,
  forgotten: readonly UserId[],
  now: Moment,
): readonly PremisesRecord[] {
  switch (change.kind) {
    case "spent":
      return [spentRecord(change.pass, change.spent)];
    case "moved":
      return [moved(change, now), ...forgotten.map(whereaboutsGone)];
    case "forgiven":
      return forgotten.map(whereaboutsGone);
    case "posture":
      return [{ key: `door/${change.door}`, json: postureJson(change) }];
    default:
      return unreachable(change);
  }
}

/** `undefined`: the count is forgotten. */
export function spentRecord(pass: PassId, spent: number | undefined): PremisesRecord {
  return { key: `spent/${pass}`, json: spent === undefined ? undefined : JSON.stringify(spent) };
}

function moved(
  { passage, at, door, afterRestart }: Extract<PremisesChange, { kind: "moved" }>,
  now: Moment,
): PremisesRecord {
  // Not the place before it either: that would be remembered, and wrong.
  if (afterRestart === "forget") return whereaboutsGone(passage.user);
  const { to: area, isManager } = passage;
  const since = writableEpochMs(now.wall.at - (now.monotonic - at));
  const value = {
    ...(area !== undefined && { area }),
    ...(now.wall.quality !== "unknown" && { at: since }),
    ...(isManager && { manager: true }),
    door,
  };
  return { key: `user/${passage.user}`, json: JSON.stringify(value) };
}

function whereaboutsGone(user: UserId): PremisesRecord {
  return { key: `user/${user}`, json: undefined };
}

/**
 * The change that brings a record back, or undefined where it is not one of ours. Who is where came
 * there as long ago as both clocks say, and just now where either does not know the time: that keeps
 * a second entry denied for longer, and never for less.
 */
export function changeOf(key: string, value: unknown, now: Moment): PremisesChange | undefined {
  const [kind, name = "", ...rest] = key.split("/");
  if (!isId(name) || rest.length > 0) return undefined;
  switch (kind) {
    case "spent": {
      const spent = v.safeParse(spentSchema, value);
      if (!spent.success) return undefined;
      return { kind: "spent", pass: passId(name), spent: spent.output };
    }
    case "user":
      return whereaboutsOf(userId(name), value, now);
    case "door":
      return postureOf(doorId(name), value);
    default:
      return undefined;
  }
}

function whereaboutsOf(user: UserId, value: unknown, now: Moment): PremisesChange | undefined {
  const parsed = v.safeParse(userSchema, value);
  if (!parsed.success) return undefined;
  const { area, at, manager, door } = parsed.output;
  const isKnown = at !== undefined && now.wall.quality !== "unknown";
  const sinceMs = isKnown ? Math.max(0, now.wall.at - at) : 0;
  return {
    kind: "moved",
    passage: { user, ...(area !== undefined && { to: area }), isManager: manager ?? false },
    door,
    at: monotonicMs(now.monotonic - sinceMs),
    afterRestart: "remember",
  };
}

function postureOf(door: DoorId, value: unknown): PremisesChange | undefined {
  const parsed = v.safeParse(postureSchema, value);
  if (!parsed.success) return undefined;
  return { kind: "posture", door, state: parsed.output, afterRestart: "remember" };
}

function postureJson(change: Extract<PremisesChange, { kind: "posture" }>): string | undefined {
  const json = JSON.stringify(outlasting(change.state, change.afterRestart));
  return json === "{}" ? undefined : json;
}

/** What of it a restart leaves: what an operator ordered until he says otherwise, in any case. */
export function outlasting(state: PostureState, afterRestart: AfterRestart): PostureState {
  if (afterRestart === "remember") return state;
  const { override } = state;
  if (override === undefined) return {};
  return override.until === undefined || override.posture === "lockdown" ? { override } : {};
}

import * as v from "valibot";
import type { PremisesChange } from "../core/premises-memory.ts";
import { doorPostures } from "../domain/access.ts";
import { areaId, doorId, isId, passId, userId } from "../domain/ids.ts";
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
  area: v.optional(id(areaId)),
  /** When; absent where the time was not known. */
  at: v.optional(instant),
  manager: v.optional(v.literal(true)),
  door: id(doorId),
});

const postureSchema = v.strictObject({
  override: v.optional(
    v.strictObject({ posture: v.picklist(doorPostures), until: v.optional(instant) }),
  ),
  firstIn: v.optional(v.strictObject({ until: instant })),
  toggledBy: v.optional(id(passId)),
});

/**
 * What of a change outlasts a restart. Everybody's forgiveness is not here: only who keeps the records
 * knows which there are.
 */
export function recordOf(
  change: Exclude<PremisesChange, { readonly kind: "forgiven" }>,
  now: Moment,
): PremisesRecord {
  switch (change.kind) {
    case "spent":
      return { key: `spent/${change.pass}`, json: JSON.stringify(change.spent) };
    case "moved": {
      const { passage, at, door, afterRestart } = change;
      const key = userKey(passage.user);
      // Not the place before it either: that would be remembered, and wrong.
      if (afterRestart === "forget") return { key, json: undefined };
      const { to: area, isManager } = passage;
      const value = {
        ...(area !== undefined && { area }),
        ...(now.wall.quality !== "unknown" && {
          at: writableEpochMs(now.wall.at - (now.monotonic - at)),
        }),
        ...(isManager && { manager: true }),
        door,
      };
      return { key, json: JSON.stringify(value) };
    }
    case "posture":
      return { key: `door/${change.door}`, json: postureJson(change) };
    default:
      return unreachable(change);
  }
}

export function userKey(user: string): string {
  return `user/${user}`;
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
    case "user": {
      const user = v.safeParse(userSchema, value);
      if (!user.success) return undefined;
      const { area, at, manager, door } = user.output;
      const isKnown = at !== undefined && now.wall.quality !== "unknown";
      const sinceMs = isKnown ? Math.max(0, now.wall.at - at) : 0;
      return {
        kind: "moved",
        passage: {
          user: userId(name),
          ...(area !== undefined && { to: area }),
          isManager: manager ?? false,
        },
        door,
        at: monotonicMs(now.monotonic - sinceMs),
        afterRestart: "remember",
      };
    }
    case "door": {
      const posture = v.safeParse(postureSchema, value);
      if (!posture.success) return undefined;
      const { override, firstIn, toggledBy } = posture.output;
      return {
        kind: "posture",
        door: doorId(name),
        state: {
          ...(override && {
            override: {
              posture: override.posture,
              ...(override.until !== undefined && { until: override.until }),
            },
          }),
          ...(firstIn && { firstIn }),
          ...(toggledBy && { toggledBy }),
        },
        afterRestart: "remember",
      };
    }
    default:
      return undefined;
  }
}

function postureJson(change: Extract<PremisesChange, { kind: "posture" }>): string | undefined {
  const { override, firstIn, toggledBy } = change.state;
  const isLasting =
    override !== undefined && (override.until === undefined || override.posture === "lockdown");
  const kept =
    change.afterRestart === "remember"
      ? { override, firstIn, toggledBy }
      : { override: isLasting ? override : undefined };
  const json = JSON.stringify(kept);
  return json === "{}" ? undefined : json;
}

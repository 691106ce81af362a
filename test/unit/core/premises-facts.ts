import type { PostureState } from "../../../src/core/posture.ts";
import type { Premises } from "../../../src/core/premises.ts";
import { areaId } from "../../../src/domain/ids.ts";
import { monotonicMs } from "../../../src/domain/time.ts";

/** What is known of the premises, by name; what is left out is as where nothing is known. */
export interface PremisesFacts {
  readonly spent?: Readonly<Record<string, number>>;
  /** Area, or "" for outside of every area, and since when. */
  readonly where?: Readonly<Record<string, readonly [area: string, since: number]>>;
  /** Granted into an area at a door, and not through it yet. */
  readonly coming?: Readonly<Record<string, readonly [area: string, door: string]>>;
  readonly occupancy?: Readonly<Record<string, number>>;
  readonly managers?: Readonly<Record<string, number>>;
  readonly postures?: Readonly<Record<string, PostureState>>;
  readonly notShut?: readonly string[];
  /** Readers, or "" for the enclosure. */
  readonly tampered?: readonly string[];
}

export function premisesOf(facts: PremisesFacts): Premises {
  return {
    spent: (pass) => facts.spent?.[pass] ?? 0,
    whereabouts: (user) => {
      const recorded = facts.where?.[user];
      if (recorded === undefined) return undefined;
      const [area, since] = recorded;
      return { ...(area !== "" && { area: areaId(area) }), since: monotonicMs(since) };
    },
    occupancy: (area) => facts.occupancy?.[area] ?? 0,
    isComing: (user, area, besides) => {
      const [to, door] = facts.coming?.[user] ?? [];
      return to === area && door !== besides;
    },
    managerCount: (area) => facts.managers?.[area] ?? 0,
    postureState: (door) => facts.postures?.[door] ?? {},
    isShut: (door) => facts.notShut?.includes(door) !== true,
    isTampered: (reader) => facts.tampered?.some((name) => name === "" || name === reader) === true,
  };
}

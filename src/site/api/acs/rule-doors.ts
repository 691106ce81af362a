import type { RuleRow, SurroundingRow } from "../../store/store-schema.ts";
import type { Rows } from "./find-rows.ts";

export type WhereOfRule = Pick<RuleRow, "doors" | "zones">;

/** Where rules hold: the doors that they name, and those of their zones and the zones within. */
export class RuleDoors {
  readonly #zonesWithin = new Map<string, string[]>();
  readonly #doorsOf = new Map<string, readonly string[]>();

  constructor(zones: readonly Pick<SurroundingRow, "id" | "body">[]) {
    for (const { id, body } of zones) {
      const { parent, doors = [] } = JSON.parse(body) as ZoneBody;
      this.#doorsOf.set(id, doors);
      if (parent === undefined) continue;
      this.#zonesWithin.set(parent, [...(this.#zonesWithin.get(parent) ?? []), id]);
    }
  }

  doorsOf(rule: WhereOfRule): ReadonlySet<string> {
    const doors = new Set(JSON.parse(rule.doors) as readonly string[]);
    const seen = new Set<string>();
    const left = [...(JSON.parse(rule.zones) as readonly string[])];
    for (let zone = left.pop(); zone !== undefined; zone = left.pop()) {
      if (seen.has(zone)) continue;
      seen.add(zone);
      for (const door of this.#doorsOf.get(zone) ?? []) doors.add(door);
      left.push(...(this.#zonesWithin.get(zone) ?? []));
    }
    return doors;
  }
}

interface ZoneBody {
  readonly parent?: string;
  readonly doors?: readonly string[];
}

export async function loadRuleDoors(rows: Rows): Promise<RuleDoors> {
  const zones = await rows
    .selectFrom("surroundings")
    .select(["id", "body"])
    .where("kind", "=", "zone")
    .execute();
  return new RuleDoors(zones);
}

/** Of rules that admit: others only hold doors unlocked. */
export const admittingKinds = ["grant", "grant_two_factors"] as const;

import type { PinDigest, RawCredential } from "../../../src/domain/credential.ts";
import { passId, userId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import type { SiteRule } from "../../../src/site/model-change.ts";
import type { SitePass } from "../../../src/site/site-model.ts";
import type { SiteStore } from "../../../src/site/store/site-store.ts";
import type { PassRow, SurroundingRow } from "../../../src/site/store/store-schema.ts";
import type { ToldModel } from "./recording-engine.ts";

/** What an engine ought to know of a store, made from all of its rows by the plainest means. */
export async function toldByRows({ rows }: SiteStore): Promise<ToldModel> {
  const users = await rows.selectFrom("users").selectAll().orderBy("id").execute();
  const passes = await rows.selectFrom("passes").selectAll().orderBy("id").execute();
  const rules = await rows.selectFrom("rules").selectAll().orderBy("id").execute();
  const members = await rows.selectFrom("ruleUsers").selectAll().execute();
  const places = await rows.selectFrom("surroundings").selectAll().orderBy("position").execute();
  const facts = await rows.selectFrom("facts").selectAll().where("key", "=", "zone").execute();

  const passOf = (row: PassRow): readonly SitePass[] => {
    const parent = passes.find(({ id }) => id === row.parentId);
    const holder = row.parentId === null ? row : parent;
    const user = users.find(({ id }) => id === holder?.userId);
    if (user === undefined || row.state === "waiting" || row.isMultiPhone === 1) return [];
    if (row.parentId !== null && parent?.isMultiPhone !== 1) return [];
    const starts = [row, parent, user].flatMap((one) => one?.startsAt ?? []);
    const ends = [row, parent, user].flatMap((one) => one?.endsAt ?? []);
    const from = starts.sort((one, other) => other - one)[0];
    const to = ends.sort((one, other) => one - other)[0];
    const never = from !== undefined && to !== undefined && from >= to;
    const own = JSON.parse(row.traits) as SitePass["traits"];
    const inherited = JSON.parse(parent?.traits ?? "[]") as SitePass["traits"];
    const usesMax = row.usesMax ?? parent?.usesMax;
    const common = {
      id: passId(row.id),
      user: userId(user.id),
      active: row.active === 1 && (parent === undefined || parent.active === 1) && !never,
      ...(from !== undefined && !never && { startsAt: epochMs(from) }),
      ...(to !== undefined && !never && { endsAt: epochMs(to) }),
      ...(typeof usesMax === "number" && { usesMax }),
      traits: [...own, ...inherited.filter((trait) => !own.includes(trait))],
    };
    if (row.kind === "pin") {
      return row.pinDigest === null
        ? []
        : [{ ...common, kind: "pin", digest: row.pinDigest as PinDigest }];
    }
    if (row.raw === null) return [];
    const fields = JSON.parse(row.cardFields ?? "{}") as Record<string, number>;
    const card = { format: row.cardFormat ?? "", fields };
    return [{ ...common, kind: row.kind, card, raw: row.raw as RawCredential }];
  };
  const bodies = (kind: SurroundingRow["kind"]) =>
    places.filter((row) => row.kind === kind).map(({ body }) => JSON.parse(body) as never);

  return {
    surroundings: {
      zone: facts[0]?.value ?? "UTC",
      calendar: bodies("calendar_day"),
      zones: bodies("zone"),
      areas: bodies("area"),
      doors: bodies("door"),
      schedules: bodies("schedule"),
    },
    users: users.map(({ id, name, suspended, traits }) => ({
      id: userId(id),
      name,
      suspended: suspended === 1,
      traits: JSON.parse(traits) as never,
    })),
    passes: passes.flatMap(passOf),
    rules: rules.map(
      ({ id, kind, doors, zones, schedule }) =>
        ({
          id,
          kind,
          doors: JSON.parse(doors) as never,
          zones: JSON.parse(zones) as never,
          ...(schedule !== null && { schedule }),
        }) as unknown as SiteRule,
    ),
    members: members.map(({ ruleId, userId: user }) => `${ruleId} ${user}`).sort(),
  };
}

import { doorId, passId } from "../../../domain/ids.ts";
import { byIds } from "../../store/by-ids.ts";
import type { PassRow } from "../../store/store-schema.ts";
import type { ApiSite } from "../api-site.ts";
import { doorBody } from "./entrance-json.ts";
import type { DoorRow, Rows } from "./find-rows.ts";
import { admittingKinds, loadRuleDoors } from "./rule-doors.ts";

/** How many questions are under way at once. */
const questionsAtOnceMax = 64;

/**
 * The door's own authoriser is asked (behaviour 42): does it admit this pass now, or at some time to
 * come, as the site now is? Where it cannot say (its clock, people inside), the rules' word stands.
 */
async function mayOpen({ issuer }: ApiSite, door: string, pass: string): Promise<boolean> {
  const answer = await issuer.engine.explain({ door: doorId(door), pass: passId(pass) });
  return answer.ok && answer.value.nextGrant.kind !== "never";
}

async function filterAsked<Item>(
  items: readonly Item[],
  ask: (item: Item) => Promise<boolean>,
): Promise<readonly Item[]> {
  const kept: Item[] = [];
  for (let from = 0; from < items.length; from += questionsAtOnceMax) {
    const part = items.slice(from, from + questionsAtOnceMax);
    const answers = await Promise.all(part.map(ask));
    kept.push(...part.filter((_item, index) => answers[index] === true));
  }
  return kept;
}

export async function passesForDoor(
  site: ApiSite,
  rows: Rows,
  door: DoorRow,
): Promise<readonly PassRow[]> {
  const candidates = await passesToAsk(rows, door);
  return await filterAsked(candidates, ({ id }) => mayOpen(site, door.id, id));
}

/** Those whose users some rule gives the door; in free access, where rules are waived, everybody's. */
async function passesToAsk(rows: Rows, door: DoorRow): Promise<readonly PassRow[]> {
  const issued = rows
    .selectFrom("passes")
    .selectAll()
    .where("state", "=", "issued")
    .where("userId", "is not", null)
    .orderBy("createdAt", "desc")
    .orderBy("id", "desc");
  if (doorBody(door).posture === "free_access") return await issued.execute();
  const ruleDoors = await loadRuleDoors(rows);
  const rules = await rows
    .selectFrom("rules")
    .selectAll()
    .where("kind", "in", admittingKinds)
    .execute();
  const here = rules.filter((rule) => ruleDoors.doorsOf(rule).has(door.id)).map(({ id }) => id);
  const byRule = await byIds(here, async (part) =>
    issued
      .where("userId", "in", (row) =>
        row.selectFrom("ruleUsers").select("userId").where("ruleId", "in", part),
      )
      .execute(),
  );
  return [...new Map(byRule.map((row) => [row.id, row])).values()];
}

export async function doorsForPass(
  site: ApiSite,
  rows: Rows,
  pass: PassRow,
): Promise<ReadonlySet<string>> {
  const doors = await rows
    .selectFrom("surroundings")
    .selectAll()
    .where("kind", "=", "door")
    .execute();
  if (pass.userId === null || pass.state !== "issued") return new Set();
  const given = await doorsForUser(rows, pass.userId);
  const toAsk = doors.filter((row) => given.has(row.id) || doorBody(row).posture === "free_access");
  const open = await filterAsked(toAsk, ({ id }) => mayOpen(site, id, pass.id));
  return new Set(open.map(({ id }) => id));
}

/** By the rules alone: what a user has access to, whatever is presented and when. */
export async function doorsForUser(rows: Rows, userId: string): Promise<ReadonlySet<string>> {
  const ruleDoors = await loadRuleDoors(rows);
  const rules = await rows
    .selectFrom("rules")
    .innerJoin("ruleUsers", "ruleUsers.ruleId", "rules.id")
    .select(["rules.doors", "rules.zones"])
    .where("ruleUsers.userId", "=", userId)
    .where("rules.kind", "in", admittingKinds)
    .execute();
  return new Set(rules.flatMap((rule) => [...ruleDoors.doorsOf(rule)]));
}

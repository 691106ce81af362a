import { ruleId } from "../../../../src/domain/ids.ts";
import { succeed } from "../../../../src/domain/result.ts";
import type { RuleRow } from "../../../../src/site/store/store-schema.ts";
import { type ApiRig, uuid } from "./api-rig.ts";

/** An access group as a site file makes one; what the API calls it. */
export async function addGroup(
  { issuer }: Pick<ApiRig, "issuer">,
  rule: {
    readonly id: string;
    readonly name: string;
    readonly doors: readonly string[];
    readonly kind?: RuleRow["kind"];
  },
): Promise<string> {
  const id = uuid(1_000 + rule.id.length);
  const added = await issuer.change({ name: "test" }, async ({ rows, touch, at }) => {
    const row: RuleRow = {
      ...rule,
      doors: JSON.stringify(rule.doors),
      uuid: id,
      origin: "file",
      kind: rule.kind ?? "grant",
      zones: "[]",
      schedule: null,
      grantedDoor: null,
      createdAt: at,
    };
    await rows.insertInto("rules").values(row).execute();
    touch.rule(ruleId(rule.id));
    return succeed(undefined);
  });
  if (!added.ok) throw new Error(JSON.stringify(added.fault));
  return id;
}

/** Whether anybody is in the rule. */
export async function isMember({ store }: Pick<ApiRig, "store">, rule: string): Promise<boolean> {
  const members = await store.rows
    .selectFrom("ruleUsers")
    .selectAll()
    .where("ruleId", "=", rule)
    .execute();
  return members.length > 0;
}

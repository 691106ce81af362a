import * as v from "valibot";
import { textTable } from "../cli/text-table.ts";
import { describeMark } from "../protocols/sync/table-order.ts";
import { askSite } from "./site-api.ts";
import type { StartConfigSource } from "./start-config.ts";

const version = v.object({ epoch: v.number(), version: v.number() });

const syncSchema = v.object({
  state: v.picklist(["updating", "complete", "failed"]),
  percent: v.nullable(v.number()),
  wanted: version,
  in_force: v.nullable(version),
  reason: v.nullable(v.string()),
  detail: v.nullable(v.string()),
});

const controllersSchema = v.object({
  ok: v.literal(true),
  controllers: v.array(
    v.object({
      controller: v.string(),
      online: v.nullable(v.boolean()),
      sync: v.optional(syncSchema),
    }),
  ),
});

/** Where each controller's table stands (behaviour 17). Throws `StartRefused`. */
export async function showTables(
  options: StartConfigSource & {
    readonly json: boolean;
    readonly print: (text: string) => void;
  },
): Promise<void> {
  const { controllers } = await askSite(options, {
    method: "GET",
    path: "/postern/controllers",
    answer: controllersSchema,
  });
  if (options.json) return options.print(`${JSON.stringify(controllers, undefined, 2)}\n`);
  const rows = controllers.map(({ controller, online, sync }) => [
    controller,
    online === null ? "not heard" : online ? "online" : "offline",
    ...(sync === undefined ? ["no table", "-", "-"] : cellsOf(sync)),
  ]);
  options.print(textTable(["controller", "", "table", "wanted", "in force"], rows));
}

function cellsOf(sync: v.InferOutput<typeof syncSchema>): readonly string[] {
  return [
    stateOf(sync),
    describeMark(sync.wanted),
    sync.in_force ? describeMark(sync.in_force) : "-",
  ];
}

function stateOf({ state, percent, reason, detail }: v.InferOutput<typeof syncSchema>): string {
  if (state === "failed") return `failed: ${reason ?? "?"}${detail === null ? "" : `, ${detail}`}`;
  return state === "updating" && percent !== null ? `updating, ${percent} %` : state;
}

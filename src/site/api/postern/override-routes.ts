import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import type {
  CommandAnswer,
  CommandFault,
  DoorOverride,
} from "../../../protocols/sync/site-command.ts";
import { idText, oneOf } from "../../../protocols/toml/toml-schema.ts";
import { siteDoorOf } from "../../model-rows.ts";
import type { SiteDoor } from "../../site-model.ts";
import type { Rows } from "../acs/find-rows.ts";
import { type ApiFault, inputFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { jsonRoute, type Route } from "../route.ts";

const postures = ["none", "disabled", "locked", "unlocked", "free_access", "lockdown"] as const;

/** A site's doors are told at once: whoever calls for a lockdown waits for the slowest alone. */
export function overrideRoutes(site: ApiSite): readonly Route[] {
  const override = jsonRoute({
    methods: ["POST"],
    path: "/postern/doors/override",
    role: "admin",
    summary: "Has doors take a posture (lockdown, unlocked, ...) until it is cleared with none.",
    input: v.strictObject({
      /** Absent: all. */
      doors: v.exactOptional(
        v.pipe(v.array(idText, "a list of ids"), v.maxLength(1_000, "at most 1000 ids")),
      ),
      posture: oneOf(postures),
      until: v.exactOptional(oneOf(["next_schedule_change", "cleared"]), "cleared"),
    }),
    answer: { key: "door_overrides", is: "list", of: "door_override" },
    handle: async ({ doors: ids, posture, until }, { author }) => {
      const doors = await doorsNamed(site.issuer.store.rows, ids);
      if (!doors.ok) return doors;
      const order: DoorOverride = posture === "none" ? { posture } : { posture, until };
      await site.issuer.store.change(author, async ({ note }) => {
        for (const { id } of doors.value) {
          note({ action: "door.override", subject: { kind: "door", id }, detail: order });
        }
        return succeed(undefined);
      });
      const told = doors.value.map((door) => tell(site, door, order));
      return succeed({ door_overrides: await Promise.all(told) });
    },
  });
  return [override];
}

async function doorsNamed(
  rows: Rows,
  ids: readonly string[] | undefined,
): Promise<Result<readonly SiteDoor[], ApiFault>> {
  const all = await rows
    .selectFrom("surroundings")
    .selectAll()
    .where("kind", "=", "door")
    .orderBy("position")
    .orderBy("id")
    .execute();
  const known = new Set(all.map(({ id }) => id));
  const unknown = (ids ?? []).findIndex((id) => !known.has(id));
  if (unknown >= 0) {
    return fail(inputFault({ [`doors.${unknown}`]: ["expected a door of this site"] }));
  }
  const wanted = new Set(ids ?? all.map(({ id }) => id));
  return succeed(all.filter(({ id }) => wanted.has(id)).map(siteDoorOf));
}

async function tell({ issuer }: ApiSite, { id, controller }: SiteDoor, override: DoorOverride) {
  const attempt = randomUUID();
  const command = { kind: "set_override", attempt, door: id, override } as const;
  return { door: id, controller, ...outcome(await issuer.engine.command(controller, command)) };
}

/** `confirmed`: by the controller. Of one that did not answer it is not known what it did. */
function outcome(answer: Result<CommandAnswer, CommandFault>) {
  if (answer.ok) return { outcome: "confirmed", reason: null };
  const { fault } = answer;
  return {
    outcome: fault.reason === "no_answer" ? "unknown" : "refused",
    reason: fault.reason === "refused" ? fault.detail : fault.reason,
  };
}

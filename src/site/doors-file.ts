import * as v from "valibot";
import {
  type ControllerId,
  controllerId,
  type DoorId,
  doorId,
  type SiteId,
  siteId,
} from "../domain/ids.ts";
import type { StateFolder } from "./state-folder.ts";

/** Which doors a site has, and at which controllers: for whoever has its state folder and no more. */
export interface SiteDoors {
  readonly site: SiteId;
  readonly doors: readonly { readonly id: DoorId; readonly controller: ControllerId }[];
}

const name = "doors.json";

const doorsSchema = v.object({
  site: v.pipe(v.string(), v.transform(siteId)),
  doors: v.array(
    v.object({
      id: v.pipe(v.string(), v.transform(doorId)),
      controller: v.pipe(v.string(), v.transform(controllerId)),
    }),
  ),
});

/**
 * As the engine goes by them. The store may be in a database elsewhere, and a controller's keys are
 * written out whether the site runs or not. Nothing is done where they are there already.
 */
export function keepSiteDoors(folder: StateFolder, { site, doors }: SiteDoors): void {
  const kept = { site, doors: doors.map(({ id, controller }) => ({ id, controller })) };
  const text = `${JSON.stringify(kept)}\n`;
  const present = folder.read(name);
  if (present !== undefined && Buffer.from(present).toString("utf8") === text) return;
  folder.write(name, text);
}

export function readSiteDoors(folder: StateFolder): SiteDoors | "absent" | "damaged" {
  const bytes = folder.read(name);
  if (bytes === undefined) return "absent";
  try {
    return v.parse(doorsSchema, JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch {
    return "damaged";
  }
}

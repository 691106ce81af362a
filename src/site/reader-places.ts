import type { Kysely } from "kysely";
import type { ControllerId, DoorId, ReaderId, SiteId } from "../domain/ids.ts";
import { siteDoorOf } from "./model-rows.ts";
import { nameUuid } from "./name-uuid.ts";
import type { StoreSchema } from "./store/store-schema.ts";

/** A reader of one of the site's doors: what the API calls an encoder. */
export interface ReaderPlace {
  /** The same on every machine, for as long as the reader is this controller's. */
  readonly uuid: string;
  readonly controller: ControllerId;
  readonly reader: ReaderId;
  readonly door: DoorId;
  readonly doorName: string;
  readonly createdAt: number;
}

/** In the order of their doors; a site has hundreds at most. */
export async function readerPlaces(
  rows: Kysely<StoreSchema>,
  site: SiteId,
): Promise<readonly ReaderPlace[]> {
  const doors = await rows
    .selectFrom("surroundings")
    .selectAll()
    .where("kind", "=", "door")
    .orderBy("position")
    .orderBy("id")
    .execute();
  return doors.flatMap((row) => {
    const { id: door, name: doorName, controller, readers } = siteDoorOf(row);
    return readers.map((reader) => ({
      // Readers are told apart within their controller.
      uuid: nameUuid(site, "acs_encoder", `${controller}/${reader}`),
      controller,
      reader,
      door,
      doorName,
      createdAt: row.createdAt,
    }));
  });
}

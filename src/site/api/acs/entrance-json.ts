import type { DoorPosture, DoorSettings } from "../../../domain/access.ts";
import type { SurroundingRow } from "../../store/store-schema.ts";
import type { ApiIdentity } from "../api-identity.ts";
import type { Rows } from "./find-rows.ts";
import { isoOf } from "./user-json.ts";

/** A door as it stands in the store. */
export interface DoorBody {
  readonly controller: string;
  readonly readers: readonly string[];
  readonly posture: DoorPosture;
  readonly factors: DoorSettings["factors"];
}

export const doorBody = ({ body }: Pick<SurroundingRow, "body">): DoorBody =>
  JSON.parse(body) as DoorBody;

/** Seam's `acs_entrance`. */
export function entranceJson(row: SurroundingRow, identity: ApiIdentity) {
  return {
    acs_entrance_id: row.uuid,
    acs_system_id: identity.systemId,
    connected_account_id: identity.connectedAccountId,
    space_ids: [],
    created_at: isoOf(row.createdAt),
    display_name: row.name,
    errors: [],
    warnings: [],
    can_unlock_with_card: true,
    // Alone: where both are asked for, a code is the second factor of a card.
    can_unlock_with_code: doorBody(row).factors === "card_or_pin",
    can_unlock_with_mobile_key: true,
    can_unlock_with_cloud_key: false,
    can_belong_to_reservation: false,
  };
}

export async function entrancesJson(rows: Rows, doors: ReadonlySet<string>, identity: ApiIdentity) {
  const all = await rows
    .selectFrom("surroundings")
    .selectAll()
    .where("kind", "=", "door")
    .orderBy("position")
    .orderBy("id")
    .execute();
  return all.filter(({ id }) => doors.has(id)).map((row) => entranceJson(row, identity));
}

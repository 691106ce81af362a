import type { Kysely } from "kysely";
import { type DoorId, doorId } from "../../../domain/ids.ts";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import type {
  PassRow,
  RuleRow,
  StoreSchema,
  SurroundingRow,
  UserRow,
} from "../../store/store-schema.ts";
import { type ApiFault, inputFault, notFound } from "../api-fault.ts";

export type Rows = Kysely<StoreSchema>;

/** Who is meant, or a 404 that names what is not there: for what a request is about. */
export async function findUser(rows: Rows, uuid: string): Promise<Result<UserRow, ApiFault>> {
  const row = await rows
    .selectFrom("users")
    .selectAll()
    .where("uuid", "=", uuid)
    .executeTakeFirst();
  return row === undefined ? notFound("acs_user") : succeed(row);
}

export async function findPass(rows: Rows, uuid: string): Promise<Result<PassRow, ApiFault>> {
  const row = await rows
    .selectFrom("passes")
    .selectAll()
    .where("uuid", "=", uuid)
    .executeTakeFirst();
  return row === undefined ? notFound("acs_credential") : succeed(row);
}

/** An access group: a rule that grants, and not the one of those who were granted one door. */
export async function findGroup(rows: Rows, uuid: string): Promise<Result<RuleRow, ApiFault>> {
  const row = await rows
    .selectFrom("rules")
    .selectAll()
    .where("uuid", "=", uuid)
    .where("kind", "=", "grant")
    .where("grantedDoor", "is", null)
    .executeTakeFirst();
  return row === undefined ? notFound("acs_access_group") : succeed(row);
}

export interface DoorRow extends SurroundingRow {
  readonly door: DoorId;
}

export async function findDoor(rows: Rows, uuid: string): Promise<Result<DoorRow, ApiFault>> {
  const row = await rows
    .selectFrom("surroundings")
    .selectAll()
    .where("kind", "=", "door")
    .where("uuid", "=", uuid)
    .executeTakeFirst();
  return row === undefined ? notFound("acs_entrance") : succeed({ ...row, door: doorId(row.id) });
}

/** As a field of the input that names something else: then it is the field that is wrong. */
export function asField<Value>(
  found: Result<Value, ApiFault>,
  field: string,
): Result<Value, ApiFault> {
  if (found.ok) return found;
  return fail(inputFault({ [field]: [found.fault.message] }));
}

export async function countOf(rows: Rows, table: "users" | "passes" | "rules"): Promise<number> {
  const { count } = await rows
    .selectFrom(table)
    .select((row) => row.fn.countAll().as("count"))
    .executeTakeFirstOrThrow();
  return Number(count);
}

import { randomUUID } from "node:crypto";
import { passId } from "../../../domain/ids.ts";
import type { IssuingChange } from "../../issuer.ts";
import { noticesOfPass } from "../../notices-of-passes.ts";
import type { PassRow } from "../../store/store-schema.ts";
import { drawId } from "../api-site.ts";

export type NewPass = Pick<PassRow, "userId" | "kind" | "displayName"> & Partial<PassRow>;

/** What a pass has that says nothing else. */
const plain = {
  state: "issued",
  active: 1,
  startsAt: null,
  endsAt: null,
  usesMax: null,
  traits: "[]",
  raw: null,
  cardFormat: null,
  cardFields: null,
  pinDigest: null,
  parentId: null,
  isMultiPhone: 0,
  brandMetadata: null,
  warnings: "[]",
} as const;

export async function createPass(change: IssuingChange, pass: NewPass): Promise<PassRow> {
  const { state = plain.state } = pass;
  const row: PassRow = {
    ...plain,
    ...pass,
    id: drawId(),
    uuid: randomUUID(),
    origin: "api",
    issuedAt: state === "issued" ? change.at : null,
    revision: change.revision,
    createdAt: change.at,
  };
  await change.rows.insertInto("passes").values(row).execute();
  change.touch.pass(passId(row.id));
  const { kind, userId: user } = row;
  change.note({ action: "pass.create", subject: subjectOf(row), detail: { kind, user } });
  change.tell(...noticesOfPass(undefined, row));
  return row;
}

/** `action`: what is said of it in the audit log. */
export async function updatePass(
  change: IssuingChange,
  row: PassRow,
  part: Partial<PassRow>,
  action = "pass.update",
): Promise<PassRow> {
  const next = { ...part, revision: change.revision };
  await change.rows.updateTable("passes").set(next).where("id", "=", row.id).execute();
  change.touch.pass(passId(row.id));
  // The names of the fields alone: among their values are secrets.
  const detail = { fields: Object.keys(part), ...("userId" in part && { user: part.userId }) };
  change.note({ action, subject: subjectOf(row), detail });
  const after = { ...row, ...next };
  change.tell(...noticesOfPass(row, after));
  return after;
}

/** Gives it to a user or, with null, to nobody; the phones that it stands for go along. */
export async function movePass(
  change: IssuingChange,
  row: PassRow,
  { userId, action }: { readonly userId: string | null; readonly action: string },
): Promise<PassRow> {
  for (const phone of await phonesOf(change, row)) {
    await updatePass(change, phone, { userId }, action);
  }
  return await updatePass(change, row, { userId }, action);
}

function phonesOf({ rows }: IssuingChange, { id }: PassRow): Promise<readonly PassRow[]> {
  return rows.selectFrom("passes").selectAll().where("parentId", "=", id).execute();
}

/** With those of the phones that it stands for. */
export async function deletePass(change: IssuingChange, row: PassRow): Promise<void> {
  for (const child of [...(await phonesOf(change, row)), row]) {
    await change.rows.deleteFrom("passes").where("id", "=", child.id).execute();
    change.touch.pass(passId(child.id));
    const { kind, userId: user } = child;
    change.note({ action: "pass.delete", subject: subjectOf(child), detail: { kind, user } });
    change.tell(...noticesOfPass(child, undefined));
  }
}

const subjectOf = ({ id }: PassRow) => ({ kind: "pass", id });

import { randomUUID } from "node:crypto";
import { succeed } from "../../../../src/domain/result.ts";
import type { SiteStore } from "../../../../src/site/store/site-store.ts";
import type { PassRow } from "../../../../src/site/store/store-schema.ts";
import { author, userRow } from "./store-rig.ts";

/** UUIDs of the door `front` and the user `ada`. */
export interface Names {
  readonly front: string;
  readonly ada: string;
}

/** Fills an empty store with a door, and a user with a pass of each kind. */
export async function storeNames(store: SiteStore): Promise<Names> {
  const names = { front: randomUUID(), ada: randomUUID() };
  await store.change(author, async ({ rows }) => {
    await rows
      .insertInto("surroundings")
      .values({
        kind: "door",
        id: "front",
        uuid: names.front,
        origin: "api",
        position: 0,
        name: "Front",
        body: "{}",
        createdAt: 1,
      })
      .execute();
    await rows
      .insertInto("users")
      .values(userRow("ada", { uuid: names.ada }))
      .execute();
    const passes = [
      passRow("card", "csn_card"),
      passRow("pin", "pin"),
      passRow("nfc", "nfc_card"),
      passRow("phone", "mobile"),
    ];
    await rows.insertInto("passes").values(passes).execute();
    return succeed(undefined);
  });
  return names;
}

export function passRow(id: string, kind: PassRow["kind"]): PassRow {
  return {
    id,
    uuid: randomUUID(),
    origin: "api",
    userId: "ada",
    kind,
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
    displayName: "Pass",
    parentId: null,
    isMultiPhone: 0,
    brandMetadata: null,
    warnings: "[]",
    issuedAt: 1,
    revision: 1,
    createdAt: 1,
  };
}

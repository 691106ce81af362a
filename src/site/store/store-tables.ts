import { type Kysely, sql, type Transaction } from "kysely";
import { StoreError } from "./store-error.ts";
import type { StoreSchema } from "./store-schema.ts";
import { type StoreDialect, TableMaker } from "./table-maker.ts";

/** What leads from each format to the next; a store keeps the number of those that it has had. */
const steps: readonly ((maker: TableMaker) => Promise<void>)[] = [makeTables];

/**
 * Makes the tables, or brings those of an older program up to date: all or nothing. Throws `newer`
 * where a newer program made them.
 */
export async function bringUpToDate(
  database: Kysely<StoreSchema>,
  dialect: StoreDialect,
): Promise<void> {
  await database.transaction().execute(async (rows) => {
    const maker = new TableMaker(rows, dialect);
    await maker.table("facts", { key: "key", value: "text" });
    const format = await formatOf(rows);
    if (format > steps.length) {
      const known = `this program knows formats up to ${steps.length}`;
      throw new StoreError("newer", `store: has format ${format}; ${known}`);
    }
    if (format === steps.length) return;
    for (const step of steps.slice(format)) await step(maker);
    const fact = { key: "format", value: String(steps.length) };
    await rows
      .insertInto("facts")
      .values(fact)
      .onConflict((conflict) => conflict.column("key").doUpdateSet(fact))
      .execute();
  });
}

async function formatOf(rows: Transaction<StoreSchema>): Promise<number> {
  const fact = await rows
    .selectFrom("facts")
    .select("value")
    .where("key", "=", "format")
    .executeTakeFirst();
  const format = Number(fact?.value ?? 0);
  if (Number.isSafeInteger(format) && format >= 0) return format;
  throw new StoreError("damaged", "store: facts: does not say which format it has");
}

async function makeTables(maker: TableMaker): Promise<void> {
  await makeSurroundings(maker);
  await makeUsers(maker);
  await makePasses(maker);
  await makeRules(maker);
  await makeRecords(maker);
  await makeWebhooks(maker);
}

async function makeSurroundings(maker: TableMaker): Promise<void> {
  await maker.table(
    "surroundings",
    {
      kind: "text",
      id: "text",
      uuid: "text",
      origin: "text",
      position: "whole",
      name: "text",
      body: "text",
      createdAt: "whole",
    },
    { key: ["kind", "id"] },
  );
  await maker.unique("surroundings", ["uuid"]);
}

async function makeUsers(maker: TableMaker): Promise<void> {
  await maker.table("users", {
    id: "key",
    uuid: "text",
    origin: "text",
    name: "text",
    email: "text?",
    phone: "text?",
    suspended: "whole",
    traits: "text",
    startsAt: "whole?",
    endsAt: "whole?",
    sought: "text",
    revision: "whole",
    createdAt: "whole",
  });
  await maker.unique("users", ["uuid"]);
  await maker.index("users", ["createdAt", "id"]);
  await maker.index("users", ["email"]);
  await maker.index("users", ["phone"]);
}

async function makePasses(maker: TableMaker): Promise<void> {
  await maker.table(
    "passes",
    {
      id: "key",
      uuid: "text",
      origin: "text",
      userId: "text?",
      kind: "text",
      state: "text",
      active: "whole",
      startsAt: "whole?",
      endsAt: "whole?",
      usesMax: "whole?",
      traits: "text",
      raw: "text?",
      cardFormat: "text?",
      cardFields: "text?",
      pinDigest: "text?",
      displayName: "text",
      parentId: "text?",
      isMultiPhone: "whole",
      brandMetadata: "text?",
      warnings: "text",
      issuedAt: "whole?",
      revision: "whole",
      createdAt: "whole",
    },
    {
      // Whoever deletes a user says first what becomes of the passes, and tells the engine.
      references: [
        { column: "userId", to: ["users", "id"], whenGone: "refuse" },
        { column: "parentId", to: ["passes", "id"], whenGone: "refuse" },
      ],
    },
  );
  await maker.unique("passes", ["uuid"]);
  await maker.unique("passes", ["raw"]);
  await maker.unique("passes", ["pinDigest"]);
  // One PIN to come in by and one for duress (behaviour 4). Written so that both databases take it.
  const isForDuress = sql`replace("traits", 'duress', '') <> "traits"`;
  for (const [called, where] of [
    ["userId_pin", sql<boolean>`"kind" = 'pin' and not (${isForDuress})`],
    ["userId_duressPin", sql<boolean>`"kind" = 'pin' and ${isForDuress}`],
  ] as const) {
    await maker.unique("passes", ["userId"], { called, where });
  }
  await maker.index("passes", ["createdAt", "id"]);
  await maker.index("passes", ["userId"]);
  await maker.index("passes", ["parentId"]);
  await maker.index("passes", ["kind", "createdAt", "id"]);
}

async function makeRules(maker: TableMaker): Promise<void> {
  await maker.table("rules", {
    id: "key",
    uuid: "text",
    origin: "text",
    kind: "text",
    name: "text",
    doors: "text",
    zones: "text",
    schedule: "text?",
    grantedDoor: "text?",
    createdAt: "whole",
  });
  await maker.unique("rules", ["uuid"]);
  await maker.unique("rules", ["grantedDoor"]);
  await maker.index("rules", ["createdAt", "id"]);
  await maker.table(
    "ruleUsers",
    { ruleId: "text", userId: "text" },
    {
      key: ["ruleId", "userId"],
      references: [
        { column: "ruleId", to: ["rules", "id"], whenGone: "refuse" },
        { column: "userId", to: ["users", "id"], whenGone: "refuse" },
      ],
    },
  );
  await maker.index("ruleUsers", ["userId", "ruleId"]);
}

async function makeRecords(maker: TableMaker): Promise<void> {
  await maker.table("apiKeys", {
    id: "key",
    name: "text",
    role: "text",
    hash: "text",
    createdAt: "whole",
    revokedAt: "whole?",
  });
  await maker.unique("apiKeys", ["hash"]);
  await maker.table("audit", {
    position: "count",
    at: "whole",
    actor: "text",
    action: "text",
    subjectKind: "text",
    subjectId: "text",
    reason: "text?",
    requestId: "text?",
    detail: "text",
  });
  await maker.index("audit", ["subjectKind", "subjectId", "position"]);
  await maker.table("actionAttempts", {
    id: "key",
    type: "text",
    status: "text",
    result: "text?",
    error: "text?",
    createdAt: "whole",
    expiresAt: "whole",
  });
  await maker.index("actionAttempts", ["status", "expiresAt"]);
  await maker.index("actionAttempts", ["createdAt"]);
  await maker.table("notices", {
    position: "count",
    id: "text",
    type: "text",
    at: "whole",
    body: "text",
  });
  await maker.unique("notices", ["id"]);
  await maker.index("notices", ["type", "at", "position"]);
  await maker.table(
    "noticeSubjects",
    { subject: "text", type: "text", at: "whole", position: "whole" },
    {
      key: ["subject", "type", "at", "position"],
      references: [{ column: "position", to: ["notices", "position"], whenGone: "cascade" }],
    },
  );
  await maker.index("noticeSubjects", ["position"]);
}

async function makeWebhooks(maker: TableMaker): Promise<void> {
  await maker.table("webhooks", {
    id: "key",
    url: "text",
    secret: "text",
    eventTypes: "text?",
    createdAt: "whole",
  });
  await maker.table(
    "webhookDeliveries",
    {
      webhookId: "text",
      position: "whole",
      attempts: "whole",
      nextAt: "whole?",
      outcome: "text",
      triedAt: "whole?",
      detail: "text?",
    },
    {
      key: ["webhookId", "position"],
      references: [
        { column: "webhookId", to: ["webhooks", "id"], whenGone: "cascade" },
        { column: "position", to: ["notices", "position"], whenGone: "cascade" },
      ],
    },
  );
  await maker.index("webhookDeliveries", ["webhookId", "outcome", "nextAt", "position"]);
  await maker.index("webhookDeliveries", ["position"]);
}

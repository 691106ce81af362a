import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { sql } from "kysely";
import t, { type Test } from "tap";
import { fail, succeed } from "../../../../src/domain/result.ts";
import { type DatabaseChoice, openSiteStore } from "../../../../src/site/store/open-site-store.ts";
import type { SiteStore } from "../../../../src/site/store/site-store.ts";
import { temporaryFolder } from "../site-rig.ts";
import { author, openStore, overBothDatabases, storeClock, userRow } from "./store-rig.ts";

const usersOf = async (store: SiteStore) =>
  (await store.rows.selectFrom("users").select("id").orderBy("id").execute()).map(({ id }) => id);

const addUser = (store: SiteStore, id: string) =>
  store.change(author, async ({ rows, note, revision }) => {
    await rows.insertInto("users").values(userRow(id, { revision })).execute();
    note({ action: "user.create", subject: { kind: "user", id } });
    return succeed(id);
  });

const everythingOf = async (store: SiteStore) => ({
  users: await usersOf(store),
  audit: (await store.rows.selectFrom("audit").select("subjectId").execute()).length,
  revision: await store.revision(),
});

overBothDatabases(t, async (t, bench) => {
  const open = async (t: Test) => openStore(t, await bench.newDatabase());

  t.test("a change is whole, with its audit entry and its revision", async (t) => {
    const store = await open(t);
    const reason = "a new colleague";
    const made = await store.change(
      { name: "reception", reason, requestId: "r1" },
      async ({ rows, note, revision, at }) => {
        await rows.insertInto("users").values(userRow("ada", { revision })).execute();
        note({
          action: "user.create",
          subject: { kind: "user", id: "ada" },
          detail: { traits: ["manager"] },
        });
        return succeed({ revision, at });
      },
    );
    t.match(made, { ok: true, value: { revision: 1, at: storeClock.wall().at } });
    t.match(await store.rows.selectFrom("audit").selectAll().execute(), [
      {
        position: 1,
        at: storeClock.wall().at,
        actor: "reception",
        action: "user.create",
        subjectKind: "user",
        subjectId: "ada",
        reason,
        requestId: "r1",
        detail: '{"traits":["manager"]}',
      },
    ]);
    t.equal(await store.revision(), 1);
  });

  t.test("a change that is refused or fails leaves everything as it was", async (t) => {
    const store = await open(t);
    await addUser(store, "ada");
    const before = await everythingOf(store);
    const refused = await store.change(author, async ({ rows, note, afterwards }) => {
      await rows.insertInto("users").values(userRow("bob")).execute();
      note({ action: "user.create", subject: { kind: "user", id: "bob" } });
      afterwards(() => t.fail("nothing to be done afterwards"));
      return fail("no");
    });
    t.same(refused, { ok: false, fault: "no" });
    t.same(await everythingOf(store), before);
    await t.rejects(
      store.change(author, async ({ rows }) => {
        await rows.insertInto("users").values(userRow("bob")).execute();
        throw new Error("a fault of ours");
      }),
      { message: "a fault of ours" },
    );
    t.same(await everythingOf(store), before);
    t.match(await addUser(store, "cyd"), { ok: true });
    t.same(await usersOf(store), ["ada", "cyd"]);
  });

  t.test("changes come one after another, in the order in which they were asked", async (t) => {
    const store = await open(t);
    const seen: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        store.change(author, async ({ rows, revision }) => {
          const before = await rows.selectFrom("users").selectAll().execute();
          seen.push(before.length);
          await rows
            .insertInto("users")
            .values(userRow(`user-${at}`))
            .execute();
          return succeed(revision);
        }),
      ),
    );
    t.same(
      seen,
      Array.from({ length: 20 }, (_, at) => at),
    );
    t.equal(await store.revision(), 20);
  });

  t.test("whoever reads is not held up, and does not see what is not committed", async (t) => {
    const store = await open(t);
    await store.change(author, async ({ rows }) => {
      await rows.insertInto("users").values(userRow("ada")).execute();
      t.same(await usersOf(store), []);
      return succeed(undefined);
    });
    t.same(await usersOf(store), ["ada"]);
  });

  t.test("nobody writes past the audit log", async (t) => {
    const store = await open(t);
    await addUser(store, "ada");
    await t.rejects(store.rows.deleteFrom("users").execute());
    await t.rejects(store.rows.insertInto("users").values(userRow("bob")).execute());
    t.same(await usersOf(store), ["ada"]);
  });

  t.test("what follows from what happened is no change of anybody's", async (t) => {
    const store = await open(t);
    await addUser(store, "ada");
    const before = await everythingOf(store);
    const order: string[] = [];
    const position = await store.record(async ({ rows, at, afterwards }) => {
      afterwards(() => order.push("on disk"));
      const notice = { id: "n1", type: "acs_user.created", at, body: "{}" };
      const made = await rows.insertInto("notices").values(notice).returning("position").execute();
      order.push("made");
      return made[0]?.position;
    });
    t.equal(position, 1);
    t.same(order, ["made", "on disk"]);
    t.same(await everythingOf(store), before);
    t.equal((await store.rows.selectFrom("notices").selectAll().execute()).length, 1);
  });

  t.test("a second site service is refused, and has it once the first is done", async (t) => {
    const database = await bench.newDatabase();
    const first = await openStore(t, database);
    await addUser(first, "ada");
    await t.rejects(openSiteStore({ database, clock: storeClock }), {
      name: "StoreError",
      kind: "in_use",
      message: /another site service/,
    });
    t.match(await addUser(first, "bob"), { ok: true });
    await first.close();
    await t.rejects(addUser(first, "cyd"), { kind: "unavailable", message: /closed/ });
    const second = await openStore(t, database);
    t.same(await usersOf(second), ["ada", "bob"]);
    t.match(await addUser(second, "cyd"), { ok: true });
    t.equal(await second.revision(), 3);
  });

  t.test("a store that a newer program made is refused, and left as it is", async (t) => {
    const database = await bench.newDatabase();
    const store = await openStore(t, database);
    await addUser(store, "ada");
    await store.record(({ rows }) =>
      rows.updateTable("facts").set({ value: "9" }).where("key", "=", "format").execute(),
    );
    await store.close();
    await t.rejects(openSiteStore({ database, clock: storeClock }), {
      name: "StoreError",
      kind: "newer",
      message: "store: has format 9; this program knows formats up to 1",
    });
  });

  t.test("whoever was overtaken by another program changes nothing any more", async (t) => {
    const store = await openStore(t, await bench.newDatabase());
    await addUser(store, "ada");
    await store.record(({ rows }) =>
      rows.updateTable("facts").set({ value: "other" }).where("key", "=", "change").execute(),
    );
    const before = await everythingOf(store);
    await t.rejects(addUser(store, "bob"), { name: "StoreError", kind: "overtaken" });
    t.same(await everythingOf(store), before);
  });

  t.test("what contradicts itself is refused by the database, too", async (t) => {
    const store = await open(t);
    const pass = {
      origin: "api" as const,
      state: "issued" as const,
      active: 1,
      startsAt: null,
      endsAt: null,
      usesMax: null,
      cardFormat: null,
      cardFields: null,
      displayName: "",
      parentId: null,
      isMultiPhone: 0,
      brandMetadata: null,
      warnings: "[]",
      issuedAt: null,
      revision: 1,
      createdAt: 1,
      userId: "ada",
      raw: null,
      pinDigest: null,
      traits: "[]",
    };
    const card = (id: string, raw: string) =>
      ({ ...pass, id, uuid: id, kind: "csn_card", raw }) as const;
    const pin = (id: string, pinDigest: string, traits = "[]") =>
      ({ ...pass, id, uuid: id, kind: "pin", pinDigest, traits }) as const;
    const issue = (row: ReturnType<typeof card> | ReturnType<typeof pin>) =>
      store.change(author, async ({ rows }) => {
        await rows.insertInto("passes").values(row).execute();
        return succeed(undefined);
      });
    await addUser(store, "ada");
    await issue(card("card-1", "26:1"));
    await issue(card("card-2", "26:2"));
    await issue(pin("pin-1", "aa"));
    await issue(pin("pin-2", "bb", '["pass_through","duress"]'));
    await issue({ ...pin("pin-3", "cc"), userId: null } as never);
    await t.rejects(issue(card("card-3", "26:1")), "a card of two passes");
    await t.rejects(issue({ ...pin("pin-4", "aa"), userId: null } as never), "a PIN of two");
    await t.rejects(issue(pin("pin-5", "dd")), "a second PIN of one user");
    await t.rejects(issue(pin("pin-6", "ee", '["duress"]')), "a second PIN for duress");
    await t.rejects(issue({ ...card("card-4", "26:4"), userId: "bob" }), "a user that is none");
    await t.rejects(
      store.change(author, async ({ rows }) => {
        await rows.deleteFrom("users").execute();
        return succeed(undefined);
      }),
      "a user whose passes nobody disposed of",
    );
    const left = await store.rows.selectFrom("passes").select("id").orderBy("id").execute();
    t.same(
      left.map(({ id }) => id),
      ["card-1", "card-2", "pin-1", "pin-2", "pin-3"],
    );
  });

  t.test("texts are ordered by their bytes, and numbers stay numbers", async (t) => {
    const store = await open(t);
    for (const id of ["b", "a", "B", "_", "é", "-"]) await addUser(store, id);
    t.same(await usersOf(store), ["-", "B", "_", "a", "b", "é"]);
    const most = 253_402_300_799_999;
    await store.change(author, async ({ rows }) => {
      const end = { endsAt: most };
      return succeed(await rows.updateTable("users").set(end).where("id", "=", "a").execute());
    });
    const [count] = await store.rows
      .selectFrom("users")
      .select(({ fn }) => [fn.countAll<number>().as("users"), fn.max("endsAt").as("endsAt")])
      .execute();
    t.same(count, { users: 6, endsAt: most });
  });
});

t.test("the file is its owner's alone, and a disk that is full takes nothing", async (t) => {
  const file = join(temporaryFolder(t), "store.sqlite3");
  const database: DatabaseChoice = { kind: "sqlite", file };
  const store = await openStore(t, database);
  await addUser(store, "ada");
  for (const side of ["", "-wal", ".lock"]) t.equal(statSync(`${file}${side}`).mode & 0o777, 0o600);
  const setPagesMax = (pages: number) =>
    store.record(({ rows }) => sql.raw(`pragma max_page_count = ${pages}`).execute(rows));
  const before = await everythingOf(store);
  await setPagesMax(1);
  await t.rejects(
    store.change(author, async ({ rows }) => {
      const users = Array.from({ length: 500 }, (_, at) => userRow(`user-${at}`));
      await rows.insertInto("users").values(users).execute();
      return succeed(undefined);
    }),
    { name: "StoreError", kind: "unavailable", message: /SQLITE_FULL/ },
  );
  t.same(await everythingOf(store), before);
  await setPagesMax(1_000_000);
  t.match(await addUser(store, "bob"), { ok: true });
  await store.close();
  chmodSync(file, 0o640);
  await t.rejects(openSiteStore({ database, clock: storeClock }), {
    kind: "unavailable",
    message: /store\.sqlite3: mode 640/,
  });
});

t.test("a file that is no database is damaged, and stays as it is", async (t) => {
  const file = join(temporaryFolder(t), "store.sqlite3");
  writeFileSync(file, "not a database at all, by no means ".repeat(300), { mode: 0o600 });
  const opened = openSiteStore({ database: { kind: "sqlite", file }, clock: storeClock });
  await t.rejects(opened, { name: "StoreError", kind: "damaged" });
});

t.test("an address that cannot be used is told without its password", async (t) => {
  for (const url of [
    "postgres://postern:geheim@127.0.0.1:1/site",
    "postgres://postern:geheim@nowhere.invalid/site",
    "postgres://postern:geheim@[/site",
    "postgres://postern:geheim%ZZ@localhost/site",
    "mysql://postern:geheim@localhost/site",
    "geheim",
  ]) {
    const opening = openSiteStore({ database: { kind: "postgres", url }, clock: storeClock });
    const error: unknown = await opening.catch((thrown: unknown) => thrown);
    t.match(error, { name: "StoreError", kind: "unavailable" }, "is refused");
    t.notMatch(inspect(error, { depth: 20, showHidden: true }), /geheim/, "without its password");
  }
});

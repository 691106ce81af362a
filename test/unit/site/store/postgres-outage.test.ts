import { sql } from "kysely";
import pg from "pg";
import t from "tap";
import { succeed } from "../../../../src/domain/result.ts";
import type { SiteStore } from "../../../../src/site/store/site-store.ts";
import { temporaryFolder } from "../site-rig.ts";
import { layLine } from "./cut-line.ts";
import { noPostgres, startPostgres } from "./postgres-server.ts";
import { author, openStore, userRow } from "./store-rig.ts";

const usersOf = async (store: SiteStore) =>
  (await store.rows.selectFrom("users").select("id").orderBy("id").execute()).map(({ id }) => id);

const addUser = (store: SiteStore, id: string, meanwhile?: () => unknown) =>
  store.change(author, async ({ rows, revision }) => {
    await rows.insertInto("users").values(userRow(id, { revision })).execute();
    await meanwhile?.();
    return succeed(id);
  });

const away = { name: "StoreError", kind: "unavailable" };

t.test("PostgreSQL that goes away and comes back", { skip: noPostgres }, async (t) => {
  const server = await startPostgres(t);

  /** The store, over a line that the test can cut. */
  const connected = async () => {
    const folder = temporaryFolder(t);
    const url = new URL(await server.newDatabase());
    const line = await layLine(t, { folder, server: server.folder });
    url.searchParams.set("host", folder);
    return { line, store: await openStore(t, { kind: "postgres", url: url.toString() }) };
  };

  t.test("while it is stopped nothing is changed, and afterwards all goes on", async (t) => {
    const url = await server.newDatabase();
    const store = await openStore(t, { kind: "postgres", url });
    await addUser(store, "ada");
    t.same(await usersOf(store), ["ada"]);
    await server.stop();
    await t.rejects(addUser(store, "bob"), away);
    await t.rejects(usersOf(store), away);
    await t.rejects(store.revision(), away);
    await server.start();
    t.match(await addUser(store, "cyd"), { ok: true });
    t.same(await usersOf(store), ["ada", "cyd"]);
    t.equal(await store.revision(), 2);
  });

  t.test("changes that wait for a server that is away are refused together", async (t) => {
    const store = await openStore(t, { kind: "postgres", url: await server.newDatabase() });
    await server.stop();
    const waiting = Array.from({ length: 20 }, (_, at) => addUser(store, `user-${at}`));
    const outcomes = await Promise.allSettled(waiting);
    const said = outcomes.map((outcome) =>
      outcome.status === "rejected" ? String(outcome.reason) : "done",
    );
    t.match(said[0], /StoreError: store: the PostgreSQL server/);
    t.same(
      new Set(said.slice(1)),
      new Set(["StoreError: store: cannot be reached"]),
      "without looking for it again",
    );
    await server.start();
    t.match(await addUser(store, "ada"), { ok: true });
  });

  t.test("one that is stopped in the middle of a change takes it back", async (t) => {
    const url = await server.newDatabase();
    const store = await openStore(t, { kind: "postgres", url });
    await t.rejects(
      addUser(store, "ada", () => server.stop()),
      away,
    );
    await server.start();
    t.same(await usersOf(store), []);
    t.match(await addUser(store, "bob"), { ok: true });
    t.same(await usersOf(store), ["bob"]);
  });

  t.test("a line that is cut does not leave the store to its own ghost", async (t) => {
    const { line, store } = await connected();
    await addUser(store, "ada");
    line.cut();
    t.match(await addUser(store, "bob"), { ok: true }, "although the server still holds the lock");
    t.equal(await store.revision(), 2);
  });

  t.test("a commit without an answer is in the store, and the next change knows", async (t) => {
    const { line, store } = await connected();
    await addUser(store, "ada");
    const answered = line.deafFrom("commit");
    const lost = t.rejects(addUser(store, "bob"), away);
    await answered;
    line.cut();
    await lost;
    const seen: number[] = [];
    const next = await store.change(author, async ({ revision }) => {
      seen.push(revision);
      return succeed(undefined);
    });
    t.match(next, { ok: true });
    t.same(await usersOf(store), ["ada", "bob"]);
    t.equal(await store.revision(), seen[0]);
  });

  t.test("a failed statement that is passed over does not pass for a success", async (t) => {
    const store = await openStore(t, { kind: "postgres", url: await server.newDatabase() });
    await addUser(store, "ada");
    const changing = store.record(async ({ rows, afterwards }) => {
      afterwards(() => t.fail("nobody is told that it is on disk"));
      await rows.insertInto("users").values(userRow("bob")).execute();
      await sql`select 1 / 0`.execute(rows).catch(() => undefined);
    });
    await t.rejects(changing);
    t.same(await usersOf(store), ["ada"]);
    t.equal(await store.revision(), 1);
  });

  t.test("two sites have one database, in a schema each", async (t) => {
    const url = await server.newDatabase();
    const client = new pg.Client(url);
    await client.connect();
    await client.query("create schema north");
    await client.query("create schema south");
    await client.end();
    const of = (schema: string) =>
      openStore(t, { kind: "postgres", url: `${url}&options=-c%20search_path%3D${schema}` });
    const [north, south] = await Promise.all([of("north"), of("south")]);
    await addUser(north, "ada");
    await addUser(south, "bob");
    t.same([await usersOf(north), await usersOf(south)], [["ada"], ["bob"]]);
  });
});

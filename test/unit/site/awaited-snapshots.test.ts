import { join } from "node:path";
import t, { type Test } from "tap";
import type { ControllerId } from "../../../src/domain/ids.ts";
import { TableRequests } from "../../../src/site/table-requests.ts";
import { openTableShelf } from "../../../src/site/table-shelf.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { LogText, temporaryFolder } from "./site-rig.ts";
import { one, three, two, Workshop } from "./snapshot-workshop.ts";

const makingMs = 100;

/** A site that takes its time to make a snapshot, and whom it has told that one is made. */
function slowSite(test: Test) {
  const shop = new Workshop();
  shop.makingMs = makingMs;
  const broker = new MemoryBroker();
  const log = new LogText();
  const file = join(temporaryFolder(test), "tables.sqlite3");
  const shelf = openTableShelf({ file, signer: "test", log });
  const { keys, clock } = shop;
  const snapshots = shop.open();
  const heads = { answer: () => undefined };
  const requests = new TableRequests({ keys, link: broker, clock, log, shelf, snapshots, heads });
  test.teardown(() => requests.close());
  let asked = 0;
  const ask = (controller: ControllerId) => {
    asked += 1;
    requests.take(controller, { want: "snapshot", request: String(asked) });
  };
  const told = () => broker.published.map(({ topic }) => topic.split("/").at(-3));
  return { shop, requests, ask, told };
}

t.test("who asks while another's snapshot is made is answered when there is time", async (t) => {
  const { shop, ask, told } = slowSite(t);
  for (const controller of [one, two, three]) ask(controller);
  ask(two);
  t.same(told(), ["one"]);
  shop.clock.advance(makingMs);
  t.same(told(), ["one", "two"], "in the order in which they asked");
  shop.clock.advance(2 * makingMs);
  t.same(told(), ["one", "two", "three"]);
  shop.clock.advance(60_000);
  t.same(told(), ["one", "two", "three"], "each once, however often it asked meanwhile");
  t.equal(shop.clock.alarmCount, 0);
});

t.test("a snapshot that is at hand is not kept waiting by others", async (t) => {
  const { ask, told } = slowSite(t);
  for (const controller of [one, two, one]) ask(controller);
  t.same(told(), ["one", "one"]);
});

t.test("a site that stops makes no more of them", async (t) => {
  const { shop, requests, ask, told } = slowSite(t);
  for (const controller of [one, two]) ask(controller);
  requests.close();
  shop.clock.advance(60_000);
  t.same(told(), ["one"]);
});

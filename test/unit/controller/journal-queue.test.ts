import t from "tap";
import { JournalQueue } from "../../../src/controller/journal-queue.ts";
import { alarm, denial, record } from "./journal-records.ts";

t.test("the mark of a loss stands where the entries are missing", async (t) => {
  const queue = new JournalQueue({ recordsMax: 2, alarmsMax: 1 });
  t.ok(queue.push(record(1)));
  t.ok(queue.push(record(2)));
  t.notOk(queue.push(denial));
  queue.markLost();
  t.ok(queue.hasUnmarkedLoss, "there is no room for the mark either");
  queue.shift(queue.front(1));
  t.notOk(queue.push(alarm), "nothing comes between the loss and its mark");
  queue.markLost();
  t.equal(queue.count, 2);
  t.notOk(queue.push(record(3)));
  queue.shift(queue.front(2));
  queue.markLost();
  const [mark] = queue.front(1);
  t.match(mark?.event, { kind: "journal_overflow", lostCount: 1, lostDenialCount: 0 });
  t.ok(queue.push(record(4)));
  t.equal(queue.lostCount, 3);
});

t.test("without a loss there is nothing to mark", async (t) => {
  const queue = new JournalQueue({ recordsMax: 2, alarmsMax: 1 });
  queue.push(record(1));
  queue.markLost();
  t.same(queue.front(10), [record(1)]);
});

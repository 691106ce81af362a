import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import type { JournalStatus } from "../../../src/controller/journal.ts";
import {
  refusalsUnacknowledgedMax,
  TableRefusals,
} from "../../../src/controller/table-refusals.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

function rig() {
  const clock = new SimClock();
  const recorded: DoorEvent[] = [];
  let acknowledged = 0;
  const journal = {
    status: (): JournalStatus => ({
      journal: "j1",
      highest: recorded.length,
      acknowledged,
      queuedCount: 0,
      lostCount: 0,
      troubles: [],
      failure: undefined,
    }),
  };
  const refusals = new TableRefusals({ clock, journal, record: (event) => recorded.push(event) });
  let noted = 0;
  return {
    clock,
    recorded,
    refusals,
    note: () => {
      noted += 1;
      refusals.note(`${noted}`, { reason: "altered", detail: "on paper" });
    },
    acknowledge: () => {
      acknowledged = recorded.length;
    },
  };
}

t.test("a flood that lasts becomes a count, in pauses that double", async (t) => {
  const { clock, recorded, note } = rig();
  for (let minute = 0; minute < 30 * 24 * 60; minute += 1) {
    for (let count = 0; count < 3; count += 1) note();
    clock.advance(minuteMs);
  }
  t.ok(recorded.length < 60, `${recorded.length} entries in a month`);
  t.match(recorded.slice(0, 11), [
    ...Array.from({ length: 10 }, () => ({ reason: "altered", detail: "on paper" })),
    { reason: "altered", detail: /^the last of \d+ more/ },
  ]);
});

t.test("after a quiet pause what is refused is told in full again", async (t) => {
  const { clock, recorded, note } = rig();
  for (let count = 0; count < 20; count += 1) note();
  clock.advance(3 * hourMs);
  t.equal(recorded.length, 11);
  t.equal(clock.alarmCount, 0);
  note();
  t.match(recorded.at(-1), { detail: "on paper" });
});

t.test("however it is timed, refusals keep to their share of a journal", async (t) => {
  const { clock, recorded, note, acknowledge } = rig();
  // Bursts that each come when all is calm again, while no acknowledgement arrives.
  for (let burst = 0; burst < 700; burst += 1) {
    for (let count = 0; count < 10; count += 1) note();
    clock.advance(hourMs);
  }
  t.equal(recorded.length, refusalsUnacknowledgedMax);
  acknowledge();
  clock.advance(2 * dayMs);
  t.match(recorded.slice(refusalsUnacknowledgedMax), [{ detail: /^the last of \d+ more/ }]);
});

t.test("what was counted is told when the controller stops", async (t) => {
  const { clock, recorded, note, refusals } = rig();
  for (let count = 0; count < 15; count += 1) note();
  refusals.count(7, "unopened");
  refusals.close();
  t.match(recorded.at(-1), { reason: "unopened", detail: "the last of 12 more that were refused" });
  t.equal(clock.alarmCount, 0);
});

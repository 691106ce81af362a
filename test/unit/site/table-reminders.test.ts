import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { type ControllerId, controllerId } from "../../../src/domain/ids.ts";
import { remindMaxMs, remindMinMs, TableReminders } from "../../../src/site/table-reminders.ts";

function world() {
  const clock = new SimClock();
  const updating = new Set<ControllerId>();
  const reminded: string[] = [];
  const reminders = new TableReminders({
    clock,
    updating: () => [...updating],
    remind: (controllers) => reminded.push(controllers.join(" ")),
  });
  return { clock, updating, reminded, reminders };
}

const one = controllerId("one");
const two = controllerId("two");

t.test("who has not answered is asked again, and who has is not", async (t) => {
  const { clock, updating, reminded, reminders } = world();
  updating.add(one).add(two);
  reminders.begin();
  await clock.elapse(remindMinMs - 1);
  t.same(reminded, []);
  await clock.elapse(1);
  t.same(reminded, ["one two"]);
  updating.delete(one);
  await clock.elapse(2 * remindMinMs);
  t.same(reminded, ["one two", "two"]);
});

t.test("it is asked less and less often, and never less than every five minutes", async (t) => {
  const { clock, updating, reminded, reminders } = world();
  updating.add(one);
  reminders.begin();
  await clock.elapse(3_600_000);
  t.ok(reminded.length > 10 && reminded.length < 20, `${reminded.length} times in an hour`);
  await clock.elapse(remindMaxMs);
  t.ok(reminded.length > 11);
});

t.test("nothing is armed while nobody owes an answer, or after the end", async (t) => {
  const { clock, updating, reminded, reminders } = world();
  reminders.begin();
  await clock.elapse(remindMinMs);
  updating.add(one);
  await clock.elapse(10 * remindMaxMs);
  t.same(reminded, []);
  reminders.begin();
  reminders.close();
  await clock.elapse(10 * remindMaxMs);
  t.same(reminded, []);
});

import t from "tap";
import { Seeded } from "../../../hal/sim/seeded.ts";
import { countOf, record } from "./journal-records.ts";
import { openSettledStage } from "./sync-stage.ts";

// Each seed is a real journal with a thread of its own, on a machine that may be busy.
t.setTimeout(120_000);

t.test("in any weather every entry reaches the site once and unchanged", async (t) => {
  const given = process.env["POSTERN_SEED"];
  const seeds = given === undefined ? [1, 2, 3, 4, 5, 6, Date.now() % 2 ** 31] : [Number(given)];
  for (const seed of seeds) {
    const seeded = new Seeded(seed);
    const stage = await openSettledStage(t, { seed });
    const chance = () => seeded.between(0, 40) / 100;
    stage.broker.setWeather({ lost: chance(), doubled: chance(), late: chance() });
    let count = 0;
    for (let move = 0; move < 60; move += 1) {
      const burst = seeded.next() < 0.1 ? 300 : seeded.between(0, 5);
      for (const end = count + burst; count < end; ) {
        count += 1;
        stage.journal.append(record(count));
      }
      if (seeded.next() < 0.3) stage.up();
      if (seeded.next() < 0.1) stage.broker.down();
      if (seeded.next() < 0.3) stage.broker.settle();
      stage.site.isAway = seeded.next() < 0.2;
      if (seeded.next() < 0.5) await stage.quiet();
      stage.clock.advance(seeded.between(0, 2_000));
    }
    stage.site.isAway = false;
    stage.up();
    await stage.until(() => {
      const all = stage.site.entries.filter((entry) => !Number.isNaN(countOf(entry)));
      return all.length >= count;
    });
    const counts = stage.site.entries.map(countOf).filter((value) => !Number.isNaN(value));
    const expected = Array.from({ length: count }, (_, index) => index + 1);
    t.same(counts, expected, `${count} entries; POSTERN_SEED=${seed} replays it`);
    t.same(stage.site.faults, [], `POSTERN_SEED=${seed}`);
  }
});

import t, { type Test } from "tap";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import type { StoredEvent } from "../../../src/site/event-row.ts";
import type { EventStore } from "../../../src/site/event-store.ts";
import { controllers, type Diarist, World } from "./event-world.ts";
import { temporaryFolder } from "./site-rig.ts";

async function live(world: World, random: Seeded): Promise<void> {
  for (let move = 0; move < 80; move += 1) {
    const diarist = random.pick([0, 1]) === 0 ? world.diarists[0] : world.diarists[1];
    const kind = random.pick([
      "write",
      "write",
      "write",
      "wait",
      "wait",
      "link",
      "copy",
      "restore",
    ]);
    if (kind === "write") diarist?.write(random.between(1, 25));
    if (kind === "wait") world.clock.advance(random.between(1, 90_000));
    if (kind === "link") diarist?.toggleLink();
    if (kind === "copy") world.events.copy();
    if (kind === "restore") world.restoreSite();
    await world.settle();
  }
}

/** The first thing that does not hold of what the site has of this controller. */
function faultOf(store: EventStore, { controller, database }: Diarist): string | undefined {
  const rows = store.query({ controller, limit: 100_000 });
  const byNumber = new Map(rows.map((row): [number, StoredEvent] => [row.number, row]));
  if (byNumber.size !== rows.length) return "an entry is there twice";
  if (rows.some((row, at) => at > 0 && row.number <= (rows[at - 1]?.number ?? 0))) {
    return "not in order";
  }
  for (const { number, hash } of database.read(0, 100_000)) {
    if (byNumber.get(number)?.hash !== hash) return `entry ${number} is not there`;
  }
  const troubles = store.troublesOf(controller);
  if (troubles.some(({ kind }) => kind === "journal_altered")) return "called altered";
  const isGapSaid = troubles.some(({ kind }) => kind === "journal_gap");
  const hasGap = byNumber.size < database.onDisk().highest;
  return hasGap === isGapSaid ? undefined : `a gap: ${hasGap}, said: ${isGapSaid}`;
}

async function lifeOf(t: Test, seed: number): Promise<{ fault?: string; hadGap: boolean }> {
  const random = new Seeded(seed, "restore");
  const world = new World(temporaryFolder(t), random);
  try {
    await live(world, random);
    // The last restore, after which nothing happens at any door any more.
    world.clearUp();
    await world.settle();
    world.restoreSite();
    for (let minute = 0; minute < 30; minute += 1) {
      world.clock.advance(60_000);
      await world.settle();
    }
    const { store } = world.events;
    const faults = world.diarists.map((diarist) => faultOf(store, diarist));
    const hadGap = controllers.some((controller) =>
      store.troublesOf(controller).some(({ kind }) => kind === "journal_gap"),
    );
    const fault = faults.find((each) => each !== undefined);
    return { hadGap, ...(fault !== undefined && { fault }) };
  } finally {
    world.close();
  }
}

t.test(
  "a site restored from any older copy gets all that is left, in order and each once",
  async (t) => {
    const seed = seedFor(process.env["SEED"]);
    t.comment(`SEED=${seed}`);
    let gapCount = 0;
    for (let life = 0; life < 8; life += 1) {
      const { fault, hadGap } = await lifeOf(t, seed + life);
      if (hadGap) gapCount += 1;
      t.equal(fault, undefined, `SEED=${seed + life}`);
    }
    t.ok(gapCount > 0, "some copy was older than a journal");
  },
);

import t, { type Test } from "tap";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import { journalLimits } from "../../../src/controller/journal-limits.ts";
import { sealEventAck } from "../../../src/protocols/sync/ack-message.ts";
import type { StoredEvent } from "../../../src/site/event-row.ts";
import type { EventStore } from "../../../src/site/event-store.ts";
import { type Diarist, keysOf, World } from "./event-world.ts";
import { site, temporaryFolder } from "./site-rig.ts";

// Each life has two journals and a site on a disk, on a machine that may be busy.
t.setTimeout(600_000);

const moves = ["write", "write", "write", "replay", "wait", "link", "copy", "cut"] as const;
/** So small that what is acknowledged wrongly is gone. */
const limits = { ...journalLimits, keptMax: 5, prunedPerWriteMin: 1, acknowledgeLagMin: 10 };

async function live(world: World, random: Seeded): Promise<void> {
  for (let move = 0; move < 80; move += 1) {
    const diarist = random.pick([0, 1]) === 0 ? world.diarists[0] : world.diarists[1];
    const kind = random.pick(moves);
    if (kind === "write") diarist?.write(random.between(1, 25));
    if (kind === "wait") world.clock.advance(random.between(1, 90_000));
    if (kind === "link") diarist?.toggleLink();
    if (kind === "copy") diarist?.copyDisk();
    if (kind === "cut") diarist?.cut(random);
    if (kind === "replay") world.replay(random);
    await world.settle();
  }
}

/** Which record it was, as `record` tells them apart. */
function countOf({ event }: StoredEvent): number {
  return (JSON.parse(event) as { count: number }).count;
}

/** The first thing that does not hold of what the site has of this controller. */
function faultOf(store: EventStore, diarist: Diarist): string | undefined {
  const { controller, database, alive } = diarist;
  const rows = store.query({ controller, limit: 100_000 });
  const counts = rows.map(countOf);
  const stored = new Set(counts);
  const twice = counts.find((count, at) => counts.indexOf(count) !== at);
  if (twice !== undefined) return `record ${twice} is there twice`;
  const missing = [...alive].find((count) => !stored.has(count));
  if (missing !== undefined) return `record ${missing} is not there`;
  const hashes = new Set(rows.map(({ journal, hash }) => `${journal} ${hash}`));
  const unlike = database
    .read(0, 100_000)
    .find(({ journal, hash }) => !hashes.has(`${journal} ${hash}`));
  if (unlike !== undefined) return `entry ${unlike.number} is not there as it is here`;
  const isGapSaid = store.troublesOf(controller).some(({ kind }) => kind === "journal_gap");
  return isGapSaid ? "said that something is lost" : undefined;
}

interface Life {
  readonly fault: string | undefined;
  readonly begunAnewCount: number;
}

async function lifeOf(t: Test, seed: number): Promise<Life> {
  const random = new Seeded(seed, "fork");
  const world = new World(temporaryFolder(t), random, limits);
  try {
    for (const diarist of world.diarists) diarist.copyDisk();
    await live(world, random);
    world.clearUp();
    // A process tells its start, if nothing else.
    for (const diarist of world.diarists) diarist.write(1);
    for (let minute = 0; minute < 30; minute += 1) {
      world.clock.advance(60_000);
      await world.settle();
    }
    const { store } = world.events;
    const begunBefore = begunIn(world);
    for (let minute = 0; minute < 10; minute += 1) {
      world.replay(random);
      world.clock.advance(60_000);
      await world.settle();
    }
    const faults = world.diarists.map((diarist) => faultOf(store, diarist));
    if (begunIn(world) !== begunBefore) faults.push("what was said before began a journal anew");
    return { fault: faults.find((each) => each !== undefined), begunAnewCount: begunBefore };
  } finally {
    world.close();
  }
}

const begunIn = ({ diarists }: World): number =>
  diarists.reduce((sum, { begunAnewCount }) => sum + begunAnewCount, 0);

t.test(
  "whatever a disk takes back at whatever moment, the site gets all that is left, each once",
  async (t) => {
    const seed = seedFor(process.env["SEED"]);
    t.comment(`SEED=${seed}`);
    let begunAnewCount = 0;
    for (let life = 0; life < Number(process.env["LIVES"] ?? 8); life += 1) {
      const lived = await lifeOf(t, seed + life);
      begunAnewCount += lived.begunAnewCount;
      t.equal(lived.fault, undefined, `SEED=${seed + life}`);
    }
    t.ok(begunAnewCount > 0, "some disk took back what the site had");
  },
);

t.test(
  "a controller that believed too much of an older site still brings what it has",
  async (t) => {
    const random = new Seeded(1, "older site");
    const world = new World(temporaryFolder(t), random);
    t.teardown(() => world.close());
    world.clearUp();
    const [diarist] = world.diarists;
    if (diarist === undefined) throw new Error("no controller");
    const { controller } = diarist;
    diarist.write(10);
    await world.settle();
    diarist.copyDisk();
    diarist.write(20);
    await world.settle();
    diarist.toggleLink(false);
    diarist.cut(random);
    diarist.write(25);
    diarist.toggleLink(true);
    // Of before the cut, and of a site that told no hashes.
    const { messageKey } = keysOf(controller);
    const ack = { journal: diarist.database.journal, number: 30 };
    diarist.publisher.takeAck(sealEventAck({ site, controller, messageKey }, ack));
    for (let minute = 0; minute < 10; minute += 1) {
      await world.settle();
      world.clock.advance(60_000);
    }
    t.equal(diarist.begunAnewCount, 1);
    t.equal(faultOf(world.events.store, diarist), undefined);
    t.equal(world.events.store.query({ controller, limit: 99 }).length, 55);
  },
);

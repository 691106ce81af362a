import t, { type Test } from "tap";
import { Seeded } from "../../../hal/sim/seeded.ts";
import { temporaryFolder } from "./journal-records.ts";
import { openStage, type SyncStage } from "./sync-stage.ts";
import { SignedTables, type SiteMessage } from "./tables.ts";

// Each seed is a real journal with a thread of its own, on a machine that may be busy.
t.setTimeout(180_000);

const moveCount = 120;

/** What befalls a controller whose broker belongs to somebody who keeps all that he hears. */
class Weather {
  stage: SyncStage;
  readonly #seeded: Seeded;
  readonly #heard: SiteMessage[] = [];

  constructor(stage: SyncStage, seeded: Seeded) {
    this.stage = stage;
    this.#seeded = seeded;
  }

  async move(): Promise<void> {
    const { stage } = this;
    const seeded = this.#seeded;
    const chance = () => seeded.between(0, 40) / 100;
    const moves = [
      () => stage.up(),
      () => stage.up(),
      () => stage.broker.down(),
      () => this.#say(stage.tables.change()),
      () => {
        for (let count = seeded.between(1, 30); count > 0; count -= 1) {
          this.#say(stage.tables.change());
        }
      },
      () => {
        stage.tables.jump();
        this.#say(stage.tables.head());
      },
      () => this.#say(stage.tables.manifest()),
      () => this.#say(stage.tables.rotate()),
      () => stage.broker.settle(),
      () => this.#replay(),
      () => this.#forge(),
      () => {
        stage.store.isFull = seeded.chance(0.3);
      },
      () => {
        stage.isAnswering = seeded.chance(0.7);
      },
      () => stage.broker.setWeather({ lost: chance(), doubled: chance(), late: chance() }),
    ] as const;
    seeded.pick(moves)();
    if (seeded.chance(0.6)) await stage.quiet();
    stage.clock.advance(seeded.between(0, 5_000));
  }

  #say(message: SiteMessage): void {
    this.#heard.push(message);
    this.stage.say(message);
  }

  #replay(): void {
    for (let count = this.#seeded.between(1, 20); count > 0; count -= 1) {
      const at = this.#seeded.between(0, this.#heard.length - 1);
      const message = this.#heard[at];
      if (message !== undefined) this.stage.say(message);
    }
  }

  #forge(): void {
    const message = this.#heard[this.#seeded.between(0, this.#heard.length - 1)];
    if (message === undefined) return;
    const forged = Buffer.from(message.message);
    const at = this.#seeded.between(0, forged.length - 1);
    forged.writeUInt8(forged.readUInt8(at) ^ (1 << this.#seeded.between(0, 7)), at);
    this.stage.say({ topic: message.topic, message: forged });
  }
}

async function live(t: Test, seed: number): Promise<void> {
  const seeded = new Seeded(seed);
  const folder = temporaryFolder(t);
  const tables = new SignedTables();
  const weather = new Weather(await openStage(t, { seed, folder, tables }), seeded);
  for (let move = 0; move < moveCount; move += 1) {
    await weather.move();
    t.same(weather.stage.faults, [], `move ${move}, POSTERN_SEED=${seed}`);
    if (!seeded.chance(0.03)) continue;
    await weather.stage.end();
    weather.stage = await openStage(t, { seed: seed + move, folder, tables });
  }
  const { stage } = weather;
  stage.broker.setWeather({ lost: 0, doubled: 0, late: 0 });
  stage.store.isFull = false;
  stage.isAnswering = true;
  stage.broker.down();
  stage.up();
  t.comment(`POSTERN_SEED=${seed} replays what follows`);
  await stage.untilThere();
  t.same(stage.faults, [], `POSTERN_SEED=${seed}`);
  t.equal(stage.troubles.active().includes("table_not_stored"), false, `POSTERN_SEED=${seed}`);
}

t.test(
  "in any weather what is in force was signed, never goes back, and ends where the site is",
  async (t) => {
    const given = process.env["POSTERN_SEED"];
    const seeds = given === undefined ? [1, 2, 3, 4, Date.now() % 2 ** 31] : [Number(given)];
    for (const seed of seeds) await live(t, seed);
  },
);

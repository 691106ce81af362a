import type { Measurement } from "./measurement.ts";
import { Readings } from "./readings.ts";
import { measureTransfer } from "./sync/measure-transfer.ts";
import { type BenchBroker, openBroker } from "./sync/open-broker.ts";
import type { SiteSize } from "./sync/site-text.ts";
import { SiteWorld } from "./sync/site-world.ts";
import { WireTap } from "./sync/wire-tap.ts";

export const name = "sync";

interface Scale extends SiteSize {
  /** Changes of a pass with every door, and as many of passes with one door. */
  readonly changeCount: number;
  /** Changes of a pass with every door before those: to processes that have compiled nothing yet. */
  readonly coldCount: number;
}

const fullScales: readonly Scale[] = [
  { controllerCount: 1, everywhereCount: 1_000, changeCount: 20, coldCount: 5 },
  { controllerCount: 100, everywhereCount: 1_000, changeCount: 15, coldCount: 5 },
  { controllerCount: 1_000, everywhereCount: 1_000, changeCount: 15, coldCount: 5 },
];
const smokeScales: readonly Scale[] = [
  { controllerCount: 1, everywhereCount: 20, changeCount: 1, coldCount: 1 },
  { controllerCount: 20, everywhereCount: 20, changeCount: 1, coldCount: 1 },
];
const fullTransfer = { passCount: 1_000_000, times: 5, restMs: 5_000 };
const smokeTransfer = { passCount: 20_000, times: 1, restMs: 0 };

/**
 * From a change at the site to the decision by it at a door, through the site's own service, a real
 * broker, and each controller's own store and sync client.
 */
export async function run({ smoke }: { readonly smoke: boolean }): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const scale of smoke ? smokeScales : fullScales) {
    measurements.push(...(await atBroker((broker) => measureChanges(broker, scale))));
  }
  const transfer = smoke ? smokeTransfer : fullTransfer;
  const transferred = await atBroker(({ url }) => measureTransfer(url, transfer));
  const { imageBytes, madeMs, wholeMs, peakBytes } = transferred;
  const what = `snapshot of ${transfer.passCount} passes`;
  return [
    ...measurements,
    measurement(`${what}, with the image being made`, madeMs, "ms"),
    measurement(`${what}, the whole way p50`, wholeMs.percentile(0.5), "ms"),
    measurement(`${what}, the whole way max`, wholeMs.max(), "ms"),
    measurement(`${what}, the whole way`, imageBytes / 1e3 / wholeMs.percentile(0.5), "MB/s"),
    measurement(`${what}, peak RSS of the controller`, peakBytes / 2 ** 20, "MiB"),
  ];
}

async function atBroker<Value>(measure: (broker: BenchBroker) => Promise<Value>): Promise<Value> {
  const broker = await openBroker();
  try {
    return await measure(broker);
  } finally {
    await broker.end();
  }
}

async function measureChanges(broker: BenchBroker, scale: Scale): Promise<readonly Measurement[]> {
  const { controllerCount, everywhereCount, changeCount, coldCount } = scale;
  say(`${controllerCount} controllers at ${broker.kind}`);
  const world = await SiteWorld.open(broker.url, scale);
  try {
    const everyDoor = Array.from({ length: controllerCount }, (_, door) => door);
    const cold = new ChangeReadings();
    for (let change = 0; change < coldCount; change += 1) {
      cold.add(await world.replaceCard(change % everywhereCount, everyDoor));
    }
    const everywhere = new ChangeReadings();
    const oneDoor = new ChangeReadings();
    for (let change = 0; change < changeCount; change += 1) {
      const door = change % controllerCount;
      everywhere.add(await world.replaceCard(change % everywhereCount, everyDoor));
      oneDoor.add(await world.replaceCard(everywhereCount + door, [door]));
    }
    const where = `${controllerCount} controllers`;
    return [
      measurement(`first tables of ${where}`, world.firstTablesMs, "ms"),
      ...cold.measurements(`first ${coldCount} of every door, ${where}`),
      ...everywhere.measurements(`pass of every door, ${where}`),
      ...oneDoor.measurements(`pass of one door, ${where}`),
      ...(controllerCount === 1 ? await measureWire(broker, world) : []),
    ];
  } finally {
    await world.close();
  }
}

class ChangeReadings {
  readonly #decidedMs = new Readings();
  readonly #publishedMs = new Readings();
  readonly #publishedCpuMs = new Readings();
  readonly #unheardCounts = new Readings();

  add({ decidedMs, published }: Awaited<ReturnType<SiteWorld["replaceCard"]>>): void {
    for (const ms of decidedMs) this.#decidedMs.add(ms);
    this.#publishedMs.add(published.lastMs);
    this.#publishedCpuMs.add(published.cpuMs);
    this.#unheardCounts.add(published.unheardCount);
  }

  measurements(what: string): readonly Measurement[] {
    return [
      measurement(`change to decision p50, ${what}`, this.#decidedMs.percentile(0.5), "ms"),
      measurement(`change to decision p99, ${what}`, this.#decidedMs.percentile(0.99), "ms"),
      measurement(`change to decision max, ${what}`, this.#decidedMs.max(), "ms"),
      measurement(
        `change to last delta sent p50, ${what}`,
        this.#publishedMs.percentile(0.5),
        "ms",
      ),
      measurement(
        `the site's CPU until then p50, ${what}`,
        this.#publishedCpuMs.percentile(0.5),
        "ms",
      ),
      measurement(
        `not heard of by the site max, ${what}`,
        this.#unheardCounts.max(),
        "controllers",
      ),
    ];
  }
}

/** All that goes back and forth for one changed card pass with dates, at one controller. */
async function measureWire(broker: BenchBroker, world: SiteWorld): Promise<readonly Measurement[]> {
  const tap = await WireTap.open(broker.url);
  try {
    // After one that is not counted, for the tap was first told what is retained.
    await world.replaceCard(0, [0]);
    tap.take();
    await world.replaceCard(0, [0]);
    const packets = tap.take();
    return (["table/delta", "table/head", "table/ack", "status"] as const).map((kind) => {
      const bytes = packets.filter(({ topic }) => topic.endsWith(`/${kind}`));
      const sum = bytes.reduce((total, packet) => total + packet.bytes, 0);
      return measurement(`one changed pass on the wire, ${kind}`, sum, "bytes");
    });
  } finally {
    await tap.close();
  }
}

function measurement(what: string, value: number, unit: string): Measurement {
  return { name: what, subject: "postern", value: Math.round(value * 10) / 10, unit };
}

function say(text: string): void {
  process.stderr.write(`bench: ${name}: ${text}\n`);
}

import { createHash } from "node:crypto";
import type { Test } from "tap";
import type { BleEvent, BlePeripheral } from "../../hal/ble.ts";
import type { BleCentral, CentralLink } from "../../hal/ble-central.ts";
import type { Clock } from "../../hal/clock.ts";
import { HalError } from "../../src/domain/hal-error.ts";
import { monotonicMs } from "../../src/domain/time.ts";

/** A reader's radio and a phone's, in range of each other. Opened once for the suite. */
export interface BleWorld {
  readonly peripheral: BlePeripheral;
  readonly central: BleCentral;
  /** On which both run. */
  readonly clock: Clock;
  /** The driver dies, and comes back by itself. */
  killDriver(): void;
  close(): Promise<void>;
}

export interface BleConformanceOptions {
  /** Of phones that come and go, one after the other. */
  readonly loopCount: number;
  /** How long a silent reader is listened for. */
  readonly silenceMs: number;
}

type Of<Kind extends BleEvent["kind"]> = Extract<BleEvent, { readonly kind: Kind }>;

/** What the peripheral has told and nobody has taken yet. */
class Heard {
  #events: BleEvent[] = [];
  #wake: () => void = () => undefined;

  constructor(peripheral: BlePeripheral) {
    peripheral.listen((event) => {
      this.#events.push(event);
      this.#wake();
    });
  }

  /** The next of a kind that fits; what came before is thrown away. */
  async next<Kind extends BleEvent["kind"]>(
    kind: Kind,
    fits: (event: Of<Kind>) => boolean = () => true,
  ): Promise<Of<Kind>> {
    for (;;) {
      for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
        if (isOf(event, kind) && fits(event)) return event;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Takes what is there. */
  kinds(): readonly string[] {
    const kinds = this.#events.map(({ kind }) => kind).filter((kind) => kind !== "heard");
    this.#events = [];
    return kinds;
  }
}

function isOf<Kind extends BleEvent["kind"]>(event: BleEvent, kind: Kind): event is Of<Kind> {
  return event.kind === kind;
}

const bytesOf = (seed: string, count: number): Uint8Array =>
  Uint8Array.from(
    Buffer.concat(
      Array.from({ length: Math.ceil(count / 32) }, (_, index) =>
        createHash("sha256").update(`${seed} ${index}`).digest(),
      ),
    ).subarray(0, count),
  );

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** What every reader's radio does, whatever it is made of. */
export function bleConformance(
  t: Test,
  open: () => Promise<BleWorld>,
  { loopCount, silenceMs }: BleConformanceOptions,
): void {
  let world: BleWorld;
  let heard: Heard;

  const connect = async (): Promise<CentralLink> => {
    const [reader] = await world.central.scan({ forMs: 20_000, isEnough: () => true });
    if (reader === undefined) throw new Error("no reader was heard");
    return await world.central.connect(reader, 10_000);
  };
  const leave = async (phone: CentralLink) => {
    phone.disconnect();
    await phone.gone;
    await heard.next("disconnected");
  };
  const frames = (phone: CentralLink) => {
    const got: string[] = [];
    let wake: () => void = () => undefined;
    const subscribed = phone.subscribe((frame) => {
      got.push(hex(frame));
      wake();
    });
    const until = async (count: number) => {
      while (got.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return got;
    };
    return { subscribed, until, got };
  };

  t.test("a radio tells its state when somebody listens, and comes up by itself", async (t) => {
    world = await open();
    heard = new Heard(world.peripheral);
    const first = await heard.next("health");
    t.ok(["starting", "up"].includes(first.health.state));
    if (first.health.state !== "up") {
      await heard.next("health", ({ health }) => health.state === "up");
    }
    t.match(world.peripheral.health(), { state: "up", connectionCount: 0, restartCount: 0 });
    t.equal(world.peripheral.health().reason, undefined);
  });

  t.test("a phone that connects has an address, and is the only one", async (t) => {
    const phone = await connect();
    const { link, address } = await heard.next("connected");
    t.match(address, /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
    t.equal(world.peripheral.health().connectionCount, 1);
    t.equal(world.peripheral.health().state, "up");
    t.same(await world.central.scan({ forMs: silenceMs }), [], "no other phone sees the reader");
    await leave(phone);
    const next = await connect();
    t.not((await heard.next("connected")).link, link, "a link is not used again");
    await leave(next);
  });

  t.test("a hello that is asked for before it is there is waited for", async (t) => {
    const phone = await connect();
    const { link } = await heard.next("connected");
    const hello = bytesOf("hello", 512);
    const asked = phone.readHello();
    await new Promise((resolve) => setImmediate(resolve));
    world.peripheral.offerHello(link, hello);
    t.equal(hex(await asked), hex(hello), "512 bytes, by as many reads as it takes");
    await leave(phone);
  });

  t.test("a phone never reads what was meant for the one before", async (t) => {
    const one = await connect();
    const first = await heard.next("connected");
    world.peripheral.offerHello(first.link, bytesOf("one", 300));
    t.equal(hex(await one.readHello()), hex(bytesOf("one", 300)));
    await leave(one);
    const other = await connect();
    const second = await heard.next("connected");
    world.peripheral.offerHello(first.link, bytesOf("late", 300));
    world.peripheral.disconnect(first.link);
    const asked = other.readHello();
    world.peripheral.offerHello(second.link, bytesOf("two", 300));
    t.equal(hex(await asked), hex(bytesOf("two", 300)));
    await leave(other);
  });

  t.test("what a phone writes arrives whole and in order", async (t) => {
    const phone = await connect();
    const { link } = await heard.next("connected");
    const written = [1, 19, 20, phone.frameBytesMax].map((count) => bytesOf(`w${count}`, count));
    for (const frame of written) {
      await phone.write(frame);
      const event = await heard.next("written");
      t.equal(event.link, link);
      t.equal(hex(event.bytes), hex(frame));
    }
    await leave(phone);
  });

  t.test("a phone that listens gets whole frames, in order", async (t) => {
    const phone = await connect();
    const { link } = await heard.next("connected");
    world.peripheral.notify(link, bytesOf("to nobody", 5));
    const { subscribed, until } = frames(phone);
    const event = await heard.next("subscribed");
    await subscribed;
    t.equal(event.link, link);
    t.equal(event.frameBytesMax, phone.frameBytesMax);
    t.ok(event.frameBytesMax >= 20 && event.frameBytesMax <= 509);
    const sent = [1, 20, 7, event.frameBytesMax, event.frameBytesMax, 3].map((count, index) =>
      bytesOf(`n${index}`, count),
    );
    for (const frame of sent) world.peripheral.notify(link, frame);
    t.same(await until(sent.length), sent.map(hex));
    await leave(phone);
  });

  t.test("a reader that hangs up has said its last word", async (t) => {
    const phone = await connect();
    const { link } = await heard.next("connected");
    const { subscribed, until } = frames(phone);
    await heard.next("subscribed");
    await subscribed;
    world.peripheral.notify(link, bytesOf("last", 20));
    world.peripheral.disconnect(link);
    world.peripheral.disconnect(link);
    t.same(await until(1), [hex(bytesOf("last", 20))]);
    await phone.gone;
    t.equal((await heard.next("disconnected")).link, link);
    world.peripheral.notify(link, bytesOf("too late", 5));
    await t.rejects(phone.write(bytesOf("too late", 5)), HalError);
    t.same(heard.kinds(), [], "nothing is told of a link that has ended");
  });

  t.test("a reader that is to be silent is not seen until it is to be seen", async (t) => {
    world.peripheral.setAdvertising("off");
    await heard.next("health", ({ health }) => health.state === "silent");
    // What is already on its way to the adapter is not asked about.
    await elapse(world.clock, 500);
    t.same(await world.central.scan({ forMs: silenceMs }), []);
    world.peripheral.setAdvertising("on");
    await heard.next("health", ({ health }) => health.state === "up");
    await leave(await connect());
  });

  t.test("a phone in the middle of it is told of when the driver dies", async (t) => {
    const phone = await connect();
    const { link } = await heard.next("connected");
    const { restartCount } = world.peripheral.health();
    world.killDriver();
    t.equal((await heard.next("disconnected")).link, link);
    const down = await heard.next("health", ({ health }) => health.state === "down");
    t.match(down.health.reason, /^[a-z_]+$/);
    world.peripheral.notify(link, bytesOf("to nobody", 5));
    await heard.next("health", ({ health }) => health.state === "up");
    t.equal(world.peripheral.health().restartCount, restartCount + 1);
    // A phone whose reader dies hears of it when the supervision time is over.
    phone.disconnect();
    await phone.gone;
    await leave(await connect());
  });

  t.test(`the reader is seen again after each of ${loopCount} phones`, async (t) => {
    const before = world.peripheral.health();
    for (let count = 0; count < loopCount; count += 1) {
      const phone = await connect();
      const { link } = await heard.next("connected");
      const hello = bytesOf(`hello ${count}`, 1 + ((count * 37) % 512));
      world.peripheral.offerHello(link, hello);
      if (hex(await phone.readHello()) !== hex(hello)) t.fail(`hello ${count}`);
      if (count % 2 === 0) phone.disconnect();
      else world.peripheral.disconnect(link);
      await phone.gone;
      await heard.next("disconnected");
    }
    const after = world.peripheral.health();
    t.equal(after.connectionCount - before.connectionCount, loopCount);
    t.equal(after.restartCount, before.restartCount);
    t.equal(after.state, "up");
  });

  t.test("a radio that is closed tells nothing", async (t) => {
    const phone = await connect();
    await heard.next("connected");
    heard.kinds();
    world.peripheral.close();
    world.peripheral.close();
    world.peripheral.setAdvertising("off");
    phone.disconnect();
    await phone.gone;
    await elapse(world.clock, 50);
    t.same(heard.kinds(), []);
    await world.close();
  });
}

function elapse(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.alarm(monotonicMs(clock.monotonic() + ms), resolve);
  });
}

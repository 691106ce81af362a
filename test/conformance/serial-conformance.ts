import type { Test } from "tap";
import { type Serial, type SerialPort, serialQueuedBytesMax } from "../../hal/serial.ts";
import { HalError } from "../../src/domain/hal-error.ts";

/** A port with something at the far end of its wire, so that a test can be that. One for each test. */
export interface SerialRig {
  readonly serial: Serial;
  /** Nothing is plugged in there at first. */
  readonly port: string;
  plug(): Promise<void>;
  unplug(): Promise<void>;
  /** The device at the far end sends. */
  send(bytes: Uint8Array): Promise<void>;
  /** All that has come at the far end so far. */
  received(): Uint8Array;
  /** The clock that stamps, in nanoseconds. */
  nowNs(): number;
  /** Resolves when `isSo` holds; fails the test where it takes too long. */
  until(what: string, isSo: () => boolean): Promise<void>;
  close(): Promise<void>;
}

const kindOf = async (action: () => Promise<unknown>): Promise<string> => {
  try {
    await action();
  } catch (error) {
    return error instanceof HalError ? error.kind : `not a HalError: ${String(error)}`;
  }
  return "did not throw";
};

const settings = { speed: 9_600, direction: "none" } as const;
/** All bytes there are: a terminal that is not raw would eat or change some. */
const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** What `hal/serial.ts` promises, of any implementation. */
export function serialConformance(t: Test, makeRig: (t: Test) => Promise<SerialRig>): void {
  const withRig = (name: string, run: (t: Test, rig: SerialRig) => Promise<void>) =>
    t.test(name, async (t) => {
      const rig = await makeRig(t);
      t.teardown(() => rig.close());
      await run(t, rig);
    });
  const opened = async (rig: SerialRig): Promise<SerialPort> => {
    const port = rig.serial.open({ ...settings, port: rig.port });
    await rig.until("the port is open", () => port.state() === "open");
    return port;
  };

  withRig("every byte goes out and comes in as it is", async (t, rig) => {
    await rig.plug();
    const port = await opened(rig);
    const came: number[] = [];
    const stamps: number[] = [];
    port.listen((bytes, at) => {
      came.push(...bytes);
      stamps.push(at);
    });
    const before = rig.nowNs();
    await port.write(everyByte);
    await rig.until("the far end has them", () => rig.received().length >= 256);
    t.same([...rig.received()], [...everyByte]);
    await rig.send(everyByte);
    await rig.until("they have come", () => came.length >= 256);
    t.same(came, [...everyByte]);
    const after = rig.nowNs();
    t.ok(
      stamps.every((at) => at >= before && at <= after),
      "stamped on the clock of deadlines",
    );
    await port.close();
  });

  withRig("writes go out in the order they were asked for, as they were then", async (t, rig) => {
    await rig.plug();
    const port = await opened(rig);
    const bytes = Uint8Array.of(0);
    const writes: Promise<void>[] = [];
    for (let count = 0; count < 50; count += 1) {
      bytes[0] = count;
      writes.push(port.write(bytes));
    }
    await Promise.all(writes);
    await rig.until("the far end has them", () => rig.received().length >= 50);
    t.same(
      [...rig.received()],
      Array.from({ length: 50 }, (_, count) => count),
    );
    await port.close();
  });

  withRig("a port that is not there opens as lost, and opens when it is", async (t, rig) => {
    const port = rig.serial.open({ ...settings, port: rig.port });
    const states: string[] = [];
    port.watch((state) => states.push(state));
    t.equal(port.state(), "lost");
    t.equal(await kindOf(() => port.write(everyByte)), "disconnected");
    await rig.plug();
    await rig.until("the port is open", () => port.state() === "open");
    await port.write(Uint8Array.of(7));
    await rig.until("the far end has it", () => rig.received().length >= 1);
    t.same([...rig.received()], [7], "and nothing from before");
    t.same(states, ["open"]);
    await port.close();
  });

  withRig("a port that is unplugged is lost, and open when it is plugged in", async (t, rig) => {
    await rig.plug();
    const port = await opened(rig);
    const states: string[] = [];
    const came: number[] = [];
    port.watch((state) => states.push(state));
    port.listen((bytes) => came.push(...bytes));
    for (let round = 0; round < 3; round += 1) {
      await rig.unplug();
      await rig.until("the port is lost", () => port.state() === "lost");
      t.equal(await kindOf(() => port.write(everyByte)), "disconnected");
      await rig.plug();
      await rig.until("the port is open", () => port.state() === "open");
      await rig.send(Uint8Array.of(round));
      await rig.until("it has come", () => came.length > round);
    }
    t.same(came, [0, 1, 2]);
    t.same(states, ["lost", "open", "lost", "open", "lost", "open"]);
    await port.close();
  });

  withRig("what nobody could send in a minute is refused, and the rest is sent", async (t, rig) => {
    await rig.plug();
    const port = await opened(rig);
    const most = new Uint8Array(serialQueuedBytesMax);
    const first = port.write(most.subarray(0, 1));
    const outcomes = await Promise.all([first, kindOf(() => port.write(most))]);
    t.equal(outcomes[1], "io");
    await port.write(Uint8Array.of(2));
    await rig.until("the far end has them", () => rig.received().length >= 2);
    t.same([...rig.received()], [0, 2]);
    for (let round = 0; round < 5; round += 1) await port.write(most.subarray(0, 20_000));
    await rig.until("the far end has all", () => rig.received().length >= 100_002);
    await port.close();
  });

  withRig("a port that was closed tells and sends nothing, and twice is once", async (t, rig) => {
    await rig.plug();
    const port = await opened(rig);
    const states: string[] = [];
    port.watch((state) => states.push(state));
    await port.close();
    await port.close();
    t.equal(port.state(), "lost");
    t.equal(await kindOf(() => port.write(everyByte)), "disconnected");
    await rig.unplug();
    t.same(states, []);
    t.same([...rig.received()], []);
    await rig.plug();
    const again = await opened(rig);
    await again.write(Uint8Array.of(1));
    await rig.until("the far end has it", () => rig.received().length >= 1);
    await again.close();
  });

  withRig("one that is closed before it is there never opens", async (t, rig) => {
    const port = rig.serial.open({ ...settings, port: rig.port });
    const states: string[] = [];
    port.watch((state) => states.push(state));
    const closed = port.close();
    await rig.plug();
    await closed;
    const other = await opened(rig);
    t.equal(port.state(), "lost");
    await other.close();
    const third = rig.serial.open({ ...settings, port: rig.port });
    third.watch((state) => states.push(state));
    await third.close();
    t.equal(third.state(), "lost");
    t.same(states, []);
  });

  withRig("what can never be a port is refused", async (t, rig) => {
    const speed = 9_601 as 9_600;
    const open = (port: string, wanted = settings.speed) => {
      return kindOf(async () => rig.serial.open({ ...settings, port, speed: wanted }));
    };
    t.equal(await open("ttyS0"), "not_supported");
    t.equal(await open(rig.port, speed), "not_supported");
  });
}

import t from "tap";
import type { GattStack, GattStackListener } from "../../../../../hal/linux/ble/gatt-stack.ts";
import type { FromDriver, RadioFailure } from "../../../../../hal/linux/ble/radio-messages.ts";
import { RadioServer } from "../../../../../hal/linux/ble/radio-server.ts";
import { SimClock } from "../../../../../hal/sim/sim-clock.ts";

/** A library that does what it is told when a test says so, and an adapter with a truth of its own. */
class FakeStack implements GattStack {
  listener: GattStackListener | undefined;
  readonly asked: string[] = [];
  isAnswering = true;
  /** Whether a phone in range would see the reader. */
  isSeen = false;
  refusals = 0;

  advertise(): void {
    this.asked.push("advertise");
    if (!this.isAnswering) return;
    if (this.refusals > 0) {
      this.refusals -= 1;
      return this.listener?.advertising("refused");
    }
    this.isSeen = true;
    this.listener?.advertising("started");
  }

  silence(): void {
    this.asked.push("silence");
    if (!this.isAnswering) return;
    this.isSeen = false;
    this.listener?.advertising("stopped");
  }

  disconnect(): void {
    this.asked.push("disconnect");
    if (this.isAnswering) this.listener?.disconnected();
  }

  askRssi(): void {
    this.asked.push("rssi");
  }

  connect(): void {
    // An adapter that somebody has connected to is not seen any more.
    this.isSeen = false;
    this.listener?.connected("AA:00:00:00:00:01");
  }

  subscribe(): string[] {
    const got: string[] = [];
    this.listener?.subscribed(20, (frame) => got.push(Buffer.from(frame).toString()));
    return got;
  }
}

async function openServer(options: { readonly wanted?: "on" | "off" } = {}) {
  const clock = new SimClock();
  const stack = new FakeStack();
  const said: FromDriver[] = [];
  const failures: RadioFailure[] = [];
  const server = new RadioServer({
    clock,
    send: (message) => said.push(message),
    fail: (reason) => failures.push(reason),
  });
  await server.open(async (listener) => {
    stack.listener = listener;
    return stack;
  });
  stack.listener?.powered();
  server.take({ kind: "advertise", wanted: options.wanted ?? "on" });
  const kinds = () => said.splice(0).map(({ kind }) => kind);
  return { clock, stack, said, failures, server, kinds };
}

t.test("an adapter that answers makes the reader seen, once it is to be", async (t) => {
  const { stack, server, kinds } = await openServer({ wanted: "off" });
  t.same(kinds(), ["powered", "silent"]);
  t.notOk(stack.isSeen);
  server.take({ kind: "advertise", wanted: "on" });
  t.ok(stack.isSeen);
  t.same(kinds(), ["advertising"]);
  server.take({ kind: "advertise", wanted: "off" });
  t.notOk(stack.isSeen);
  t.same(kinds(), ["silent"]);
});

t.test("while a phone is there no other sees the reader, and then all do", async (t) => {
  const { stack, kinds } = await openServer();
  stack.connect();
  t.notOk(stack.isSeen);
  t.equal(stack.asked.at(-2), "silence", "a library that would serve two is told not to");
  stack.listener?.disconnected();
  t.ok(stack.isSeen);
  t.same(kinds(), ["powered", "advertising", "connected", "disconnected"]);
});

t.test("a phone that is gone before the adapter has answered costs nothing", async (t) => {
  const { stack, clock, failures } = await openServer();
  stack.isAnswering = false;
  stack.connect();
  stack.listener?.disconnected();
  stack.isAnswering = true;
  t.notOk(stack.isSeen);
  stack.listener?.advertising("stopped");
  t.ok(stack.isSeen);
  clock.advance(60_000);
  t.same(failures, []);
});

t.test("an adapter that forgets what it was told is told again within half a minute", async (t) => {
  const { stack, clock, failures } = await openServer();
  stack.isSeen = false;
  clock.advance(20_000);
  t.ok(stack.isSeen);
  t.same(failures, []);
});

t.test("an adapter that does not answer any more is missed within half a minute", async (t) => {
  const { stack, clock, failures } = await openServer();
  stack.isAnswering = false;
  clock.advance(23_000);
  t.same(failures, ["adapter_hangs"]);
});

t.test("an adapter that never answers at all is missed in three seconds", async (t) => {
  const clock = new SimClock();
  const failures: RadioFailure[] = [];
  const server = new RadioServer({ clock, send: () => {}, fail: (why) => failures.push(why) });
  await server.open(async () => new FakeStack());
  clock.advance(2_999);
  t.same(failures, []);
  clock.advance(1);
  t.same(failures, ["adapter_hangs"]);
});

t.test("an adapter that refuses to be seen is asked five times more", async (t) => {
  const patient = await openServer({ wanted: "off" });
  patient.stack.refusals = 5;
  patient.server.take({ kind: "advertise", wanted: "on" });
  patient.clock.advance(2_000);
  t.ok(patient.stack.isSeen);
  t.same(patient.failures, []);
  const { stack, server, clock, failures } = await openServer({ wanted: "off" });
  stack.refusals = 6;
  server.take({ kind: "advertise", wanted: "on" });
  clock.advance(2_000);
  t.same(failures, ["advertising_refused"]);
});

t.test("what cannot be loaded says why, by the system's own code", async (t) => {
  for (const [code, reason] of [
    ["EAFNOSUPPORT", "not_supported"],
    ["EPERM", "not_permitted"],
    ["EBUSY", "adapter_busy"],
    ["ENODEV", "no_adapter"],
    ["MODULE_NOT_FOUND", "driver_missing"],
    ["EWHATEVER", "driver_failed"],
  ] as const) {
    const failures: RadioFailure[] = [];
    const server = new RadioServer({
      clock: new SimClock(),
      send: () => {},
      fail: (why) => failures.push(why),
    });
    await server.open(() => Promise.reject(Object.assign(new Error("no"), { code })));
    t.same(failures, [reason]);
  }
});

t.test("a reader that hangs up lets its last frame out first", async (t) => {
  const { stack, server, clock } = await openServer();
  stack.connect();
  const got = stack.subscribe();
  server.take({ kind: "notify", link: 1, bytes: Buffer.from("bye") });
  server.take({ kind: "disconnect", link: 1 });
  clock.advance(149);
  t.notOk(stack.asked.includes("disconnect"));
  clock.advance(1);
  t.ok(stack.asked.includes("disconnect"));
  t.same(got, ["bye"]);
});

t.test("a reader that has said nothing lately hangs up at once", async (t) => {
  const { stack, server, clock } = await openServer();
  stack.connect();
  stack.subscribe();
  server.take({ kind: "notify", link: 1, bytes: Buffer.from("bye") });
  clock.advance(150);
  server.take({ kind: "disconnect", link: 1 });
  t.equal(stack.asked.at(-2), "disconnect", "and is seen again");
});

t.test("nobody has a reader for longer than fifteen seconds", async (t) => {
  const { stack, clock, kinds } = await openServer();
  stack.connect();
  clock.advance(14_999);
  t.notOk(kinds().includes("disconnected"));
  clock.advance(1);
  t.same(kinds(), ["disconnected"]);
  t.ok(stack.isSeen);
});

t.test("what is meant for a phone that has gone reaches no other", async (t) => {
  const { stack, server } = await openServer();
  stack.connect();
  stack.listener?.disconnected();
  stack.connect();
  const got = stack.subscribe();
  const read: string[] = [];
  stack.listener?.read(0, (value) => read.push(Buffer.from(value).toString()));
  server.take({ kind: "hello", link: 1, bytes: Buffer.from("old") });
  server.take({ kind: "notify", link: 1, bytes: Buffer.from("old") });
  server.take({ kind: "disconnect", link: 1 });
  t.same([got, read, stack.asked.includes("disconnect")], [[], [], false]);
  server.take({ kind: "hello", link: 2, bytes: Buffer.from("new") });
  server.take({ kind: "notify", link: 2, bytes: Buffer.from("new") });
  t.same([got, read], [["new"], ["new"]]);
});

t.test("a hello is read from any offset within it, and from none beyond", async (t) => {
  const { stack, server } = await openServer();
  stack.connect();
  server.take({ kind: "hello", link: 1, bytes: Buffer.from("hello") });
  const read = (offset: number) => {
    let got = "not answered";
    stack.listener?.read(offset, (value) => {
      got = typeof value === "string" ? value : Buffer.from(value).toString();
    });
    return got;
  };
  t.same([0, 2, 5, 6].map(read), ["hello", "llo", "", "invalid_offset"]);
});

t.test("how strongly a phone is heard is told where it is known", async (t) => {
  const { stack, said } = await openServer();
  stack.listener?.heard(-40);
  stack.connect();
  for (const rssi of [-60, 127, Number.NaN]) stack.listener?.heard(rssi);
  t.same(
    said.filter(({ kind }) => kind === "heard"),
    [{ kind: "heard", link: 1, rssi: -60 }],
  );
});

t.test("a phone that makes the library throw again and again in one breath ends it", async (t) => {
  const { stack, server, failures } = await openServer();
  stack.isAnswering = false;
  stack.connect();
  for (let count = 0; count < 3; count += 1) server.threw(new RangeError("short"));
  t.same(failures, []);
  server.threw(new RangeError("short"));
  t.same(failures, ["driver_failed"]);
});

import { randomBytes } from "node:crypto";
import t from "tap";
import { type MonotonicMs, monotonicMs } from "../../../../src/domain/time.ts";
import type { PhoneOutcome } from "../../../../src/protocols/mobile-pass/phone-session.ts";
import {
  type PhoneLink,
  type PhoneProgress,
  runPhone,
} from "../../../../src/protocols/mobile-pass/run-phone.ts";
import { at, feedReader, helloOf, phoneFor, premises, readerEnd, wall } from "./meeting.ts";

const place = premises();
const phone = phoneFor(place);

/** A clock that stands until the test has it go off. */
function stoppedClock() {
  let now: MonotonicMs = at;
  let due: { readonly at: MonotonicMs; readonly call: () => void } | undefined;
  return {
    monotonic: () => now,
    wall: () => ({ at: wall, quality: "trusted" as const }),
    alarm: (alarmAt: MonotonicMs, call: () => void) => {
      due = { at: alarmAt, call };
      return { cancel: () => (due = undefined) };
    },
    isArmed: () => due !== undefined,
    goOff: () => {
      now = due?.at ?? now;
      due?.call();
    },
  };
}

const never = new Promise<never>(() => {});

/** A link to a real reader's machine, of which a test may replace any part. */
function paperLink(parts: Partial<PhoneLink> = {}) {
  const hello = helloOf(place);
  const reader = readerEnd(place, { hello });
  const calls: string[] = [];
  let listener: (frame: Uint8Array) => void = () => {};
  const link: PhoneLink = {
    frameBytesMax: 20,
    readHello: async () => {
      calls.push("hello");
      return hello.bytes;
    },
    subscribe: async (given) => {
      calls.push("subscribe");
      listener = given;
    },
    write: async (bytes) => {
      calls.push("write");
      for (const effect of feedReader(reader, { kind: "written", bytes })) {
        if (effect.kind !== "judge") continue;
        for (const said of feedReader(reader, { kind: "answered", outcome: "granted" })) {
          if (said.kind === "notify") listener(said.frame);
        }
      }
    },
    gone: never,
    disconnect: () => {
      calls.push("disconnect");
    },
    ...parts,
  };
  return { link, calls };
}

function start(link: PhoneLink, clock = stoppedClock()) {
  const progress: PhoneProgress[] = [];
  const outcome = runPhone({
    link,
    phone,
    action: "present",
    entropy: (count) => randomBytes(count),
    clock,
    onProgress: (one) => progress.push(one),
  });
  return { outcome, progress, clock };
}

const faultOf = (outcome: PhoneOutcome): string =>
  outcome.kind === "failed" ? outcome.fault : outcome.answer;

t.test("a phone reads, listens, writes, hears and hangs up, in this order", async (t) => {
  const { link, calls } = paperLink();
  const { outcome, progress, clock } = start(link);
  t.match(await outcome, { kind: "answered", answer: "granted", form: "full" });
  const writes = Array.from({ length: 8 }, () => "write");
  t.same(calls, ["hello", "subscribe", ...writes, "disconnect"]);
  t.same(progress, [
    { kind: "reader_known", controller: "box-1", reader: "front" },
    { kind: "sent", form: "full" },
  ]);
  t.notOk(clock.isArmed(), "and leaves no timer behind");
});

t.test("a phone neither listens nor writes to a reader that it does not know", async (t) => {
  const stranger = helloOf(premises());
  const { link, calls } = paperLink({ readHello: async () => stranger.bytes });
  const { outcome, progress } = start(link);
  t.equal(faultOf(await outcome), "certificate_not_authentic");
  t.same([calls, progress], [["disconnect"], []]);
});

t.test("a link that does not answer holds the phone for 3,500 ms", async (t) => {
  const parts: readonly Partial<PhoneLink>[] = [
    { readHello: () => never },
    { subscribe: () => never },
    { write: () => never },
    { write: async () => {} },
  ];
  for (const part of parts) {
    const { link, calls } = paperLink(part);
    const { outcome, clock } = start(link);
    // Until it waits for what never comes.
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
    t.equal(clock.isArmed(), true);
    clock.goOff();
    t.equal(faultOf(await outcome), "too_late");
    t.equal(calls.at(-1), "disconnect");
    t.equal(clock.monotonic(), monotonicMs(at + 3_500));
  }
});

t.test(
  "a link that breaks at any step ends the session, and nothing more is written",
  async (t) => {
    const broken = async (): Promise<never> => {
      throw new Error("broken");
    };
    for (const part of [
      { readHello: broken },
      { subscribe: broken },
      { write: broken },
      { gone: Promise.resolve() },
      { gone: broken() },
    ]) {
      const { link, calls } = paperLink(part);
      const { outcome, progress } = start(link);
      t.equal(faultOf(await outcome), "link_lost");
      t.same(calls.slice(calls.indexOf("disconnect")), ["disconnect"]);
      t.notOk(progress.some(({ kind }) => kind === "sent"));
    }
  },
);

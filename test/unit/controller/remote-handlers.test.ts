import t from "tap";
import { remoteHandlers } from "../../../src/controller/remote-handlers.ts";
import { sameCardMs, unknownKeptMs } from "../../../src/core/enrolment.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { doorId, readerId } from "../../../src/domain/ids.ts";
import type { ControllerAnswer } from "../../../src/protocols/sync/command-answer.ts";
import type { SiteCommand } from "../../../src/protocols/sync/site-command.ts";
import { office, site, unlocks } from "./door-people.ts";
import { adaBits, bitsOf, content, front, lab, open, strangerBits } from "./door-rig.ts";

const a = "0b0e7c2a-93a4-4d0f-8f3c-1d6a3c5e7f90";
const b = "7e3f1a52-0c11-4b8e-9a55-2f4b6c8d0e13";
const forMs = 30_000;
const strangerRaw = rawFromBits(strangerBits);

type Rig = Parameters<typeof open>;

/** A whole controller on simulated lines, and the site's commands as they come out of the receiver. */
function openRemote(table: Rig[0] = content(), part: Rig[1] = {}) {
  const world = open(table, part);
  const carryOut = remoteHandlers({
    doors: world.controller,
    record: (event) => world.events.push(event),
  });
  const order = (command: SiteCommand): ControllerAnswer[] => {
    const answers: ControllerAnswer[] = [];
    carryOut(command, (answer) => answers.push(answer));
    return answers;
  };
  return {
    ...world,
    order,
    enrol: (attempt: string, reader = front.reader) =>
      order({ kind: "enrol", attempt, reader, forMs }),
    unlock: (door = front.door) => order({ kind: "unlock", attempt: a, door }),
    led: (reader: "front" | "lab" = "front") => world.sim.state().readers[reader]?.led,
    /** What was said of enrolments, in order. */
    told: () =>
      world.events.flatMap((event) =>
        event.kind === "enrolment" ? [`${event.reader} ${event.outcome} ${event.attempt}`] : [],
      ),
    decisions: () => world.events.filter(({ kind }) => kind.startsWith("access_")),
  };
}

const listening = { kind: "listening" } as const;

t.test(
  "the next card at the reader is told to the site, and the strike does not move",
  async (t) => {
    const world = openRemote();
    for (const bits of [strangerBits, adaBits]) {
      const answers = world.enrol(a);
      t.same(answers, [listening]);
      await world.tap(front.reader, bits);
      t.same(answers.at(-1), { kind: "presented", raw: rawFromBits(bits), format: "H10301" });
      t.equal(answers.length, 2);
      t.same(world.strikes(), ["secured", "secured"], "not for a card that opens the door either");
      t.same(world.decisions(), [], "and it was not judged");
      await world.clock.elapse(sameCardMs + 1);
    }
    t.same(world.told(), [
      `front began ${a}`,
      `front taken ${a}`,
      `front began ${a}`,
      `front taken ${a}`,
    ]);
    await world.tap(front.reader, adaBits);
    t.same(world.strikes(), ["released", "secured"], "the one after it is judged");
  },
);

t.test("nothing that is journalled tells a card's data", async (t) => {
  const world = openRemote();
  world.enrol(a);
  await world.tap(front.reader, strangerBits);
  await world.clock.elapse(sameCardMs + 1);
  await world.tap(front.reader, strangerBits);
  world.order({ kind: "tell_last_unknown", attempt: b, reader: front.reader });
  const text = JSON.stringify(world.events);
  for (const secret of [strangerRaw, strangerRaw.slice(3), strangerBits]) {
    t.notOk(text.includes(secret), secret);
  }
});

t.test("a card at another reader fills nothing and is judged there", async (t) => {
  const world = openRemote();
  const answers = world.enrol(a);
  await world.tap(lab.reader, strangerBits);
  t.same(answers, [listening]);
  t.match(world.decisions(), [{ kind: "access_denied", reader: "lab" }]);
  await world.tap(front.reader, strangerBits);
  t.equal(answers.length, 2);
});

t.test("two enrolments at two readers do not mix", async (t) => {
  const world = openRemote();
  const [atFront, atLab] = [world.enrol(a), world.enrol(b, lab.reader)];
  await world.tap(lab.reader, bitsOf(7));
  await world.tap(front.reader, bitsOf(8));
  t.match(atFront.at(-1), { kind: "presented", raw: rawFromBits(bitsOf(8)) });
  t.match(atLab.at(-1), { kind: "presented", raw: rawFromBits(bitsOf(7)) });
  t.same([atFront.length, atLab.length], [2, 2]);
});

t.test("a second enrolment at the same reader is refused, and the first goes on", async (t) => {
  const world = openRemote();
  const first = world.enrol(a);
  t.same(world.enrol(b), [{ kind: "refused", detail: "busy" }]);
  await world.tap(front.reader, strangerBits);
  t.match(first.at(-1), { kind: "presented" });
  t.ok(world.told().includes(`front busy ${b}`));
});

t.test("nobody presents anything: the site is told, and the reader is as before", async (t) => {
  const world = openRemote();
  const answers = world.enrol(a);
  await world.clock.elapse(forMs - 1);
  t.same(answers, [listening]);
  await world.clock.elapse(2);
  t.same(answers.at(-1), { kind: "nothing" });
  t.same(world.told(), [`front began ${a}`, `front nothing ${a}`]);
  await world.tap(front.reader, adaBits);
  t.same(world.strikes(), ["released", "secured"]);
});

t.test("an enrolment is cancelled by its attempt, and by no other", async (t) => {
  const world = openRemote();
  const answers = world.enrol(a);
  const cancel = (attempt: string) =>
    world.order({ kind: "cancel_enrolment", attempt, reader: front.reader });
  t.same(cancel(b), [{ kind: "done" }]);
  t.same(answers, [listening]);
  t.same(cancel(a), [{ kind: "done" }]);
  t.same(answers.at(-1), { kind: "refused", detail: "cancelled" });
  await world.tap(front.reader, adaBits);
  t.same(world.strikes(), ["released", "secured"]);
});

t.test(
  "the lamp blinks amber while it listens, then green for taken or red for none",
  async (t) => {
    const world = openRemote();
    await world.clock.elapse(1_000);
    const seen = async (ms: number) => {
      const lights = new Set<string | undefined>();
      for (let at = 0; at < ms; at += 50) {
        await world.clock.elapse(50);
        lights.add(world.led());
      }
      return [...lights].sort();
    };
    world.enrol(a);
    t.same(await seen(2_000), ["amber", "off"]);
    await world.tap(front.reader, strangerBits);
    t.equal(world.led(), "green");
    await world.clock.elapse(3_000);
    t.equal(world.led(), "red", "and then what the door is: nobody is let in");
    t.equal(world.led("lab"), "red", "the other reader never showed it");
    world.enrol(b);
    await world.clock.elapse(forMs + 20);
    t.same(await seen(600), ["off", "red"]);
    await world.clock.elapse(2_000);
    t.equal(world.led(), "red");
  },
);

t.test("a PIN that is being entered meanwhile is judged as any other", async (t) => {
  const world = openRemote();
  await world.type(front.reader, "246");
  const answers = world.enrol(a);
  await world.type(front.reader, "810#");
  t.same(world.strikes(), ["released", "secured"]);
  t.match(world.decisions(), [{ kind: "access_granted", pass: "ada-pin" }]);
  t.same(answers, [listening], "and is no card");
  await world.clock.elapse(6_000);
  t.match(world.led(), /amber|off/, "it goes on blinking");
  await world.tap(front.reader, strangerBits);
  t.match(answers.at(-1), { kind: "presented" });
});

t.test(
  "a card that waits for its PIN at the start waits on, and is not what is taken",
  async (t) => {
    const world = openRemote();
    await world.tap(lab.reader, adaBits);
    const answers = world.enrol(a, lab.reader);
    await world.tap(lab.reader, strangerBits);
    t.match(answers.at(-1), { kind: "presented", raw: strangerRaw });
    await world.type(lab.reader, "246810#");
    t.same(world.strikes(), ["secured", "released"]);
  },
);

t.test("nobody enrols at a reader that is tampered with, nor in an open enclosure", async (t) => {
  for (const where of [{ reader: front.reader }, {}]) {
    const tamper = { kind: "tamper", ...where } as const;
    const world = openRemote();
    const answers = world.enrol(a);
    const atLab = world.enrol(b, lab.reader);
    world.sim.setAlarm(tamper, "raised");
    await world.clock.elapse(400);
    t.same(answers.at(-1), { kind: "refused", detail: "tampered" }, "one under way ends");
    t.equal(atLab.length, "reader" in where ? 1 : 2);
    t.same(world.enrol(a), [{ kind: "refused", detail: "tampered" }]);
    await world.tap(front.reader, strangerBits);
    const told = world.order({ kind: "tell_last_unknown", attempt: a, reader: front.reader });
    t.same(told, [{ kind: "refused", detail: "tampered" }]);
    world.sim.setAlarm(tamper, "idle");
    await world.clock.elapse(400);
    t.same(world.enrol(a), [listening], "and when all is well again, it may begin");
    world.close();
  }
});

t.test("an enrolment does not outlive the process", async (t) => {
  const world = openRemote();
  const answers = world.enrol(a);
  world.close();
  const after = openRemote(content(), { clock: world.clock, disk: world.disk });
  await after.tap(front.reader, adaBits);
  t.same(after.strikes(), ["released", "secured"]);
  t.same(answers, [listening]);
});

t.test("a reader in lockdown enrols, and lets nobody in by it", async (t) => {
  const world = openRemote();
  world.controller.override(front.door, { posture: "lockdown", until: "cleared" });
  const answers = world.enrol(a);
  await world.tap(front.reader, adaBits);
  t.match(answers.at(-1), { kind: "presented" });
  t.same(world.strikes(), ["secured", "secured"]);
});

t.test("what a reader declined last because nobody knows it is told for 15 minutes", async (t) => {
  const world = openRemote();
  const tell = (reader = front.reader) =>
    world.order({ kind: "tell_last_unknown", attempt: a, reader });
  t.same(tell(), [{ kind: "nothing" }]);
  await world.tap(front.reader, strangerBits);
  t.same(tell(), [{ kind: "presented", raw: strangerRaw }]);
  t.same(tell(lab.reader), [{ kind: "nothing" }], "each reader has its own");
  t.same(world.told(), [`front last_unknown_told ${a}`]);
  await world.tap(front.reader, adaBits);
  t.same(tell(), [{ kind: "presented", raw: strangerRaw }], "a card that is known is none");
  await world.tap(front.reader, bitsOf(5));
  t.same(tell(), [{ kind: "presented", raw: rawFromBits(bitsOf(5)) }], "the last alone");
  await world.clock.elapse(unknownKeptMs);
  t.same(tell(), [{ kind: "nothing" }]);
});

t.test("a PIN that nobody knows is not kept", async (t) => {
  const world = openRemote();
  await world.type(front.reader, "135790#");
  t.same(world.order({ kind: "tell_last_unknown", attempt: a, reader: front.reader }), [
    { kind: "nothing" },
  ]);
});

t.test("the site unlocks a door for the door's own time, and that is journalled", async (t) => {
  const world = openRemote(content({ unlockMs: 4_000 }));
  t.same(world.unlock(), [{ kind: "done" }]);
  t.same(world.strikes(), ["released", "secured"]);
  t.same(world.events.at(-1), {
    kind: "remote_unlock",
    door: "front",
    attempt: a,
    outcome: "released",
  });
  await world.clock.elapse(3_999);
  t.equal(world.strikes()[0], "released");
  await world.clock.elapse(2);
  t.equal(world.strikes()[0], "secured");
  await world.clock.elapse(2_000);
  t.ok(world.kinds().includes("door_not_entered"), "and nobody came in");
});

t.test("whoever opens the leaf after a remote unlock forces nothing", async (t) => {
  const world = openRemote();
  world.unlock();
  await world.clock.elapse(1_000);
  world.sim.setLeaf(front.door, "open");
  await world.clock.elapse(400);
  t.notOk(world.kinds().includes("door_forced"));
  t.notOk(world.kinds().includes("door_not_entered"));
});

t.test("what keeps people out keeps the site's unlocking out, and it is told why", async (t) => {
  const refused = (world: ReturnType<typeof openRemote>) => {
    const before = world.strikes()[0];
    const [answer] = world.unlock();
    t.equal(world.strikes()[0], before, "the strike did not move");
    const event = world.events.at(-1);
    t.match(event, { kind: "remote_unlock", attempt: a });
    if (answer?.kind !== "refused" || event?.kind !== "remote_unlock") return "done";
    t.equal(answer.detail, event.outcome, "what is told is what is journalled");
    return answer.detail;
  };
  for (const posture of ["lockdown", "disabled"] as const) {
    const world = openRemote();
    world.controller.override(front.door, { posture, until: "cleared" });
    t.equal(refused(world), posture);
  }
  const ajar = openRemote();
  ajar.sim.setLeaf(front.door, "open");
  await ajar.clock.elapse(400);
  t.equal(refused(ajar), "leaf_open");
  const interlocked = openRemote(site({ front: { interlock: [doorId("lab")] } }));
  interlocked.sim.setLeaf(doorId("lab"), "open");
  await interlocked.clock.elapse(400);
  t.equal(refused(interlocked), "interlock");
});

t.test("a door that is unlocked already stays so, and no unlocking ends it", async (t) => {
  const world = openRemote();
  world.controller.override(front.door, { posture: "unlocked", until: "cleared" });
  t.same(world.unlock(), [{ kind: "done" }]);
  t.match(world.events.at(-1), { outcome: "already_unlocked" });
  await world.clock.elapse(60_000);
  t.equal(world.strikes()[0], "released");
});

t.test("the site sets a posture as an operator does, and takes it back", async (t) => {
  const world = openRemote();
  const set = async (override: Extract<SiteCommand, { kind: "set_override" }>["override"]) => {
    const answers = world.order({
      kind: "set_override",
      attempt: a,
      door: front.door,
      override,
    });
    await world.clock.elapse(10);
    return answers;
  };
  t.same(await set({ posture: "unlocked", until: "cleared" }), [{ kind: "done" }]);
  t.equal(world.strikes()[0], "released");
  t.same(await set({ posture: "lockdown", until: "cleared" }), [{ kind: "done" }]);
  t.equal(world.strikes()[0], "secured");
  await world.tap(front.reader, adaBits);
  t.match(world.decisions().at(-1), { reason: "lockdown" });
  t.same(await set({ posture: "lockdown", until: "next_schedule_change" }), [
    { kind: "refused", detail: "until_next_change" },
  ]);
  t.same(await set({ posture: "none" }), [{ kind: "done" }]);
  await world.tap(front.reader, adaBits);
  t.equal(world.strikes()[0], "released");
  const told = world.events.flatMap((event) =>
    event.kind === "remote_override" ? [`${event.override} ${event.outcome} ${event.attempt}`] : [],
  );
  t.same(told, [
    `unlocked done ${a}`,
    `lockdown done ${a}`,
    `lockdown refused ${a}`,
    `clear done ${a}`,
  ]);
});

t.test("an override until the schedule changes ends by itself", async (t) => {
  // The clock stands at one in the afternoon of a Monday; the office locks its door at five.
  const world = openRemote(site({}, { rules: [unlocks("auto_unlock")], schedules: [office] }));
  const answers = world.order({
    kind: "set_override",
    attempt: a,
    door: front.door,
    override: { posture: "disabled", until: "next_schedule_change" },
  });
  await world.clock.elapse(10);
  t.same(answers, [{ kind: "done" }]);
  t.match(world.controller.doors()[0], { posture: "disabled", cause: "operator" });
  await world.clock.elapse(4 * 3_600_000);
  t.match(world.controller.doors()[0], { posture: "locked", cause: "site" });
});

t.test("doors and readers that are not here are refused, and nothing is journalled", async (t) => {
  const world = openRemote();
  const before = world.events.length;
  const nowhere = readerId("nowhere");
  t.same(world.unlock(doorId("nowhere")), [{ kind: "refused", detail: "door_unknown" }]);
  for (const kind of ["enrol", "cancel_enrolment", "tell_last_unknown"] as const) {
    t.same(world.order({ kind, attempt: a, reader: nowhere, forMs }), [
      { kind: "refused", detail: "reader_unknown" },
    ]);
  }
  t.same(
    world.order({
      kind: "set_override",
      attempt: a,
      door: doorId("nowhere"),
      override: { posture: "none" },
    }),
    [{ kind: "refused", detail: "door_unknown" }],
  );
  t.equal(world.events.length, before);
});

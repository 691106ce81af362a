import t from "tap";
import { DoorController } from "../../../src/controller/door-controller.ts";
import { Troubles } from "../../../src/controller/troubles.ts";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { doorId } from "../../../src/domain/ids.ts";
import { PaperPremisesDisk } from "../controller/paper-premises.ts";
import { door, tableContent, testHashKey } from "../core/sample-table.ts";
import { BoardWorld, parsedProfile } from "./board-world.ts";

/** The vault's contact is all that hangs from the expander; the enclosure's switch does as well. */
const profile = `
[[expanders]]
id = "io"
kind = "mcp23017"
bus = 1
address = 0x20

[[doors]]
id = "vault"
strike = { line = "GPIO27", energized_level = "high", lock = "fail_secure" }
position = { line = "io:A0", contact = "normally_closed" }
rex = { line = "GPIO6", contact = "normally_open" }

[[doors]]
id = "lobby"
strike = { line = "GPIO17", energized_level = "high", lock = "fail_secure" }
position = { line = "GPIO5", contact = "normally_closed" }

[fire]
line = "io:A1"
contact = "normally_closed"

[tamper]
line = "io:A2"
contact = "normally_closed"
`;

const [vault, lobby] = [doorId("vault"), doorId("lobby")];
const foundOutMs = 2_000;
const backMs = 10_000;

function openDoors() {
  const world = new BoardWorld(parsedProfile(profile));
  const { clock } = world;
  const { board, reportTo } = world.open();
  const events: DoorEvent[] = [];
  const record = (event: DoorEvent) => events.push(event);
  const troubles = new Troubles(record);
  reportTo(troubles);
  const doors = [door("vault", { fire: "unlock", interlock: [lobby] }), door("lobby")];
  const premises = new PaperPremisesDisk().open(clock);
  const controller = new DoorController(
    {
      board,
      digestPin: () => {
        throw new Error("nobody types here");
      },
      record,
      troubles,
      premises,
    },
    buildAccessTable(tableContent({ doors }), testHashKey),
  );
  const move = (name: string, to: "rest" | "active") => {
    const wiring = world.contacts().get(name);
    if (wiring === undefined) throw new Error(`no contact ${name}`);
    world.move(wiring, to);
  };
  const told = (kind: DoorEvent["kind"]) => events.filter((event) => event.kind === kind).length;
  return {
    world,
    clock,
    board,
    controller,
    troubles,
    events,
    premises,
    move,
    told,
    status: () => controller.doors().find(({ id }) => id === vault),
    pullOut: () => world.setExpander("io", "disconnected"),
    plugIn: () => world.setExpander("io", "connected"),
    close: () => {
      controller.close();
      board.close();
    },
  };
}

t.test(
  "a door whose contact nobody can read is not called shut, and somebody is told",
  async (t) => {
    const rig = openDoors();
    const { clock, status, controller, premises, troubles } = rig;
    await clock.elapse(1_000);
    t.match(status(), { leaf: "closed", strike: "secured" });
    t.ok(premises.memory.isShut(vault));
    rig.pullOut();
    await clock.elapse(foundOutMs);
    t.match(status(), { leaf: "no_contact", strike: "secured" }, "it is secured all the same");
    t.notOk(premises.memory.isShut(vault), "and no interlock relies on it");
    t.same(troubles.active(), ["expander_absent:io"]);
    t.ok(controller.inputTroubles().includes("contact_cut:vault"), "its forced watch is blind");
    t.equal(rig.told("contact_cut"), 1);
    await clock.elapse(3_600_000);
    t.equal(rig.told("contact_cut"), 1, "once, however long it lasts");
    rig.plugIn();
    await clock.elapse(backMs);
    t.match(status(), { leaf: "closed" });
    t.same(controller.inputTroubles(), []);
    t.equal(rig.told("contact_recovered"), 1);
    t.equal(rig.told("door_forced"), 0);
    rig.close();
  },
);

t.test("who pulls the expander out first and then the door open has forced it", async (t) => {
  const rig = openDoors();
  const { clock } = rig;
  await clock.elapse(1_000);
  rig.pullOut();
  await clock.elapse(foundOutMs);
  rig.move("doors.vault.position", "active");
  await clock.elapse(60_000);
  rig.plugIn();
  await clock.elapse(backMs);
  t.equal(rig.told("door_forced"), 1);
  t.match(rig.status(), { alarm: "alarm_forced", leaf: "open" });
  rig.close();
});

t.test("who leaves by the button meanwhile gets out, and has forced nothing", async (t) => {
  const rig = openDoors();
  const { clock } = rig;
  await clock.elapse(1_000);
  rig.pullOut();
  await clock.elapse(foundOutMs);
  rig.move("doors.vault.rex", "active");
  await clock.elapse(100);
  t.match(rig.status(), { strike: "released" });
  rig.move("doors.vault.position", "active");
  await clock.elapse(500);
  rig.move("doors.vault.rex", "rest");
  rig.plugIn();
  await clock.elapse(backMs);
  t.equal(rig.told("door_forced"), 0);
  rig.close();
});

t.test("an alarm of a door goes on when its contact's expander is pulled out", async (t) => {
  const rig = openDoors();
  const { clock } = rig;
  await clock.elapse(1_000);
  rig.move("doors.vault.position", "active");
  await clock.elapse(1_000);
  t.match(rig.status(), { alarm: "alarm_forced" });
  rig.pullOut();
  await clock.elapse(foundOutMs);
  t.match(rig.status(), { alarm: "alarm_forced" }, "nobody ends it by pulling a plug");
  rig.move("doors.vault.position", "rest");
  rig.plugIn();
  await clock.elapse(backMs);
  t.match(rig.status(), { alarm: "none", leaf: "closed" });
  t.equal(rig.told("door_forced"), 1);
  t.equal(rig.told("door_secured"), 1);
  rig.close();
});

t.test("pulling the expander out is tampering, and is no fire", async (t) => {
  const rig = openDoors();
  const { clock, controller } = rig;
  await clock.elapse(1_000);
  rig.pullOut();
  await clock.elapse(foundOutMs);
  t.same(controller.alarms(), ["tamper"]);
  t.match(rig.status(), { strike: "secured" }, "a plug is no key");
  t.same([...controller.inputTroubles()].sort(), ["contact_cut:vault", "fire_cut", "tamper_cut"]);
  rig.plugIn();
  await clock.elapse(backMs);
  t.same(controller.alarms(), []);
  rig.close();
});

t.test(
  "a door that a fire holds open stays open when the fire input's expander goes",
  async (t) => {
    const rig = openDoors();
    const { clock, controller } = rig;
    await clock.elapse(1_000);
    rig.move("fire", "active");
    await clock.elapse(1_000);
    t.match(rig.status(), { strike: "released" });
    rig.pullOut();
    await clock.elapse(60_000);
    t.match(rig.status(), { strike: "released" });
    t.ok(controller.alarms().includes("fire"));
    rig.close();
  },
);

t.test("a technician sees which lines nobody can read, as soon as it is so", async (t) => {
  const rig = openDoors();
  const { clock, board } = rig;
  await clock.elapse(1_000);
  const changed = new Set<string>();
  board.lines?.watch((line) => changed.add(line));
  rig.pullOut();
  await clock.elapse(foundOutMs);
  t.same([...changed].sort(), ["io:A0", "io:A1", "io:A2"]);
  t.match(board.lines?.state("io:A0"), { level: null, meaning: "its chip does not answer" });
  rig.close();
});

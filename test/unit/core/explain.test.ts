import t from "tap";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import { explain, type Rung } from "../../../src/core/explain.ts";
import { unknownPremises } from "../../../src/core/premises.ts";
import type { Presented } from "../../../src/core/presented.ts";
import { pinDigest, rawCredential } from "../../../src/domain/credential.ts";
import { doorId } from "../../../src/domain/ids.ts";
import { type ClockQuality, monotonicMs } from "../../../src/domain/time.ts";
import {
  at,
  cardPass,
  digestOf,
  door,
  pinPass,
  rule,
  schedule,
  tableContent,
  testHashKey,
  user,
} from "./sample-table.ts";

const table = buildAccessTable(
  tableContent({
    doors: [door("front"), door("lab", { factors: "card_and_pin" })],
    users: [user("ada"), user("bob"), user("cleo", { suspended: true })],
    passes: [
      cardPass("ada-card", "ada", "26:0190e0f"),
      pinPass("ada-pin", "ada", digestOf("a")),
      pinPass("ada-old-pin", "ada", digestOf("c"), { active: false }),
      cardPass("bob-card", "bob", "26:0000001", { endsAt: at("2026-03-01T00:00:00+01:00") }),
      pinPass("bob-pin", "bob", digestOf("b")),
      cardPass("cleo-card", "cleo", "26:0000002"),
    ],
    rules: [
      rule("staff", ["ada", "bob", "cleo"], ["front"], "office"),
      rule("research", ["ada"], ["lab"]),
    ],
    schedules: [schedule("office", [{ days: [1, 2, 3, 4, 5], fromMinute: 540, toMinute: 1020 }])],
  }),
  testHashKey,
);

interface Asked {
  readonly door?: string;
  readonly card?: string;
  readonly pin?: string;
  readonly at?: string;
  readonly clock?: ClockQuality;
}

function ask(asked: Asked): readonly Rung[] {
  const pin = asked.pin === undefined ? undefined : pinDigest(asked.pin);
  const card = rawCredential(asked.card ?? "26:0190e0f");
  const presented: Presented =
    asked.card === "" && pin !== undefined ? { pin } : { card, ...(pin && { pin }) };
  return explain(table, {
    door: doorId(asked.door ?? "front"),
    presented,
    wall: { at: at(asked.at ?? "2026-03-02T12:00:00+01:00"), quality: asked.clock ?? "trusted" },
    now: monotonicMs(0),
    premises: unknownPremises,
  }).ladder;
}

const deciding = (ladder: readonly Rung[]): Rung | undefined =>
  ladder.find(({ verdict }) => verdict === "failed" || verdict === "waiting");

t.test("a grant shows every check and what it saw", async (t) => {
  t.same(
    ask({}).map(({ check, verdict, saw }) => `${check} ${verdict}: ${saw}`),
    [
      "table passed: Table 1.7 has 6 passes and is 60 days old.",
      "door passed: The table has door front.",
      "posture passed: Door front is locked, as its site has it.",
      "tamper passed: The enclosure is not tampered with.",
      "credential passed: Pass ada-card of user ada has the card of 26 bits.",
      "pass_active passed: Pass ada-card is active.",
      "user_active passed: User ada is not suspended.",
      "clock passed: The pass is not limited in time, and the time is known (trusted).",
      "start passed: Pass ada-card has no start. It is 2026-03-02T12:00:00+01:00.",
      "end passed: Pass ada-card has no end. It is 2026-03-02T12:00:00+01:00.",
      "uses passed: Pass ada-card is good for any number of grants.",
      "access passed: User ada is in 2 rules; door front is in staff.",
      "schedule passed: For this door, rule staff follows schedule office, which is open. It is 2026-03-02T12:00:00+01:00.",
      "factors passed: The door asks for a card; a card was presented.",
      "passback passed: No area of this door minds who is where.",
      "interlock passed: The door is in no interlock.",
      "two_person passed: The door asks for one person.",
      "escort passed: User ada needs no escort.",
      "occupancy passed: Nothing limits how many are where this leads.",
      "manager passed: No manager needs to be where this leads.",
    ],
  );
});

t.test("what was not looked at is not said to have passed", async (t) => {
  const ladder = ask({ card: "26:0000002" });
  t.same(
    ladder.map(({ verdict }) => verdict),
    [...Array(6).fill("passed"), "failed", ...Array(13).fill("not_reached")],
  );
});

t.test("the deciding check says what would have to change", async (t) => {
  const remedies: readonly (readonly [Asked, string, string])[] = [
    [{ door: "attic" }, "door", "Add door attic to the site's doors of this controller."],
    [{ card: "26:0000009" }, "credential", "Issue a pass that presents exactly this."],
    [{ card: "26:0000002" }, "user_active", "Unsuspend user cleo."],
    [{ card: "26:0000001" }, "end", "Extend pass bob-card, or issue another."],
    [
      { card: "26:0000001", clock: "unknown" },
      "clock",
      "Give the controller the time, or let the door allow while the time is not known.",
    ],
    [
      { card: "26:0000001", door: "lab", at: "2026-02-02T12:00:00Z" },
      "access",
      "Add user bob and door lab to one rule.",
    ],
    [
      { at: "2026-03-06T18:00:00+01:00" },
      "schedule",
      "Wait until 2026-03-09T09:00:00+01:00, or widen a schedule of these rules.",
    ],
    [
      { door: "front", card: "", pin: digestOf("a") },
      "factors",
      "Present a card, or let this door open to a card or a PIN.",
    ],
    [{ door: "lab" }, "factors", "Enter the user's PIN now."],
    [
      { door: "lab", pin: digestOf("f") },
      "factors",
      "Enter the PIN of user ada, or issue them one.",
    ],
    [
      { door: "lab", pin: digestOf("b") },
      "factors",
      "Enter the PIN of user ada, whose card it is.",
    ],
    [{ door: "lab", pin: digestOf("c") }, "factors", "Activate pass ada-old-pin."],
  ];
  for (const [asked, check, remedy] of remedies) {
    const rung = deciding(ask(asked));
    t.same([rung?.check, rung?.remedy], [check, remedy], JSON.stringify(asked));
  }
});

t.test("a schedule that never opens is not said to open", async (t) => {
  const shut = buildAccessTable(
    tableContent({
      doors: [door("front")],
      users: [user("ada")],
      passes: [cardPass("ada-card", "ada", "26:0190e0f")],
      rules: [rule("never", ["ada"], ["front"], "none")],
      schedules: [schedule("none", [])],
    }),
    testHashKey,
  );
  const { ladder } = explain(shut, {
    door: doorId("front"),
    presented: { card: rawCredential("26:0190e0f") },
    wall: { at: at("2026-03-02T12:00:00Z"), quality: "trusted" },
    now: monotonicMs(0),
    premises: unknownPremises,
  });
  t.match(deciding(ladder)?.remedy, /^None of the schedules ever opens/);
});

t.test("without a table the first check says so and the rest are not reached", async (t) => {
  const { decision, ladder } = explain(undefined, {
    door: doorId("front"),
    presented: { card: rawCredential("26:0190e0f") },
    wall: { at: at("2026-03-02T12:00:00Z"), quality: "trusted" },
    now: monotonicMs(0),
    premises: unknownPremises,
  });
  t.same(decision, { kind: "denied", reason: "no_table" });
  t.equal(ladder[0]?.saw, "There is no table.");
  t.ok(ladder.slice(1).every(({ verdict }) => verdict === "not_reached"));
});

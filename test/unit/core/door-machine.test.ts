import t from "tap";
import { doorAlarm, doorDeadline, grantReason, stepDoor } from "../../../src/core/door-machine.ts";
import { boltFallMs } from "../../../src/core/lock-state.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { front, type Happening, inputs, live, type Start, tell } from "./door-life.ts";

t.test("a grant releases the strike for the unlock time and no longer", async (t) => {
  t.same(tell({}, [0, "grant"], [1_000, "opens"], [2_000, "shuts"]), [
    "0 strike released",
    "3000 strike secured",
  ]);
});

t.test("the strike is secured when the relock option says", async (t) => {
  const entry = [
    [0, "grant"],
    [1_000, "opens"],
    [2_000, "shuts"],
  ] as const;
  const securedAt = { after_unlock_time: 3_000, on_open: 1_000, on_close: 2_000 } as const;
  for (const relock of ["after_unlock_time", "on_open", "on_close"] as const) {
    const expected = ["0 strike released", `${securedAt[relock]} strike secured`];
    t.same(tell({ settings: { relock } }, ...entry), expected, relock);
    const unopened = tell({ settings: { relock } }, [0, "grant"]);
    t.same(unopened, ["0 strike released", "3000 strike secured", "3250 door_not_entered"], relock);
    const blind = tell({ settings: { relock }, leaf: "no_contact" }, [0, "grant"]);
    t.same(blind, ["0 strike released", "3000 strike secured"], `${relock}, no contact`);
  }
  t.same(
    tell({ settings: { relock: "on_close" } }, [0, "grant"], [1_000, "opens"]).slice(0, 2),
    ["0 strike released", "3000 strike secured"],
    "a leaf that stays open does not keep the strike released",
  );
});

t.test("a second grant while unlocked extends the first without moving the strike", async (t) => {
  t.same(tell({ leaf: "no_contact" }, [0, "grant"], [2_000, "grant"]), [
    "0 strike released",
    "5000 strike secured",
  ]);
});

t.test("no series of grants keeps the strike released beyond its limit in one go", async (t) => {
  const grants = Array.from({ length: 19 }, (_, index) => [index * 1_001, "grant"] as const);
  const start = { settings: { strikeOnMaxMs: 10_000 }, leaf: "no_contact" } as const;
  t.same(tell(start, ...grants), [
    "0 strike released",
    "10000 strike secured",
    "10010 strike released",
    "20010 strike secured",
  ]);
  t.same(
    tell({ ...start, settings: { unlockMs: 30_000, strikeOnMaxMs: 10_000 } }, [0, "grant"]),
    ["0 strike released", "10000 strike secured"],
    "nor does an unlock time that is longer",
  );
});

t.test("a grant is called what it does", async (t) => {
  const reasonAt = (at: number, ...happenings: readonly Happening[]) =>
    grantReason(live({}, happenings, at).state, monotonicMs(at));
  t.equal(reasonAt(0), "granted");
  t.equal(reasonAt(1_000, [0, "grant"]), "granted_already_unlocked");
  t.equal(reasonAt(3_100, [0, "grant"]), "granted");
  t.equal(reasonAt(1_000, [0, "opens"]), "granted_leaf_open");
  t.equal(reasonAt(1_000, [0, "grant"], [500, "opens"]), "granted_leaf_open");
});

t.test(
  "a grant at an open leaf leaves the strike alone and restarts the held-open time",
  async (t) => {
    t.same(tell({}, [0, "grant"], [1_000, "opens"], [20_000, "grant"], [52_999, "shuts"]), [
      "0 strike released",
      "3000 strike secured",
      "43000 show warning_held",
      "43000 door_held_warning",
      "52999 show alarm_cleared",
    ]);
    t.same(
      tell({}, [0, "grant"], [1_000, "opens"], [40_000, "grant"], [41_000, "shuts"]).slice(2),
      [
        "24000 show warning_held",
        "24000 door_held_warning",
        "34000 show alarm_held",
        "34000 door_held",
        "40000 show alarm_cleared",
        "41000 door_secured",
      ],
      "also of one that was held open already, whose end is still told",
    );
  },
);

t.test(
  "a leaf is held open after unlock time and threshold, or the threshold if forced",
  async (t) => {
    const heldAt = (story: readonly string[]) => story.find((line) => line.endsWith(" door_held"));
    t.equal(heldAt(tell({}, [0, "grant"], [2_000, "opens"])), "35000 door_held");
    t.equal(heldAt(tell({}, [0, "press"], [10, "let go"], [2_000, "opens"])), "35000 door_held");
    t.equal(heldAt(tell({}, [2_000, "opens"])), "32000 door_held");
  },
);

t.test("the warning comes before held open by its own time, or not at all", async (t) => {
  const after = (heldOpenWarningMs: number) =>
    tell({ settings: { heldOpenWarningMs } }, [0, "grant"], [1_000, "opens"]).slice(2);
  t.same(after(5_000), [
    "29000 show warning_held",
    "29000 door_held_warning",
    "34000 show alarm_held",
    "34000 door_held",
  ]);
  t.same(after(0), ["34000 show alarm_held", "34000 door_held"]);
});

t.test("a leaf that shuts in time is nobody's alarm", async (t) => {
  const shut = tell({}, [0, "grant"], [1_000, "opens"], [33_999, "shuts"]);
  t.notMatch(shut.join(), "door_held,");
  t.notMatch(shut.join(), "door_secured");
});

t.test("an opening that nothing explains is forced, until the leaf shuts", async (t) => {
  t.same(tell({}, [5_000, "opens"], [9_000, "shuts"]), [
    "5000 show alarm_forced",
    "5000 door_forced",
    "9000 show alarm_cleared",
    "9000 door_secured",
  ]);
  t.same(
    tell({}, [0, "opens"], [1_000, "grant"], [2_000, "shuts"]).slice(2),
    ["2000 show alarm_cleared", "2000 door_secured"],
    "a grant does not undo it",
  );
  t.same(
    tell({}, [0, "opens"]).slice(2),
    ["20000 door_held_warning", "30000 door_held"],
    "and it shows as forced for as long as it stands open",
  );
});

t.test(
  "an opening is explained by a grant while the strike is released, and just after",
  async (t) => {
    const isForced = (start: Start, ...happenings: readonly Happening[]) =>
      tell(start, ...happenings).some((line) => line.endsWith("door_forced"));
    t.equal(isForced({}, [0, "grant"], [2_999, "opens"]), false);
    t.equal(isForced({}, [0, "grant"], [3_000 + boltFallMs - 1, "opens"]), false);
    t.equal(isForced({}, [0, "grant"], [3_000 + boltFallMs, "opens"]), true);
    const onClose = { settings: { relock: "on_close" } } as const;
    const entry = [
      [0, "grant"],
      [500, "opens"],
      [1_000, "shuts"],
    ] as const;
    t.equal(isForced(onClose, ...entry, [1_200, "opens"]), false, "a slammed leaf bounces");
    t.equal(isForced(onClose, ...entry, [1_300, "opens"]), true);
  },
);

t.test("a grant that nobody uses is told, one that is used is not", async (t) => {
  const isTold = (start: Start, ...happenings: readonly Happening[]) =>
    tell(start, ...happenings).some((line) => line.endsWith("door_not_entered"));
  t.equal(isTold({}, [0, "grant"]), true);
  t.equal(isTold({}, [0, "grant"], [3_100, "opens"]), false);
  t.equal(isTold({}, [0, "grant"], [1_000, "opens"], [2_000, "shuts"]), false);
  t.equal(isTold({}, [0, "press"], [100, "let go"]), false, "a button is no grant");
  t.equal(isTold({}, [0, "grant"], [1_000, "press"]), true);
  t.equal(isTold({ leaf: "no_contact" }, [0, "grant"]), false, "who could tell");
});

t.test("a report of what was known changes nothing", async (t) => {
  t.same(tell({}, [0, "shuts"], [1, "let go"]), []);
  const twice = tell({}, [0, "opens"], [10, "opens"], [20, "press"], [30, "press"], [40, "shuts"]);
  t.same(twice.slice(0, 5), tell({}, [0, "opens"], [20, "press"], [40, "shuts"]).slice(0, 5));
});

t.test("a deadline that comes early changes nothing", async (t) => {
  const { state } = live({}, [[0, "grant"]], 2_000);
  t.equal(doorDeadline(state), 3_000);
  const early = stepDoor(front, state, { kind: "deadline_reached" }, monotonicMs(2_999));
  t.same(early, { state, effects: [] });
});

t.test("an input that overtakes a late timer finds what was due already told", async (t) => {
  const { state } = live(
    {},
    [
      [0, "grant"],
      [1_000, "opens"],
    ],
    5_000,
  );
  const { effects } = stepDoor(front, state, inputs.shuts, monotonicMs(50_000));
  t.same(effects, [
    { kind: "event", event: { kind: "door_held_warning", door: "front" } },
    { kind: "event", event: { kind: "door_held", door: "front" } },
    { kind: "event", event: { kind: "door_secured", door: "front" } },
  ]);
});

t.test(
  "while a late timer leaves the strike released, who opens the leaf has not forced it",
  async (t) => {
    const { state } = live({}, [[0, "grant"]], 2_000);
    const opened = stepDoor(front, state, inputs.opens, monotonicMs(60_000));
    t.same(opened.effects, [
      { kind: "strike", command: "secured" },
      { kind: "passage", outcome: "made" },
    ]);
    t.equal(doorAlarm(opened.state), "none");
  },
);

t.test("the strike comes first, then the lamps, then the events", async (t) => {
  const { state } = live(
    {},
    [
      [0, "opens"],
      [100, "shuts"],
    ],
    200,
  );
  const admitted = stepDoor(front, state, inputs.press, monotonicMs(300));
  t.same(
    admitted.effects.map(({ kind }) => kind),
    ["strike", "event"],
  );
  const forced = stepDoor(front, state, inputs.opens, monotonicMs(300));
  t.same(
    forced.effects.map(({ kind }) => kind),
    ["indicate", "event"],
  );
});

import t from "tap";
import { doorAlarm, doorUnlocked, grantReason, isShut } from "../../../src/core/door-machine.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { type Happening, live, type Start, tell } from "./door-life.ts";

const day = 86_400_000;
const strikes = (story: readonly string[]) => story.filter((line) => line.includes(" strike "));
const passages = (start: Start, ...happenings: readonly Happening[]) =>
  live(start, happenings).passages;

t.test("a door held unlocked stays so, whatever time, grants and the leaf do", async (t) => {
  for (const relock of ["after_unlock_time", "on_open", "on_close"] as const) {
    const story = tell(
      { settings: { relock, strikeOnMaxMs: 5_000 } },
      [0, "hold unlocked"],
      [1_000, "grant"],
      [2_000, "opens"],
      [3_000, "shuts"],
      [600_000, "press"],
      [600_100, "let go"],
      [day, "opens"],
      [day + 1, "shuts"],
    );
    t.same(strikes(story), ["0 strike released"], relock);
    t.notMatch(story.join(), "door_forced");
  }
});

t.test("the end of a hold secures the door, and unlocking it twice is once", async (t) => {
  t.same(
    tell(
      {},
      [0, "hold unlocked"],
      [1_000, "hold unlocked"],
      [9_000, "end hold"],
      [9_500, "end hold"],
      [10_000, "opens"],
    ).slice(0, 4),
    ["0 strike released", "9000 strike secured", "10000 show alarm_forced", "10000 door_forced"],
  );
});

t.test("who was let in a moment before the hold ended keeps the time he was given", async (t) => {
  t.same(
    strikes(tell({}, [0, "hold unlocked"], [8_000, "grant"], [9_000, "end hold"])),
    ["0 strike released", "11000 strike secured"],
    "by a grant during it",
  );
  t.same(
    strikes(tell({}, [0, "grant"], [1_000, "hold unlocked"], [2_000, "end hold"])),
    ["0 strike released", "3000 strike secured"],
    "by a grant before it",
  );
  t.same(
    strikes(
      tell({}, [0, "hold unlocked"], [8_000, "press"], [8_500, "let go"], [9_000, "end hold"]),
    ),
    ["0 strike released", "11000 strike secured"],
    "by the button",
  );
  t.same(
    strikes(
      tell({}, [0, "hold unlocked"], [1_000, "press"], [9_000, "end hold"], [9_500, "let go"]),
    ),
    ["0 strike released", "12000 strike secured"],
    "by the button that he still holds",
  );
  t.same(
    strikes(
      tell(
        { settings: { relock: "on_close" } },
        [0, "hold unlocked"],
        [8_000, "grant"],
        [8_500, "opens"],
        [8_900, "shuts"],
        [9_000, "end hold"],
      ),
    ),
    ["0 strike released", "9000 strike secured"],
    "unless he is through and the door relocks behind him",
  );
});

t.test("lockdown secures at once what a grant, an exit or a schedule released", async (t) => {
  for (const what of ["grant", "hold unlocked"] as const) {
    const story = tell({ leaf: "no_contact" }, [0, what], [100, "secure now"]);
    t.same(strikes(story), ["0 strike released", "100 strike secured"], what);
  }
  t.same(
    strikes(tell({ leaf: "no_contact" }, [0, "press"], [50, "let go"], [100, "secure now"])),
    ["0 strike released", "100 strike secured"],
    "an exit whose button was let go",
  );
  t.same(
    strikes(tell({ leaf: "no_contact" }, [0, "hold unlocked"], [50, "grant"], [100, "secure now"])),
    ["0 strike released", "100 strike secured"],
  );
});

t.test("a lockdown does not shut the door on somebody who is leaving", async (t) => {
  t.same(
    strikes(tell({ leaf: "no_contact" }, [0, "press"], [100, "secure now"], [200, "let go"])),
    ["0 strike released", "3000 strike secured"],
    "no longer than the exit would have lasted",
  );
  t.same(
    strikes(
      tell(
        { leaf: "no_contact" },
        [0, "hold unlocked"],
        [50, "press"],
        [100, "secure now"],
        [200, "let go"],
      ),
    ),
    ["0 strike released", "3100 strike secured"],
  );
  t.same(
    strikes(tell({ leaf: "no_contact" }, [0, "press"], [100, "secure now"])),
    ["0 strike released", "20000 strike secured"],
    "or as long as he holds the button and the coil stands it",
  );
  t.same(
    strikes(
      tell({ leaf: "no_contact" }, [0, "press"], [60_001, "hold unlocked"], [60_002, "secure now"]),
    ).slice(2),
    ["60001 strike released", "60002 strike secured"],
    "a button that is stuck is nobody",
  );
});

t.test("egress is free in lockdown, and so is a pass that goes through it", async (t) => {
  for (const what of ["press", "grant"] as const) {
    const story = tell({ leaf: "no_contact" }, [0, "secure now"], [1_000, what], [1_100, "let go"]);
    t.same(strikes(story), ["1000 strike released", "4000 strike secured"], what);
  }
});

t.test("who presses before a late timer has secured the strike is let out", async (t) => {
  t.same(
    strikes(
      live(
        { leaf: "no_contact", settings: { unlockMs: 9_000, strikeOnMaxMs: 2_000 } },
        [
          [0, "press"],
          [1, "let go"],
          // The timer of 2 s has not fired yet: the press overtakes it.
          [2_000, "press"],
        ],
        3_000,
      ).story,
    ),
    ["0 strike released"],
  );
});

t.test("a door that stands open is held unlocked too", async (t) => {
  t.same(strikes(tell({ leaf: "open" }, [0, "hold unlocked"])), ["0 strike released"]);
});

t.test("a grant at a door held unlocked is called what it does", async (t) => {
  const reason = (...happenings: readonly Happening[]) =>
    grantReason(live({}, happenings, 5_000).state, monotonicMs(5_000));
  t.equal(reason([0, "hold unlocked"]), "granted_already_unlocked");
  t.equal(reason([0, "hold unlocked"], [1, "opens"]), "granted_leaf_open");
  t.equal(reason([0, "hold unlocked"], [1, "secure now"]), "granted");
  t.equal(doorUnlocked(live({}, [[0, "hold unlocked"]], day).state), true);
});

t.test("who needs longer has the strike and the open leaf for 30 s more", async (t) => {
  t.same(strikes(tell({ settings: { strikeOnMaxMs: 60_000 } }, [0, "grant with 30 s more"])), [
    "0 strike released",
    "33000 strike secured",
  ]);
  t.same(
    strikes(tell({ settings: { strikeOnMaxMs: 20_000 } }, [0, "grant with 30 s more"])),
    ["0 strike released", "20000 strike secured"],
    "as far as the coil stands it",
  );
  const heldAt = (...happenings: readonly Happening[]) =>
    tell({ settings: { strikeOnMaxMs: 60_000 } }, ...happenings).find((line) =>
      line.endsWith(" door_held"),
    );
  t.equal(heldAt([0, "grant with 30 s more"], [10_000, "opens"]), "73000 door_held");
  t.equal(heldAt([0, "grant"], [2_000, "opens"]), "35000 door_held", "and nobody else has");
  t.equal(
    heldAt([0, "grant with 30 s more"], [1_000, "grant"], [2_000, "opens"]),
    "65000 door_held",
    "also when somebody quicker is granted before he is through",
  );
  t.equal(
    heldAt([0, "opens"], [1_000, "grant with 30 s more"], [2_000, "grant"]),
    "64000 door_held",
    "also at a leaf that stands open",
  );
  t.equal(
    heldAt(
      [0, "hold unlocked"],
      [1_000, "grant with 30 s more"],
      [2_000, "opens"],
      [3_000, "shuts"],
      [9_000, "opens"],
    ),
    "42000 door_held",
    "and not whoever comes after him through an unlocked door",
  );
});

t.test("a door that is watched only while locked may stand open while unlocked", async (t) => {
  const whileLocked = { settings: { heldOpenWatch: "while_locked" } } as const;
  const alarms = (start: Start, ...happenings: readonly Happening[]) =>
    tell(start, ...happenings).filter((line) => line.includes("held"));
  t.same(alarms(whileLocked, [0, "hold unlocked"], [1_000, "opens"]), []);
  t.same(alarms({}, [0, "hold unlocked"], [1_000, "opens"]), [
    "24000 show warning_held",
    "24000 door_held_warning",
    "34000 show alarm_held",
    "34000 door_held",
  ]);
  t.same(alarms(whileLocked, [0, "grant"], [1_000, "opens"]).at(-1), "34000 door_held");
  t.same(
    tell(whileLocked, [0, "grant"], [1_000, "opens"], [40_000, "hold unlocked"]).slice(-2),
    ["40000 strike released", "40000 show alarm_cleared"],
    "and one that was held open may from then on",
  );
});

t.test("a leaf that keeps the door from locking has failed to relock", async (t) => {
  for (const how of ["end hold", "secure now"] as const) {
    const start = { settings: { heldOpenWatch: "while_locked" } } as const;
    const lead = [
      [0, "hold unlocked"],
      [1_000, "opens"],
      [500_000, how],
    ] as const;
    t.same(
      tell(start, ...lead, [540_000, "shuts"]).slice(1),
      [
        "500000 strike secured",
        "520000 show warning_held",
        "520000 door_held_warning",
        "530000 show alarm_held",
        "530000 door_failed_to_relock",
        "540000 show alarm_cleared",
        "540000 door_secured",
      ],
      how,
    );
    t.same(tell(start, ...lead, [519_000, "shuts"]).slice(2), [], `${how}, shut in time`);
    t.same(
      tell(start, ...lead, [510_000, "hold unlocked"]).slice(2),
      ["510000 strike released"],
      `${how}, unlocked again in time`,
    );
  }
});

t.test("an alarm of a leaf held open goes on when it fails to relock as well", async (t) => {
  t.same(
    tell({}, [0, "hold unlocked"], [1_000, "opens"], [50_000, "end hold"], [90_000, "shuts"]).slice(
      3,
    ),
    [
      "34000 show alarm_held",
      "34000 door_held",
      "50000 strike secured",
      "80000 door_failed_to_relock",
      "90000 show alarm_cleared",
      "90000 door_secured",
    ],
  );
  t.equal(
    doorAlarm(
      live(
        {},
        [
          [0, "opens"],
          [1, "hold unlocked"],
          [2, "end hold"],
        ],
        99_000,
      ).state,
    ),
    "alarm_forced",
    "and one that was forced shows as forced",
  );
});

t.test("what became of the grants is told once for all that were pending", async (t) => {
  t.same(passages({}, [0, "grant"], [1_000, "opens"], [2_000, "shuts"]), ["1000 made"]);
  t.same(passages({}, [0, "grant"], [500, "grant"], [1_000, "opens"]), ["1000 made"]);
  t.same(passages({}, [0, "grant"]), ["3250 not_made"]);
  t.same(passages({}, [0, "grant"], [3_100, "opens"]), ["3100 made"], "while the bolt falls");
  t.same(passages({}, [0, "grant"], [1_000, "secure now"]), ["1250 not_made"]);
  t.same(passages({}, [0, "press"], [1_000, "opens"]), [], "an exit is nobody's");
  t.same(
    passages({}, [0, "grant"], [1_000, "opens"], [1_500, "shuts"], [2_000, "grant"]),
    ["1000 made", "5250 not_made"],
    "one after another",
  );
});

t.test("where nobody could tell, who is granted is through at once", async (t) => {
  t.same(passages({ leaf: "no_contact" }, [0, "grant"], [100, "grant"]), ["0 made", "100 made"]);
  t.same(passages({ leaf: "open" }, [0, "grant"]), ["0 made"]);
  t.same(passages({ leaf: "cut" }, [0, "grant"], [500, "shuts"]), ["0 made"]);
  t.same(passages({}, [0, "grant"], [1_000, "contact cut"], [2_000, "shuts"]), ["1000 made"]);
  const rattling = Array.from({ length: 8 }, (_, index) => {
    return [index * 50, index % 2 === 0 ? "opens" : "shuts"] as const;
  });
  t.same(passages({}, ...rattling, [500, "grant"]), ["500 made"]);
});

t.test("a grant during a hold waits for the leaf as long as one at a locked door", async (t) => {
  t.same(passages({}, [0, "hold unlocked"], [1_000, "grant"], [4_249, "opens"]), ["4249 made"]);
  t.same(
    passages({}, [0, "hold unlocked"], [1_000, "grant"], [600_000, "opens"]),
    ["4250 not_made"],
    "who opens an unlocked door three hours later is somebody else",
  );
  t.same(
    passages({}, [0, "hold unlocked"], [1_000, "grant with 30 s more"], [33_000, "opens"]),
    ["33000 made"],
    "who needs longer has longer",
  );
  const { story, passages: outcomes } = live({}, [
    [0, "hold unlocked"],
    [1_000, "grant"],
    [3_000, "grant"],
    [600_000, "grant"],
    [601_000, "end hold"],
  ]);
  t.same(outcomes, ["6250 not_made", "603250 not_made"]);
  t.same(
    story.filter((line) => line.includes("entered")),
    ["6250 door_not_entered", "603250 door_not_entered"],
  );
  t.same(strikes(story), ["0 strike released", "603000 strike secured"], "and the door stays open");
  t.same(
    passages({}, [0, "hold unlocked"], [1_000, "grant"], [4_100, "end hold"]),
    ["4350 not_made"],
    "while the bolt falls he may still come",
  );
});

t.test("a door is shut for an interlock when leaf and bolt are home beyond doubt", async (t) => {
  const shut = (at: number, start: Start, ...happenings: readonly Happening[]) =>
    isShut(live(start, happenings, at).state);
  t.equal(shut(0, {}), true);
  t.equal(shut(0, { leaf: "no_contact" }), true);
  t.equal(shut(0, { leaf: "open" }), false);
  t.equal(shut(1_000, {}, [0, "grant"]), false, "unlocked");
  t.equal(shut(3_100, {}, [0, "grant"]), false, "while the bolt falls");
  t.equal(shut(3_250, {}, [0, "grant"]), true);
  t.equal(shut(9_000, {}, [0, "hold unlocked"]), false, "held unlocked");
  t.equal(shut(9_000, {}, [0, "contact cut"]), false, "a cut wire vouches for nothing");
});

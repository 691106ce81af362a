import t from "tap";
import { doorAlarm, doorLeaf, doorTroubles, doorUnlocked } from "../../../src/core/door-machine.ts";
import { contactChatter } from "../../../src/core/leaf-watch.ts";
import { rexChatter, rexStuckMs } from "../../../src/core/rex-watch.ts";
import { type Happening, live, type Start, tell } from "./door-life.ts";

t.test("a button that admits releases the strike and one that reports does not", async (t) => {
  t.same(tell({}, [0, "press"], [200, "let go"], [1_000, "opens"], [2_000, "shuts"]), [
    "0 strike released",
    "0 rex_admitted",
    "3000 strike secured",
  ]);
  const report = { settings: { rex: "report" } } as const;
  t.same(tell(report, [0, "press"], [200, "let go"], [1_000, "opens"], [2_000, "shuts"]), [
    "0 rex_reported",
  ]);
});

t.test(
  "an exit is never forced while the button is held, nor for the unlock time after",
  async (t) => {
    for (const rex of ["admit", "report"] as const) {
      const isForced = (...happenings: readonly Happening[]) =>
        tell({ settings: { rex } }, ...happenings).some((line) => line.endsWith("door_forced"));
      t.equal(isForced([0, "press"], [50_000, "opens"]), false, `${rex}, held`);
      t.equal(isForced([0, "press"], [90_000, "opens"]), false, `${rex}, stuck`);
      t.equal(isForced([0, "press"], [10_000, "let go"], [12_999, "opens"]), false, rex);
      t.equal(isForced([0, "press"], [10_000, "let go"], [13_000, "opens"]), true, rex);
    }
  },
);

t.test("a button at an open leaf moves no strike and restarts nothing", async (t) => {
  const happenings = [
    [0, "grant"],
    [1_000, "opens"],
    [20_000, "press"],
    [34_000, "let go"],
    [34_500, "shuts"],
  ] as const;
  t.same(tell({}, ...happenings).slice(2), [
    "20000 rex_reported",
    "24000 show warning_held",
    "24000 door_held_warning",
    "34000 show alarm_held",
    "34000 door_held",
    "34500 show alarm_cleared",
    "34500 door_secured",
  ]);
});

t.test("a stuck button is told once and does not keep the strike released", async (t) => {
  const { story, state } = live({}, [[0, "press"]]);
  t.same(story, ["0 strike released", "0 rex_admitted", "20000 strike secured", "60000 rex_stuck"]);
  t.same(doorTroubles(state), ["rex_stuck"]);
  t.same(tell({}, [0, "press"], [59_999, "let go"]).slice(3), []);
  t.same(tell({}, [0, "press"], [70_000, "let go"]).slice(3), [
    "60000 rex_stuck",
    "70000 rex_recovered",
  ]);
});

t.test(
  "a button that rattles is told once, still lets people out, and spares the coil",
  async (t) => {
    const rattle = Array.from({ length: 300 }, (_, index) => {
      return [index * 100, index % 2 === 0 ? "press" : "let go"] as const;
    });
    const { story, state } = live({}, rattle, 30_000);
    const told = story.map((line) => line.replace(/^[0-9]+ /, ""));
    const count = (what: string) => told.filter((line) => line === what).length;
    t.equal(count("rex_chatter"), 1);
    t.equal(
      story.find((line) => line.endsWith("rex_chatter")),
      `${(rexChatter.changeCount - 1) * 100} rex_chatter`,
    );
    t.equal(count("rex_admitted"), count("strike released"), "each release has a record");
    t.ok(count("rex_admitted") <= 2, "and there is no flood");
    t.same(doorTroubles(state), ["rex_chatter"]);
    t.same(live({}, rattle).story.at(-1), `${29_900 + rexChatter.quietMs} rex_recovered`);
  },
);

const rattling = (fromMs: number, changeCount: number): readonly Happening[] =>
  Array.from({ length: changeCount }, (_, index) => {
    return [fromMs + index * 50, index % 2 === 0 ? "opens" : "shuts"] as const;
  });

t.test("a contact that rattles is told once and no more is made of it", async (t) => {
  const { story, state } = live({}, rattling(0, 100), 10_000);
  t.equal(story.filter((line) => line.endsWith("contact_chatter")).length, 1);
  t.ok(story.length < 2 * contactChatter.changeCount, "there is no flood");
  t.equal(
    story.some((line) => line.includes("strike")),
    false,
    "and nothing is granted",
  );
  t.same(doorTroubles(state), ["contact_chatter"]);
  t.equal(
    live({}, rattling(0, 100)).story.at(-2),
    `${4_950 + contactChatter.quietMs} contact_recovered`,
  );
});

t.test("a door whose contact rattles is a door without a contact", async (t) => {
  const lead = rattling(0, 9);
  const after = (...happenings: readonly Happening[]) => {
    const { story } = live({ settings: { relock: "on_open" } }, [...lead, ...happenings], 9_000);
    return story.filter((line) => Number.parseInt(line, 10) > 400);
  };
  t.same(after([500, "grant"]), ["500 strike released", "3500 strike secured"], "seen open");
  t.same(
    after([450, "shuts"], [500, "grant"], [600, "opens"], [700, "shuts"]),
    ["500 strike released", "3500 strike secured"],
    "relocked by time alone",
  );
});

t.test("a contact that went quiet is believed again, with what it settled on", async (t) => {
  const quietAt = 400 + contactChatter.quietMs;
  const settled = (start: Start, ...happenings: readonly Happening[]) =>
    tell(start, ...happenings).filter((line) => Number.parseInt(line, 10) >= quietAt);
  t.same(
    settled({}, ...rattling(50, 8)),
    [`${quietAt} show alarm_cleared`, `${quietAt} contact_recovered`, `${quietAt} door_secured`],
    "shut, after it began with a forced opening",
  );
  t.same(
    settled({}, ...rattling(0, 9)),
    [`${quietAt} contact_recovered`, "20300 door_held_warning", "30300 door_held"],
    "open, the alarm that it began with going on",
  );
  t.same(
    settled({}, [0, "press"], [1, "let go"], ...rattling(10, 8), [4_000, "opens"]).slice(0, 3),
    ["14000 show alarm_forced", "14000 contact_recovered", "14000 door_forced"],
    "open, by an opening that nothing explained",
  );
});

t.test("a door starts secured and invents nothing, whatever it finds", async (t) => {
  for (const leaf of ["open", "closed", "no_contact"] as const) {
    for (const rex of ["pressed", "idle"] as const) {
      const { story, state } = live({ leaf, rex }, [], 9_000);
      t.same(story, [], `${leaf}, ${rex}`);
      t.equal(doorUnlocked(state), false);
      t.equal(doorAlarm(state), "none");
      t.equal(doorLeaf(state), leaf);
    }
  }
});

t.test("a leaf found open is held open as if it had been let in at the start", async (t) => {
  t.same(tell({ leaf: "open" }, [40_000, "shuts"]), [
    "23000 show warning_held",
    "23000 door_held_warning",
    "33000 show alarm_held",
    "33000 door_held",
    "40000 show alarm_cleared",
    "40000 door_secured",
  ]);
  t.same(tell({ leaf: "open" }, [10_000, "shuts"]), []);
});

t.test(
  "a button found pressed admits nobody, and nothing is forced until it is let go",
  async (t) => {
    t.same(tell({ rex: "pressed" }, [1_000, "opens"], [1_500, "let go"], [2_000, "shuts"]), []);
    t.same(
      tell({ rex: "pressed" }, [1_000, "opens"], [2_000, "shuts"], [3_000, "let go"])[0],
      "2000 strike released",
      "but the leaf shuts nobody in",
    );
    t.same(tell({ rex: "pressed" }), [`${rexStuckMs} rex_stuck`]);
  },
);

t.test("a leaf that a door without a contact reports is nothing", async (t) => {
  t.same(tell({ leaf: "no_contact" }, [0, "opens"], [1, "shuts"]), []);
});

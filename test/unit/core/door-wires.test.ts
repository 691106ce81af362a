import t from "tap";
import { doorLeaf, doorTroubles } from "../../../src/core/door-machine.ts";
import { contactStuckCount } from "../../../src/core/leaf-watch.ts";
import { type Happening, live, tell } from "./door-life.ts";

t.test("a contact's wire that is cut or shorted is told, and told again when mended", async (t) => {
  for (const fault of ["cut", "shorted"] as const) {
    t.same(tell({}, [1_000, `contact ${fault}`], [60_000, "shuts"]), [
      `1000 contact_${fault}`,
      "60000 contact_recovered",
    ]);
    const { state } = live({}, [[1_000, `contact ${fault}`]], 2_000);
    t.same(doorTroubles(state), [`contact_${fault}`]);
    t.equal(doorLeaf(state), "no_contact");
  }
  t.same(
    tell({}, [1_000, "contact cut"], [2_000, "contact shorted"], [3_000, "shuts"]),
    ["1000 contact_cut", "2000 contact_shorted", "3000 contact_recovered"],
    "each fault once, and one end of all",
  );
});

t.test("a door whose contact is cut is a door without a contact", async (t) => {
  const relock = { settings: { relock: "on_close" } } as const;
  t.same(
    tell(relock, [0, "contact cut"], [1_000, "grant"], [2_000, "shuts"]),
    ["0 contact_cut", "1000 strike released", "2000 contact_recovered", "4000 strike secured"],
    "the full duration, even if the wire comes back meanwhile",
  );
});

t.test("an alarm in force outlasts a cut wire until the contact can tell", async (t) => {
  t.same(tell({}, [0, "opens"], [1_000, "contact cut"], [90_000, "shuts"]), [
    "0 show alarm_forced",
    "0 door_forced",
    "1000 contact_cut",
    "90000 show alarm_cleared",
    "90000 contact_recovered",
    "90000 door_secured",
  ]);
});

t.test("a leaf found open when the wire is mended was forced if nothing allowed it", async (t) => {
  const isForced = (...happenings: readonly Happening[]) =>
    tell({}, ...happenings).some((line) => line.endsWith("door_forced"));
  t.equal(isForced([0, "contact cut"], [9_000, "opens"]), true);
  t.equal(isForced([0, "contact cut"], [3_000, "grant"], [9_000, "opens"]), false);
  t.equal(isForced([0, "contact cut"], [3_000, "press"], [90_000, "opens"]), false);
  t.equal(isForced([0, "grant"], [1, "contact cut"], [90_000, "opens"]), false);
  t.equal(
    isForced([0, "grant"], [1_000, "opens"], [2_000, "contact cut"], [9_000, "opens"]),
    false,
    "nor if it stood open before",
  );
});

t.test("a wire that comes and goes is a contact that rattles", async (t) => {
  const loose = Array.from({ length: 60 }, (_, index) => {
    return [index * 100, index % 2 === 0 ? "contact cut" : "shuts"] as const;
  });
  const story = tell({}, ...loose);
  t.equal(story.filter((line) => line.endsWith("contact_chatter")).length, 1);
  t.ok(story.length < 10, "there is no flood");
  t.equal(story.at(-1), "15900 contact_recovered");
  t.equal(
    tell({}, ...loose, [6_000, "contact shorted"]).at(-1),
    "16000 contact_shorted",
    "and what it settles on is told",
  );
});

t.test("a cut or shorted button releases nothing and no exit is forced meanwhile", async (t) => {
  for (const fault of ["cut", "shorted"] as const) {
    t.same(
      tell({}, [0, `rex ${fault}`], [90_000, "opens"], [91_000, "shuts"], [92_000, "let go"]),
      [`0 rex_${fault}`, "92000 rex_recovered"],
      fault,
    );
    t.same(doorTroubles(live({}, [[0, `rex ${fault}`]], 9_000).state), [`rex_${fault}`]);
  }
});

t.test("a button just mended lets out who presses it", async (t) => {
  t.same(tell({}, [0, "rex cut"], [5_000, "press"], [5_500, "let go"]), [
    "0 rex_cut",
    "5000 strike released",
    "5000 rex_recovered",
    "5000 rex_admitted",
    "8000 strike secured",
  ]);
  t.same(
    tell({ settings: { rex: "report" } }, [0, "rex cut"], [5_000, "press"], [5_500, "let go"]),
    ["0 rex_cut", "5000 rex_recovered", "5000 rex_reported"],
    "or says that he left",
  );
});

t.test("a button's wire that comes and goes is told once", async (t) => {
  const loose = Array.from({ length: 60 }, (_, index) => {
    return [index * 100, index % 2 === 0 ? "rex cut" : "let go"] as const;
  });
  const story = tell({}, ...loose);
  t.equal(story.filter((line) => line.endsWith("rex_chatter")).length, 1);
  t.ok(story.length < 25, "there is no flood");
  t.equal(story.at(-1), "15900 rex_recovered");
  t.equal(tell({}, ...loose, [6_000, "rex shorted"]).at(-1), "16000 rex_shorted");
});

t.test("a wire found cut at start is told once somebody can hear of it", async (t) => {
  t.same(tell({ leaf: "cut", rex: "shorted" }), ["1000 contact_cut", "1000 rex_shorted"]);
  t.same(doorTroubles(live({ leaf: "cut", rex: "shorted" }, [], 0).state), [
    "contact_cut",
    "rex_shorted",
  ]);
  t.same(
    tell({ leaf: "cut", rex: "shorted" }, [500, "shuts"], [600, "let go"]),
    [],
    "and not at all if it was sound by then",
  );
  t.same(
    tell({ leaf: "cut" }, [5_000, "opens"]).slice(0, 2),
    ["1000 contact_cut", "5000 contact_recovered"],
    "a leaf found open behind it was not forced",
  );
});

t.test("a contact that says closed through ten grants is stuck", async (t) => {
  const grants = (count: number) =>
    Array.from({ length: count }, (_, index) => [index * 10_000, "grant"] as const);
  const stuck = (...happenings: readonly Happening[]) =>
    tell({}, ...happenings).filter((line) => line.includes("contact_"));
  t.same(stuck(...grants(contactStuckCount - 1)), []);
  t.same(stuck(...grants(15)), ["93250 contact_stuck"], "told once");
  t.same(stuck(...grants(12), [200_000, "opens"]), [
    "93250 contact_stuck",
    "200000 contact_recovered",
  ]);
  t.same(
    stuck(...grants(9), [85_000, "opens"], [86_000, "shuts"], [90_000, "grant"]),
    [],
    "in a row",
  );
  t.same(doorTroubles(live({}, grants(10), 99_000).state), ["contact_stuck"]);
  t.same(
    stuck(...Array.from({ length: 20 }, (_, index) => [index * 10_000, "press"] as const)),
    [],
    "exits are no sign: a motion sensor sees who walks by",
  );
});

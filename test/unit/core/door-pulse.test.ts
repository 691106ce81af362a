import t from "tap";
import { pulseRefusal } from "../../../src/core/door-pulse.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { live, tell } from "./door-life.ts";

t.test("a pulse releases the strike for its time and expects nobody", async (t) => {
  const { story, passages } = live({}, [[0, "pulse of 500 ms"]]);
  t.same(story, ["0 strike released", "500 strike secured"]);
  t.same(passages, [], "no grant waits for anybody to come in");
});

t.test("no pulse outlasts the coil's limit", async (t) => {
  t.same(tell({ settings: { strikeOnMaxMs: 5_000 } }, [0, "pulse of an hour"]), [
    "0 strike released",
    "5000 strike secured",
  ]);
  const again = tell(
    { settings: { strikeOnMaxMs: 5_000 } },
    [0, "pulse of an hour"],
    [4_000, "pulse of an hour"],
  );
  t.same(again, ["0 strike released", "5000 strike secured"], "nor do two");
});

t.test("who opens the door during a pulse has not forced it", async (t) => {
  const story = tell({}, [0, "pulse of 500 ms"], [300, "opens"], [2_000, "shuts"]);
  t.notMatch(story.join(), "door_forced");
  const later = tell({}, [0, "pulse of 500 ms"], [5_000, "opens"]);
  t.match(later.join(), "5000 door_forced", "and who opens it long after has");
});

t.test("under an open leaf the strike stays as it is", async (t) => {
  const opened = live(
    {},
    [
      [0, "grant"],
      [100, "opens"],
      [5_000, "pulse of 500 ms"],
    ],
    5_001,
  );
  t.notMatch(opened.story.join(), "5000 strike");
  t.equal(pulseRefusal(opened.state, monotonicMs(5_001)), "leaf_open");
});

t.test("a strike that is held released is not for a pulse to secure", async (t) => {
  const held = live(
    {},
    [
      [0, "hold unlocked"],
      [1_000, "pulse of 500 ms"],
    ],
    60_000,
  );
  t.same(held.story, ["0 strike released"]);
  t.equal(pulseRefusal(held.state, monotonicMs(60_000)), "held_unlocked");
});

t.test("a lockdown ends a pulse at once, and a grant is not cut short by one", async (t) => {
  t.same(tell({}, [0, "pulse of an hour"], [1_000, "secure now"]), [
    "0 strike released",
    "1000 strike secured",
  ]);
  t.same(
    live({ leaf: "no_contact" }, [
      [0, "grant"],
      [100, "pulse of 500 ms"],
    ]).story,
    ["0 strike released", "3000 strike secured"],
  );
});

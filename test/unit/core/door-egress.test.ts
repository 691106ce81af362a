import t from "tap";
import { type Happening, tell } from "./door-life.ts";

const strikes = (story: readonly string[]) => story.filter((line) => line.includes(" strike "));

t.test("whoever holds the button is not shut in while the coil stands it", async (t) => {
  const exit = (...happenings: readonly Happening[]) =>
    strikes(tell({ leaf: "no_contact" }, ...happenings));
  t.same(exit([0, "press"], [2_500, "let go"]).at(-1), "3000 strike secured");
  t.same(exit([0, "press"], [10_000, "let go"]).at(-1), "12000 strike secured");
  t.same(exit([0, "press"], [20_500, "let go"]).at(-1), "20000 strike secured");
  t.same(
    exit([0, "grant"], [2_000, "rex cut"]).at(-1),
    "3000 strike secured",
    "a cut wire is nobody",
  );
  t.same(
    exit([0, "press"], [20_500, "let go"], [20_600, "press"], [20_700, "let go"]).slice(2),
    ["20600 strike released", "23600 strike secured"],
    "and pressing again is another exit",
  );
});

t.test("a leaf that shuts does not lock in who holds the button", async (t) => {
  for (const relock of ["after_unlock_time", "on_open", "on_close"] as const) {
    const start = { settings: { relock } };
    const story = tell(
      start,
      [0, "press"],
      [200, "opens"],
      [10_000, "shuts"],
      [12_000, "let go"],
      [60_000, "opens"],
      [60_500, "press"],
      [61_000, "shuts"],
      [61_100, "let go"],
    );
    t.match(strikes(story).slice(-4), [
      "10000 strike released",
      "13000 strike secured",
      "61000 strike released",
      "64000 strike secured",
    ]);
    t.match(story.join(), "61000 rex_admitted", `${relock}: and a record says why it is open`);
  }
  t.same(
    strikes(
      tell(
        { settings: { relock: "on_close", strikeOnMaxMs: 5_000 } },
        [0, "press"],
        [2_000, "opens"],
        [2_500, "shuts"],
      ),
    ),
    ["0 strike released", "5000 strike secured"],
    "as far as the coil stands it",
  );
  t.same(
    strikes(tell({ settings: { rex: "report" } }, [0, "opens"], [100, "press"], [500, "shuts"])),
    [],
    "a button that only reports opens nothing",
  );
  t.same(
    strikes(tell({ leaf: "open" }, [100, "press"], [60_200, "shuts"])),
    [],
    "nor does one that is stuck",
  );
  t.same(
    strikes(tell({ leaf: "open" }, [100, "press"], [500, "contact cut"], [600, "let go"])),
    ["500 strike released", "3500 strike secured"],
    "a leaf that nobody can see any more may have shut",
  );
});

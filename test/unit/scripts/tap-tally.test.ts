import t from "tap";
import {
  type FileOutcome,
  parseTotalLine,
  TapTally,
  totalLine,
} from "../../../scripts/tap-tally.ts";

function read(text: string): { outcomes: readonly FileOutcome[]; tally: TapTally["tally"] } {
  const tapTally = new TapTally();
  const outcomes = text.split("\n").flatMap((line) => tapTally.line(line) ?? []);
  return { outcomes, tally: tapTally.tally };
}

const mixed = `TAP version 14
1..3
# Subtest: test/unit/a.test.ts
    # seed 42
    # Subtest: a door opens
        ok 1 - should be equal
        ok 2 - should be equal
        1..2
    ok 1 - a door opens # time=3.518ms
    
    # Subtest: a door closes
        not ok 1 - numbers agree
          ---
          diff: |
            ok 7 - what the door printed
            not ok 8 - what the door printed
          ...
        
        1..1
    not ok 2 - a door closes # time=16.117ms
      ---
      at:
        lineNumber: 3
      ...
    
    ok 3 - needs a chip # SKIP no gpio-sim here
    # Subtest: outer
        ok 1 - inner \\#1 # SKIP
        1..1
    ok 4 - outer # time=1ms
    ok 5 - later # TODO
    1..5
    # time=43.015ms
not ok 1 - test/unit/a.test.ts # time=1.5s
  ---
  exitCode: 1
  ...

# Subtest: test/unit/b.test.ts
    # Subtest: b
        ok 1 - should be equal
        1..1
    ok 1 - b # time=2ms
    1..1
ok 2 - test/unit/b.test.ts # time=8.596ms
# Subtest: test/unit/c.test.ts
    ok 1 - c # time=2ms
    1..1
not ok 3 - test/unit/c.test.ts # time=30ms
  ---
  exitCode: 3
  signal: null
  ...
# { total: 12, pass: 4, fail: 4, todo: 1, skip: 3 }
`;

t.test("tests are counted by their names, and every skip is named", async (t) => {
  const { outcomes, tally } = read(mixed);
  t.equal(tally.passedCount, 5);
  t.equal(tally.failedCount, 2);
  t.same(tally.skips, [
    { file: "test/unit/a.test.ts", name: "needs a chip", reason: "no gpio-sim here" },
    { file: "test/unit/a.test.ts", name: "outer > inner #1", reason: "" },
  ]);
  t.same(
    outcomes.map(({ file, passedCount, failures, seconds }) => {
      return [file, passedCount, failures.length, seconds];
    }),
    [
      ["test/unit/a.test.ts", 3, 1, 1.5],
      ["test/unit/b.test.ts", 1, 0, 0.008596],
      ["test/unit/c.test.ts", 1, 1, 0.03],
    ],
  );
});

t.test("a failure is shown by its assertion, with tap's account and the seed", async (t) => {
  const [first] = read(mixed).outcomes;
  t.same(first?.failures[0]?.path, ["a door closes", "numbers agree"]);
  t.match(first?.failures[0]?.details, ["diff: |", "  ok 7 - what the door printed"]);
  t.match(first?.remarks, ["seed 42"]);
});

t.test("a file that fails with all of its tests passed counts, with its exit code", async (t) => {
  const failed = read(mixed).outcomes[2]?.failures[0];
  t.same(failed, { path: ["the file itself"], details: ["exitCode: 3", "signal: null"] });
});

t.test("a total is written as it is read, and the last one counts", async (t) => {
  const totals = { passedCount: 12, failedCount: 0, skippedCount: 3 };
  t.equal(totalLine(totals), "12 passed, 0 failed, 3 skipped");
  t.equal(totalLine({ ...totals, skippedCount: 0 }), "12 passed, 0 failed");
  t.same(parseTotalLine(`1 passed, 1 failed\n noise\n${totalLine(totals)}\n`), totals);
  t.equal(parseTotalLine("so 1 passed, 1 failed, it seems"), undefined);
});

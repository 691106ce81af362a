import t from "tap";
import { selectTests } from "../../../scripts/test-tiers.ts";

const tree = {
  test: {
    unit: { core: { "door.test.ts": "", "sample.ts": "" } },
    sim: { "door.test.ts": "" },
    e2e: { "start.test.ts": "", "stack.ts": "" },
  },
};

t.test("every tier runs unless some are named, and a tier without tests is fine", async (t) => {
  const root = t.testdir(tree);
  const files = (...names: string[]) =>
    selectTests({ root, names, jobCount: 2 }).map((batch) => batch.files);
  t.same(files(), [
    ["test/sim/door.test.ts", "test/unit/core/door.test.ts"],
    ["test/e2e/start.test.ts"],
  ]);
  t.same(files("sim"), [["test/sim/door.test.ts"]]);
  t.same(files("fuzz"), []);
  t.same(files("test/unit"), [["test/unit/core/door.test.ts"]]);
  t.same(files("./test/unit/core/", "unit"), [["test/unit/core/door.test.ts"]]);
  t.same(files("test/sim/door.test.ts"), [["test/sim/door.test.ts"]]);
  t.throws(() => files("units"), /neither a tier/);
});

t.test("tests of whole processes run one at a time, on a fresh build", async (t) => {
  const [inside, whole] = selectTests({ root: t.testdir(tree), names: [], jobCount: 2 });
  t.match(inside, { jobCount: 2, needsBuild: false });
  t.match(whole, { jobCount: 1, needsBuild: true });
});

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { readBenchConfig } from "../../rig/bench/bench-config.ts";

function fileWith(t: Test, text: string): string {
  const file = join(t.testdir({}), "bench.toml");
  writeFileSync(file, text);
  return file;
}

const underTest = '[under_test]\nssh = ["ssh", "root@door"]\n';

t.test("a bench is whom to ask over ssh, and which lines are wired to which", async (t) => {
  const file = fileWith(t, `${underTest}[lines]\nrelay1 = "gpiochip0:12"\n`);
  const { ssh, unit, lines } = readBenchConfig(file);
  t.same(ssh, ["ssh", "root@door"]);
  t.equal(unit, "postern-controller.service");
  t.same(lines.get("relay1"), { chip: "gpiochip0", offset: 12 });
});

t.test("a line that is no chip and offset is named with what was expected", async (t) => {
  const file = fileWith(t, `${underTest}[lines]\nrelay1 = "GPIO12"\n`);
  t.throws(() => readBenchConfig(file), /lines\.relay1: expected a chip and an offset/);
});

t.test("a key that nobody knows is refused and not overlooked", async (t) => {
  const file = fileWith(t, `${underTest}unti = "x"\n[lines]\n`);
  t.throws(() => readBenchConfig(file), /under_test\.unti/);
});

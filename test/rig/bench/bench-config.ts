import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import * as v from "valibot";

const words = v.pipe(v.array(v.string()), v.minLength(1, "expected at least one word"));
const place = v.pipe(
  v.string(),
  v.regex(/^gpiochip[0-9]+:[0-9]+$/, 'expected a chip and an offset, as "gpiochip0:17"'),
);

const schema = v.strictObject({
  under_test: v.strictObject({
    /** Before each command that is to run there, as root. */
    ssh: words,
    unit: v.optional(v.string(), "postern-controller.service"),
    state: v.optional(v.string(), "/var/lib/postern"),
    /** A copy of `.rig/program`, for what listens without deciding. */
    program: v.optional(v.string(), "/opt/postern-rig"),
    /** Of boards, in that copy. */
    profile: v.optional(v.string(), "bench"),
  }),
  /** A line of `boards/two-doors.toml`, and the line of this machine that is wired to it. */
  lines: v.record(v.string(), place),
});

export interface BenchConfig {
  readonly ssh: readonly string[];
  readonly unit: string;
  readonly state: string;
  readonly program: string;
  readonly profile: string;
  readonly lines: ReadonlyMap<string, BenchLine>;
}

export interface BenchLine {
  readonly chip: string;
  readonly offset: number;
}

/** Throws with what was expected. */
export function readBenchConfig(file: string): BenchConfig {
  const parsed = v.safeParse(schema, parse(readFileSync(file, "utf8")));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new Error(`${file}: ${v.getDotPath(issue) ?? ""}: ${issue.message}`);
  }
  const { under_test, lines } = parsed.output;
  const wired = Object.entries(lines).map(([name, at]) => {
    const [chip = "", offset] = at.split(":");
    return [name, { chip, offset: Number(offset) }] as const;
  });
  return { ...under_test, lines: new Map(wired) };
}

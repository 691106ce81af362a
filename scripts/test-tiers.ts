import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

export const tiers = ["unit", "sim", "fuzz", "conformance", "e2e"] as const;
export type Tier = (typeof tiers)[number];

/** Test files that run together. */
export interface TestBatch {
  readonly files: readonly string[];
  readonly jobCount: number;
  /** A file that runs longer has hung. */
  readonly fileSecondsMax: number;
  /** Its tests start `dist/src/main.js`. */
  readonly needsBuild: boolean;
}

export interface TestSelection {
  readonly root: string;
  /** Tiers, folders or files, relative to `root`; none means every tier. */
  readonly names: readonly string[];
  readonly jobCount: number;
}

/** Throws with a message for the person at the keyboard where a name is no test. */
export function selectTests({ root, names, jobCount }: TestSelection): readonly TestBatch[] {
  const wanted = names.length === 0 ? tiers : names;
  const files = [...new Set(wanted.flatMap((name) => testFiles(root, name)))].sort();
  const isEndToEnd = (file: string) => file.startsWith("test/e2e/");
  const batches: TestBatch[] = [
    {
      files: files.filter((file) => !isEndToEnd(file)),
      jobCount,
      fileSecondsMax: 300,
      needsBuild: false,
    },
    // One at a time: each starts several processes of its own and has deadlines to meet.
    { files: files.filter(isEndToEnd), jobCount: 1, fileSecondsMax: 1_500, needsBuild: true },
  ];
  return batches.filter((batch) => batch.files.length > 0);
}

function testFiles(root: string, name: string): string[] {
  const isTier = (tiers as readonly string[]).includes(name);
  const path = isTier ? `test/${name}` : name.replace(/^\.\//, "").replace(/\/$/, "");
  const whole = join(root, path);
  if (!existsSync(whole)) {
    // A tier whose first test is still to be written.
    if (isTier) return [];
    throw new Error(`${name} is neither a tier (${tiers.join(", ")}) nor a file or folder`);
  }
  if (!statSync(whole).isDirectory()) return [path];
  return readdirSync(whole, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => `${path}/${file}`);
}

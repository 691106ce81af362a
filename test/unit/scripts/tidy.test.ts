import t, { type Test } from "tap";
import type { RuleName } from "../../../scripts/tidy/breach.ts";
import type { Exception } from "../../../scripts/tidy/exceptions.ts";
import { describeBreaches, tidyTree } from "../../../scripts/tidy/tidy-tree.ts";

type Tree = Parameters<Test["testdir"]>[0];

/** A tree with one file in it, and its breaches as `line rule`. */
function breachesIn(t: Test, path: string, text: string, exceptions: Exception[] = []): string[] {
  let tree: Tree = text;
  for (const part of path.split("/").reverse()) tree = { [part]: tree };
  return tidyTree(t.testdir(tree), exceptions).map(({ line, rule }) => `${line} ${rule}`);
}

type Case = readonly [path: string, text: string, ...breaches: string[]];

async function judge(t: Test, cases: readonly Case[]): Promise<void> {
  for (const [path, text, ...breaches] of cases) {
    t.same(breachesIn(t, path, text), breaches, `${path}: ${text.slice(0, 70)}`);
  }
}

t.test("rooms import what house.md lets them, by every way of importing", async (t) => {
  await judge(t, [
    ["src/domain/a.ts", 'import { b } from "./b.ts";'],
    ["src/domain/a.ts", 'import type { B } from "../core/b.ts";', "1 rooms"],
    ["src/core/a.ts", 'import { b } from "../domain/b.ts";'],
    ["src/core/sub/a.ts", 'import { b } from "../../domain/b.ts";'],
    ["src/core/a.ts", 'import { b } from "../protocols/b.ts";', "1 rooms"],
    ["src/core/a.ts", '\nexport * from "../../hal/clock.ts";', "2 rooms"],
    ["src/protocols/osdp/a.ts", 'export type { B } from "../../core/b.ts";', "1 rooms"],
    ["src/controller/a.ts", 'import type { Clock } from "../../hal/clock.ts";'],
    ["src/controller/a.ts", 'import { b } from "../../hal/linux/b.ts";', "1 rooms"],
    ["src/controller/a.ts", 'const b = await import("../../hal/sim/b.ts");', "1 rooms"],
    ["src/controller/a.ts", 'type B = import("../site/b.ts").B;', "1 rooms"],
    ["src/site/a.ts", 'import { b } from "../controller/b.ts";', "1 rooms"],
    ["src/cli/a.ts", 'import { b } from "../protocols/local/b.ts";'],
    ["src/cli/a.ts", 'import { b } from "../controller/b.ts";', "1 rooms"],
    ["src/cli/a.ts", 'import { b } from "../core/b.ts";', "1 rooms"],
    ["src/compose/a.ts", 'import { b } from "../../hal/linux/b.ts";'],
    ["src/main.ts", 'import { b } from "./cli/b.ts";'],
    ["src/compose/a.ts", 'import { b } from "../../test/b.ts";', "1 rooms"],
    ["hal/clock.ts", 'import { b } from "../src/domain/b.ts";'],
    ["hal/clock.ts", 'import { b } from "../src/protocols/b.ts";', "1 rooms"],
    ["hal/linux/a.ts", 'import { b } from "../lines/b.ts";'],
    ["hal/linux/a.ts", 'import { b } from "../sim/b.ts";', "1 rooms"],
    ["hal/lines/a.ts", 'import { b } from "../sim/b.ts";', "1 rooms"],
    ["hal/sim/a.ts", 'import { b } from "../../src/core/b.ts";', "1 rooms"],
    ["test/unit/a.ts", 'import { b } from "../../hal/sim/b.ts";'],
    ["src/cellar/a.ts", "export const a = 1;", "1 room-unknown"],
    ["src/stray.ts", "export const a = 1;", "1 room-unknown"],
    ["src/core/a.ts", 'import { b } from "../domain/b.js";', "1 import-extension"],
    ["src/core/a.ts", 'import { b } from "../domain/b";', "1 import-extension"],
  ]);
});

t.test("what only looks like an import, a call or a type is none", async (t) => {
  await judge(t, [
    ["src/core/a.ts", '// import { b } from "../site/b.ts"; Date.now(); enum A {} as any'],
    [
      "src/core/a.ts",
      "export const a = \"import x from '../site/b.ts'; Date.now() // eslint-disable\";",
    ],
    ["src/core/a.ts", "export const a = (b: { any: 1; now: 2 }) => b.any + b.now;"],
    ["src/core/a.ts", "export const a = (b: boolean) => !b && b !== true;"],
    ["src/core/a.ts", "export const a = new Date(5).getTime() + Math.floor(1.5);"],
    [
      "src/controller/a.ts",
      "export const a = (clock: { setTimeout(): void }) => clock.setTimeout();",
    ],
  ]);
});

t.test("the pure rooms reach no file, socket, process, clock or chance", async (t) => {
  await judge(t, [
    ["src/core/a.ts", 'import { readFileSync } from "node:fs";', "1 io"],
    ["src/core/a.ts", 'import { readFileSync } from "fs";', "1 io"],
    ["src/protocols/a.ts", 'import { connect } from "node:net";', "1 io", "1 sockets"],
    ["src/protocols/a.ts", 'import type { Socket } from "node:net";'],
    [
      "src/protocols/a.ts",
      'import { createHmac } from "node:crypto"; import * as v from "valibot";',
    ],
    ["src/domain/a.ts", 'import Database from "better-sqlite3";', "1 io"],
    ["src/core/a.ts", "export const a = () => Date.now();", "1 clock"],
    ["src/core/a.ts", 'export const a = () => Date["now"]();', "1 clock"],
    ["src/core/a.ts", "export const a = () => globalThis.Date.now();", "1 clock"],
    ["src/core/a.ts", "export const now = Date.now;", "1 clock"],
    ["src/core/a.ts", "export const a = () => new Date();", "1 clock"],
    ["src/domain/a.ts", "export const a = () => performance.now();", "1 clock"],
    ["src/protocols/a.ts", "export const a = () => Math.random();", "1 clock"],
    ["src/protocols/a.ts", "export const a = () => setTimeout(a, 5);", "1 timer"],
    ["src/core/a.ts", "export const a = () => setImmediate(a);", "1 timer"],
    ["src/controller/a.ts", "export const a = () => Date.now();"],
  ]);
});

t.test("only compose opens sockets", async (t) => {
  await judge(t, [
    ["src/controller/a.ts", 'import { connect } from "mqtt";', "1 sockets"],
    ["src/site/a.ts", 'import { serve } from "@hono/node-server";', "1 sockets"],
    ["src/site/a.ts", 'import { Hono } from "hono";'],
    ["src/site/a.ts", 'import type { Socket } from "node:net";'],
    ["src/compose/a.ts", 'import { connect } from "mqtt";'],
    ["src/cli/a.ts", 'import { connect } from "node:net";'],
    ["hal/sim/a.ts", 'import { createServer } from "node:http";', "1 sockets"],
  ]);
});

t.test("the environment is main's to read, the terminal cli's and main's to write", async (t) => {
  await judge(t, [
    ["src/compose/a.ts", "export const a = process.env;", "1 environment"],
    ["src/compose/a.ts", 'export const a = process["env"].HOME;', "1 environment"],
    ["src/site/a.ts", 'import { argv } from "node:process";', "1 environment"],
    ["src/site/a.ts", 'import { env as e } from "process";', "1 environment"],
    ["src/main.ts", "export const a = process.env; console.log(a);"],
    ["scripts/a.ts", "export const a = process.argv; console.log(a);"],
    ["src/controller/a.ts", 'export const a = () => console.error("x");', "1 console"],
    ["src/cli/a.ts", 'export const a = () => console.error("x");'],
  ]);
});

t.test("timers are the Clock's, and tests do not sleep", async (t) => {
  await judge(t, [
    ["src/controller/a.ts", "export const a = () => setInterval(a, 5);", "1 timer"],
    ["hal/lines/a.ts", 'import { setTimeout as pause } from "node:timers/promises";', "1 timer"],
    ["hal/lines/a.ts", "export const a = () => setImmediate(a);"],
    ["test/unit/a.test.ts", "await new Promise((done) => setTimeout(done, 5));", "1 sleep"],
    ["test/unit/a.test.ts", 'import { setTimeout as sleep } from "timers/promises";', "1 sleep"],
    ["test/unit/a.test.ts", 'import { setImmediate } from "node:timers/promises";'],
  ]);
});

t.test("any, non-null assertions, enums and default exports are found in the syntax", async (t) => {
  await judge(t, [
    ["src/core/a.ts", "export const a = (b: unknown) => b as any;", "1 any"],
    ["src/core/a.ts", "export const a: any = 1;", "1 any"],
    ["src/core/a.ts", "export const a = (b?: string) => b!.length;", "1 non-null"],
    ["src/core/a.ts", "export class A { b!: string; }", "1 non-null"],
    ["src/core/a.ts", "export enum A { B }", "1 enum"],
    ["src/core/a.ts", "export const enum A { B }", "1 enum"],
    ["src/core/a.ts", "export default 1;", "1 default-export"],
    ["src/core/a.ts", "\nexport default function a() {}", "2 default-export"],
  ]);
});

t.test("a check is silenced with a reason or not at all", async (t) => {
  await judge(t, [
    ["src/core/a.ts", "// @ts-ignore", "1 suppression"],
    ["src/core/a.ts", "// @ts-ignore because it is so", "1 suppression"],
    ["src/core/a.ts", "// @ts-expect-error", "1 suppression"],
    ["src/core/a.ts", "// @ts-expect-error: the caller may be JavaScript"],
    ["src/core/a.ts", "/* eslint-disable */", "1 suppression"],
    ["src/core/a.ts", "// eslint-disable-next-line eqeqeq", "1 suppression"],
    ["src/core/a.ts", "// eslint-disable-next-line eqeqeq -- null and undefined alike"],
    ["src/core/a.ts", "// biome-ignore lint/a/b: x", "1 suppression"],
    ["src/core/a.ts", "// biome-ignore lint/a/b: the cast is the point"],
    ["test/unit/a.test.ts", "/* c8 ignore next */", "1 coverage-ignore"],
    ["test/unit/a.test.ts", "const a = [\n  1, // istanbul ignore next\n];", "2 coverage-ignore"],
  ]);
});

t.test("files are named for what they hold, and can be read in one sitting", async (t) => {
  const lines = (count: number) => "//\n".repeat(count);
  await judge(t, [
    ["src/core/doorMachine.ts", "", "1 file-name"],
    ["src/core/door_machine.ts", "", "1 file-name"],
    ["src/core/Doors/a.ts", "", "1 file-name"],
    ["src/core/door-machine.ts", ""],
    ["src/core/utils/a.ts", "", "1 folder-name"],
    ["src/core/helpers.ts", "", "1 folder-name"],
    ["test/common/a.test.ts", "", "1 folder-name"],
    ["src/core/index.ts", "", "1 barrel"],
    ["test/unit/index.test.ts", ""],
    ["config/boards/README.md", ""],
    ["src/core/a.ts", lines(400)],
    ["src/core/a.ts", lines(401), "401 file-length"],
    ["config/long.toml", lines(401)],
  ]);
});

t.test(
  "an exception holds for its file and its rule, and for as long as it is needed",
  async (t) => {
    const exception: Exception = { file: "src/core/a.ts", rule: "any", reason: "a reason" };
    const any = "export const a: any = 1;";
    t.same(breachesIn(t, "src/core/a.ts", any, [exception]), []);
    t.same(breachesIn(t, "src/core/b.ts", any, [exception]), ["1 unused-exception", "1 any"]);
    t.same(breachesIn(t, "src/core/a.ts", "export enum A { B }", [exception]), [
      "1 unused-exception",
      "1 enum",
    ]);
  },
);

t.test("a breach is told with its place and the rule it breaks", async (t) => {
  const root = t.testdir({ src: { core: { "a.ts": "\nexport const a: any = 1;" } } });
  const rule: RuleName = "any";
  t.equal(describeBreaches(tidyTree(root, [])), `src/core/a.ts:2: any\n    rule ${rule}: no any\n`);
});

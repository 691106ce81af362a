import { readFileSync } from "node:fs";
import { posix } from "node:path";
import t from "tap";
import ts from "typescript";

const known = new Map<string, readonly string[]>();

/** What a module loads when it is loaded: no types, and nothing that it loads later if at all. */
function loadedBy(file: string): readonly string[] {
  const loaded = known.get(file) ?? importsOf(file);
  known.set(file, loaded);
  return loaded;
}

function importsOf(file: string): readonly string[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest);
  return source.statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
    const { moduleSpecifier } = statement;
    if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return [];
    return isOnlyTypes(statement) ? [] : [moduleSpecifier.text];
  });
}

function isOnlyTypes(statement: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(statement)) return statement.isTypeOnly;
  const { importClause } = statement;
  if (importClause === undefined) return false;
  const { namedBindings, name, isTypeOnly } = importClause;
  if (isTypeOnly) return true;
  if (name !== undefined || namedBindings === undefined) return false;
  return ts.isNamedImports(namedBindings) && namedBindings.elements.every((one) => one.isTypeOnly);
}

/** Our files and others' packages that are in memory once `entry` is loaded. */
function allLoadedBy(...entries: readonly string[]): ReadonlySet<string> {
  const loaded = new Set<string>(entries);
  for (const file of loaded) {
    if (!file.endsWith(".ts")) continue;
    for (const name of loadedBy(file)) {
      loaded.add(name.startsWith(".") ? posix.join(posix.dirname(file), name) : name);
    }
  }
  return loaded;
}

const ofEvery = allLoadedBy("src/compose/controller.ts");
const ofReal = allLoadedBy("src/compose/controller.ts", "src/compose/linux-hardware.ts");
const ofSim = allLoadedBy("src/compose/controller.ts", "src/compose/sim-hardware.ts");

const among = (loaded: ReadonlySet<string>, pattern: RegExp) =>
  [...loaded].filter((name) => pattern.test(name));

t.test("a real board carries neither a web server nor a simulated one", async (t) => {
  t.ok(ofReal.has("hal/lines/board.ts"));
  t.same(among(ofReal, /^hono|^@hono|^aedes|^hal\/sim\/|board-face/), []);
  t.ok(among(ofSim, /^hono/).length > 0, "where they would be seen");
  t.ok(ofSim.has("hal/sim/sim-board.ts"));
});

t.test("a driver is loaded where the configuration names it", async (t) => {
  const drivers = /^onoff|^i2c-bus|^serialport|^hal\/linux\/(gpio|sysfs|serial)\//;
  t.same(among(ofReal, drivers), []);
  t.same(among(ofSim, drivers), []);
  t.same(among(ofEvery, /^hal\/(sim|linux\/(gpio|sysfs|i2c|serial|secure))\//), []);
});

t.test("a controller carries nothing of the site, and no command line", async (t) => {
  t.same(among(ofReal, /^src\/(site|cli)\/|^commander/), []);
});

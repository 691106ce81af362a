import ts from "typescript";
import type { Breach, RuleName } from "./breach.ts";
import { pureRooms, roomOf } from "./rooms.ts";
import { type SourceFile, walk } from "./source-file.ts";

const clockReads = new Set([
  ...["Date.now", "performance.now", "process.hrtime", "process.hrtime.bigint", "process.uptime"],
  ...["Math.random", "crypto.getRandomValues", "crypto.randomUUID", "Temporal.Now"],
]);
const timerCalls = new Set(["setTimeout", "setInterval"]);
/** Not a sleep: the next turn of the event loop comes as soon as it can. Still no pure thing. */
const turnCall = "setImmediate";
const timerModules = /^(node:)?timers(\/promises)?$/;

/** What a room's code may not name, however it is called. */
export function checkCalls(source: SourceFile): readonly Breach[] {
  const { syntax, path } = source;
  const room = roomOf(path);
  if (room === undefined) return [];
  const breaches: Breach[] = [];
  const add = (rule: RuleName, node: ts.Node) =>
    breaches.push({
      file: path,
      line: source.lineOf(node.getStart(syntax)),
      rule,
      found: node.getText(syntax).split("\n", 1)[0] ?? "",
    });
  const isPure = pureRooms.includes(room);
  const isShipped = room !== "scripts" && room !== "test";
  walk(syntax, (node) => {
    const name = nameOf(node);
    if (name !== undefined) {
      if (isShipped && room !== "main" && /^process\.(env|argv|execArgv)$/.test(name)) {
        add("environment", node);
      }
      if (isPure && clockReads.has(name)) add("clock", node);
      if (isShipped && room !== "main" && room !== "cli" && /^console\.\w+$/.test(name)) {
        add("console", node);
      }
    }
    if (isPure && isDateOfNow(node)) add("clock", node);
    if (isTimerUse(node) || (isPure && isCallOf(node, turnCall))) {
      add(room === "test" ? "sleep" : "timer", node);
    }
    if (isShipped && room !== "main") {
      for (const found of importedEnvironment(node)) add("environment", found);
    }
  });
  return breaches;
}

/** `a.b.c` and `a["b"].c` as `a.b.c`; `globalThis.` is looked through. */
function nameOf(node: ts.Node): string | undefined {
  if (ts.isIdentifier(node)) return node.text;
  let owner: ts.Expression;
  let member: string;
  if (ts.isPropertyAccessExpression(node)) {
    owner = node.expression;
    member = node.name.text;
  } else if (ts.isElementAccessExpression(node) && ts.isStringLiteral(node.argumentExpression)) {
    owner = node.expression;
    member = node.argumentExpression.text;
  } else {
    return undefined;
  }
  const before = nameOf(owner);
  if (before === undefined) return undefined;
  return before === "globalThis" ? member : `${before}.${member}`;
}

function isDateOfNow(node: ts.Node): boolean {
  if (ts.isNewExpression(node)) {
    return nameOf(node.expression) === "Date" && (node.arguments?.length ?? 0) === 0;
  }
  return ts.isCallExpression(node) && nameOf(node.expression) === "Date";
}

function isCallOf(node: ts.Node, name: string): boolean {
  return ts.isCallExpression(node) && nameOf(node.expression) === name;
}

/** A call, or an import of the same under any name: `import { setTimeout as pause } from …`. */
function isTimerUse(node: ts.Node): boolean {
  if (ts.isCallExpression(node)) return timerCalls.has(nameOf(node.expression) ?? "");
  if (!ts.isImportDeclaration(node) || !ts.isStringLiteral(node.moduleSpecifier)) return false;
  const { importClause, moduleSpecifier } = node;
  if (importClause?.isTypeOnly === true || !timerModules.test(moduleSpecifier.text)) return false;
  const names = importClause?.namedBindings;
  if (names === undefined || !ts.isNamedImports(names)) return true;
  return names.elements.some(({ propertyName, name }) => (propertyName ?? name).text !== turnCall);
}

function importedEnvironment(node: ts.Node): readonly ts.Node[] {
  if (!ts.isImportDeclaration(node) || !ts.isStringLiteral(node.moduleSpecifier)) return [];
  if (!/^(node:)?process$/.test(node.moduleSpecifier.text)) return [];
  const names = node.importClause?.namedBindings;
  if (names === undefined || !ts.isNamedImports(names)) return [];
  return names.elements.filter((element) =>
    /^(env|argv|execArgv)$/.test((element.propertyName ?? element.name).text),
  );
}

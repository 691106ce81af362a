import ts from "typescript";
import type { Breach } from "./breach.ts";
import { importComplaint, isKnownRoom, pureRooms, roomOf } from "./rooms.ts";
import { type SourceFile, walk } from "./source-file.ts";

/** Modules by which code reaches the world. Hashes, ciphers and encodings are pure enough. */
const worldlyModules = new Set([
  ...["fs", "fs/promises", "net", "tls", "dgram", "http", "https", "http2", "dns", "os", "tty"],
  ...["child_process", "worker_threads", "cluster", "process", "readline", "repl", "inspector"],
  ...["timers", "timers/promises", "perf_hooks", "console"],
]);
const worldlyPackages = new Set([
  ...["aedes", "better-sqlite3", "mqtt", "pino", "hono", "@hono/node-server", "commander"],
]);

const socketModules = new Set(["net", "tls", "dgram", "http", "https", "http2"]);
const socketPackages = new Set(["aedes", "mqtt", "@hono/node-server"]);
/** cli connects to the daemon; drivers own their sockets; tests and scripts play the other side. */
const socketRooms = new Set(["compose", "main", "cli", "hal/linux", "scripts", "test"]);

interface FoundImport {
  readonly specifier: string;
  readonly position: number;
  /** Gone when the program runs. */
  readonly isTypeOnly: boolean;
}

export function checkImports(source: SourceFile): readonly Breach[] {
  const breaches: Breach[] = [];
  const room = roomOf(source.path);
  const add = (rule: Breach["rule"], position: number, found: string) =>
    breaches.push({ file: source.path, line: source.lineOf(position), rule, found });
  if (!isKnownRoom(room)) add("room-unknown", 0, `${source.path} is in no room`);

  for (const { specifier, position, isTypeOnly } of importsOf(source.syntax)) {
    if (specifier.startsWith(".")) {
      const complaint = importComplaint(source.path, specifier);
      if (complaint !== undefined) add("rooms", position, complaint);
      if (!/\.(ts|mts|mjs|json)$/.test(specifier)) add("import-extension", position, specifier);
      continue;
    }
    if (isTypeOnly || room === undefined) continue;
    const builtIn = specifier.replace(/^node:/, "");
    const packageName = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
    if (
      pureRooms.includes(room) &&
      (worldlyModules.has(builtIn) || worldlyPackages.has(packageName))
    ) {
      add("io", position, `${room} imports ${specifier}`);
    }
    if (socketModules.has(builtIn) || socketPackages.has(packageName)) {
      if (!socketRooms.has(room)) add("sockets", position, `${room} imports ${specifier}`);
    }
  }
  return breaches;
}

function importsOf(syntax: ts.SourceFile): readonly FoundImport[] {
  const found: FoundImport[] = [];
  const add = (specifier: ts.Node | undefined, isTypeOnly: boolean) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const position = specifier.getStart(syntax);
    found.push({ specifier: specifier.text, position, isTypeOnly });
  };
  walk(syntax, (node) => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.isTypeOnly === true);
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true);
    } else if (ts.isCallExpression(node) && isLoading(node)) {
      add(node.arguments[0], false);
    }
  });
  return found;
}

/** `import(…)`, `require(…)`, `require.resolve(…)` and a `createRequire` that kept the name. */
function isLoading({ expression }: ts.CallExpression): boolean {
  if (expression.kind === ts.SyntaxKind.ImportKeyword) return true;
  const callee = ts.isPropertyAccessExpression(expression) ? expression.expression : expression;
  return ts.isIdentifier(callee) && callee.text === "require";
}

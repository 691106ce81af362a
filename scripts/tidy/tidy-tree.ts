import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { type Breach, describeBreach } from "./breach.ts";
import { checkCalls } from "./call-rules.ts";
import { type Exception, exceptions as houseExceptions } from "./exceptions.ts";
import { checkFile } from "./file-rules.ts";
import { checkImports } from "./import-rules.ts";
import { parseSource } from "./source-file.ts";
import { checkSyntax } from "./syntax-rules.ts";

const folders = ["src", "hal", "scripts", "test", "config", "systemd"];
const sourcePattern = /\.(ts|mts|mjs|js)$/;

/** Everything in the tree under `root` that breaks a rule, in the order of files and lines. */
export function tidyTree(
  root: string,
  exceptions: readonly Exception[] = houseExceptions,
): readonly Breach[] {
  const all = filesIn(root).flatMap((path) => checkPath(root, path));
  const isExcepted = ({ file, rule }: Breach, exception: Exception) =>
    exception.file === file && exception.rule === rule;
  const left = all.filter((breach) => !exceptions.some((one) => isExcepted(breach, one)));
  const unused = exceptions.filter((one) => !all.some((breach) => isExcepted(breach, one)));
  return [...left, ...unused.map(unusedException)].sort(byPlace);
}

export function describeBreaches(breaches: readonly Breach[]): string {
  return breaches.map((breach) => `${describeBreach(breach)}\n`).join("");
}

function unusedException({ file, rule }: Exception): Breach {
  return {
    file: "scripts/tidy/exceptions.ts",
    line: 1,
    rule: "unused-exception",
    found: `${file} no longer breaks ${rule}`,
  };
}

function filesIn(root: string): readonly string[] {
  return (
    folders
      .filter((folder) => existsSync(join(root, folder)))
      .flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).slice(join(root, "/").length)),
      )
      .map((path) => path.replaceAll(sep, "/"))
      // What is compiled beside its source has the name that its loader wants.
      .filter((path) => !/(^|\/)(\.|(node_modules|build)\/)/.test(path))
  );
}

function checkPath(root: string, path: string): readonly Breach[] {
  if (!sourcePattern.test(path)) return checkFile(path, undefined);
  const text = readFileSync(join(root, path), "utf8");
  const source = parseSource(path, text);
  const lineCount = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  return [
    ...checkFile(path, lineCount),
    ...checkImports(source),
    ...checkCalls(source),
    ...checkSyntax(source),
  ];
}

function byPlace(one: Breach, other: Breach): number {
  if (one.file !== other.file) return one.file < other.file ? -1 : 1;
  return one.line - other.line;
}

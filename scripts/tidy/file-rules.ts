import { posix } from "node:path";
import type { Breach } from "./breach.ts";

const fileLinesMax = 400;
const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*$/;
/** What no one can say what it is about. */
const vagueNames = /^(utils?|helpers?|common|managers?|types|misc|shared|lib)$/;

/** `path` is relative to the repository; `lineCount` undefined where the text is not ours to count. */
export function checkFile(path: string, lineCount: number | undefined): readonly Breach[] {
  const breaches: Breach[] = [];
  const add = (rule: Breach["rule"], found: string, line = 1) =>
    breaches.push({ file: path, line, rule, found });
  const folders = posix.dirname(path).split("/");
  // `setup.d.mts`, `door.test.ts`: what stands before the first dot is the name.
  const [name = ""] = posix.basename(path).split(".");
  for (const folder of folders) {
    if (vagueNames.test(folder)) add("folder-name", `folder ${folder}`);
    else if (!kebabCase.test(folder)) add("file-name", `folder ${folder}`);
  }
  if (vagueNames.test(name)) add("folder-name", `file ${posix.basename(path)}`);
  else if (!kebabCase.test(name) && name !== "README") add("file-name", posix.basename(path));
  if (name === "index" && /^(src|hal)$/.test(folders[0] ?? "")) add("barrel", path);
  if (lineCount !== undefined && lineCount > fileLinesMax) {
    add("file-length", `${lineCount} lines`, fileLinesMax + 1);
  }
  return breaches;
}

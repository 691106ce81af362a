import ts from "typescript";

/** One file of the repository, parsed without its types: tidy runs on code that does not compile. */
export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly syntax: ts.SourceFile;
  lineOf(position: number): number;
}

export function parseSource(path: string, text: string): SourceFile {
  const syntax = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return {
    path,
    syntax,
    lineOf: (position) => syntax.getLineAndCharacterOfPosition(position).line + 1,
  };
}

export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

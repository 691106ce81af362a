import ts from "typescript";
import type { Breach, RuleName } from "./breach.ts";
import { type SourceFile, walk } from "./source-file.ts";

/** Configuration of tools that want a default export. */
const defaultExportWanted = /^[^/]+\.config\.(js|ts|mjs)$/;

export function checkSyntax(source: SourceFile): readonly Breach[] {
  const { syntax, path } = source;
  const breaches: Breach[] = [];
  const add = (rule: RuleName, position: number, found: string) =>
    breaches.push({ file: path, line: source.lineOf(position), rule, found });
  walk(syntax, (node) => {
    const rule = ruleBrokenBy(node);
    if (rule === undefined || (rule === "default-export" && defaultExportWanted.test(path))) return;
    add(rule, node.getStart(syntax), node.getText(syntax).split("\n", 1)[0] ?? "");
  });
  for (const { text, position } of commentsOf(syntax)) {
    const rule = ruleSilencedBy(text);
    if (rule !== undefined) add(rule, position, text.split("\n", 1)[0] ?? "");
  }
  return breaches;
}

function ruleBrokenBy(node: ts.Node): RuleName | undefined {
  if (node.kind === ts.SyntaxKind.AnyKeyword) return "any";
  if (ts.isNonNullExpression(node)) return "non-null";
  if (ts.isPropertyDeclaration(node) && node.exclamationToken !== undefined) return "non-null";
  if (ts.isEnumDeclaration(node)) return "enum";
  if (ts.isExportAssignment(node)) return "default-export";
  const isDefault =
    ts.canHaveModifiers(node) &&
    ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true;
  return isDefault ? "default-export" : undefined;
}

function ruleSilencedBy(comment: string): RuleName | undefined {
  if (/\b(c8|v8|istanbul|node:coverage)\s+(ignore|disable)/.test(comment)) return "coverage-ignore";
  const words = "(\\s+\\S+){3}";
  // A reason is a sentence: three words at least.
  const silencers: readonly (readonly [RegExp, RegExp])[] = [
    [/@ts-(ignore|nocheck)\b/, /(?!)/],
    [/@ts-expect-error\b/, new RegExp(`@ts-expect-error[:\\s-]*${words}`)],
    [/\beslint-disable/, new RegExp(`eslint-disable.* --${words}`)],
    [/\bbiome-ignore/, new RegExp(`biome-ignore[^:]*:${words}`)],
  ];
  const silenced = silencers.find(([silencer]) => silencer.test(comment));
  return silenced !== undefined && !silenced[1].test(comment) ? "suppression" : undefined;
}

interface Comment {
  readonly text: string;
  readonly position: number;
}

/** Found from the tokens, so that a `//` inside a string or a template is none. */
function commentsOf(syntax: ts.SourceFile): readonly Comment[] {
  const text = syntax.getFullText();
  const found = new Map<number, Comment>();
  const add = (ranges: readonly ts.CommentRange[] | undefined) => {
    for (const { pos, end } of ranges ?? []) {
      found.set(pos, { text: text.slice(pos, end), position: pos });
    }
  };
  const visit = (node: ts.Node) => {
    if (node.getChildCount(syntax) === 0) {
      add(ts.getLeadingCommentRanges(text, node.getFullStart()));
      add(ts.getTrailingCommentRanges(text, node.getEnd()));
    }
    for (const child of node.getChildren(syntax)) visit(child);
  };
  visit(syntax);
  return [...found.values()];
}

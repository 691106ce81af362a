const columnGap = "  ";

/** Rows under their heads, columns as wide as they need to be. */
export function textTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heads, ...rows].map((row) => row.map(printable));
  const widths = heads.map((_, column) => {
    return Math.max(...all.map((row) => row[column]?.length ?? 0));
  });
  return all.map((row) => `${inColumns(row, widths)}\n`).join("");
}

/** One line with its cells at given widths; a cell that is wider pushes the others on. */
export function inColumns(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join(columnGap)
    .trimEnd();
}

/**
 * Text from a table or a message may hold what moves a terminal's cursor or recolours it; whoever
 * wrote that text must not write the rest of the screen.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}

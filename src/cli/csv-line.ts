import { guardFormula } from "./formula-guard.ts";

/**
 * One row with its end. Whatever could be taken for anything but its cell's own text, by one program or
 * another, is quoted: separators, quotes, ends of lines, blanks at either end.
 */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(text: string): string {
  const cell = guardFormula(text);
  return /[",;\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

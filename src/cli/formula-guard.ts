/*
 * A cell that begins so is a formula to a spreadsheet, which runs it on the machine of whoever opens the
 * file (CWE-1236). An apostrophe before it makes it text. Those that stand there already count, so that
 * what was written is what is read.
 */

const formula = /^'*[=+\-@＝＋－＠\t\r]/u;
const guarded = /^'+[=+\-@＝＋－＠\t\r]/u;

export const guardFormula = (cell: string): string => (formula.test(cell) ? `'${cell}` : cell);
export const unguardFormula = (cell: string): string => (guarded.test(cell) ? cell.slice(1) : cell);

/** What is wrong with a file and where: one line of what a person reads after a refused start. */
export interface TomlFault {
  /** As the caller named it. */
  readonly file: string;
  /** From 1. Of the key itself, or of the nearest key around it. */
  readonly line: number;
  /** From 1; only where the text is no TOML at all. */
  readonly column?: number;
  /** Such as `readers[0].d0`; empty for the file as a whole. */
  readonly key: string;
  readonly expected: string;
  /** Never a secret: the value of a secret key is named by its type. */
  readonly found: string;
}

/** `config/controller.toml:12: readers[0].d0: expected the name of a line, found 7` */
export function describeTomlFault(fault: TomlFault): string {
  const column = fault.column === undefined ? "" : `:${fault.column}`;
  const key = fault.key === "" ? "" : `${fault.key}: `;
  const place = `${fault.file}:${fault.line}${column}`;
  return `${place}: ${key}expected ${fault.expected}, found ${fault.found}`;
}

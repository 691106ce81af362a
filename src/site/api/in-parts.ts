/** As many values as one statement may name in either database. */
const valuesMax = 500;

/** What `ask` answers of all `values`, asked in parts. */
export async function inParts<Value, Row>(
  values: readonly Value[],
  ask: (part: readonly Value[]) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (let from = 0; from < values.length; from += valuesMax) {
    rows.push(...(await ask(values.slice(from, from + valuesMax))));
  }
  return rows;
}

/** Of those instants that there are; undefined where there is none. */
export function earliest<At extends number>(
  ...instants: readonly (At | undefined)[]
): At | undefined {
  let first: At | undefined;
  for (const at of instants)
    if (at !== undefined && (first === undefined || at < first)) first = at;
  return first;
}

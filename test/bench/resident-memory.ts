import { setImmediate } from "node:timers/promises";

/** V8 grows its young generation with the garbage made: once and for all, not for a table. */
export function makeGarbage(): void {
  const kept: string[][] = [];
  for (let index = 0; index < 2_000_000; index += 1) kept[index % 200_000] = [`garbage ${index}`];
}

/** After collecting all garbage: V8 hands pages back in the turns after a collection. */
export async function residentBytes(): Promise<number> {
  for (let turn = 0; turn < 10; turn += 1) {
    globalThis.gc?.();
    await setImmediate();
  }
  return process.memoryUsage.rss();
}

import type { ProcessUsage } from "./rig-target.ts";

/** Linux counts processor time in ticks of 10 ms. */
const tickMs = 10;

/**
 * What a process and those that it started took, from the texts of /proc for each: `stat`, `status` and
 * `io`, one behind the other. Its own come first. Undefined where only what is left of it is there.
 */
export function processUsage(texts: readonly string[]): Omit<ProcessUsage, "at"> | undefined {
  const [own, ...children] = texts.map(oneUsage);
  if (own === undefined) return undefined;
  const sum = { ...own, childRssBytes: 0 };
  for (const child of children) {
    if (child === undefined) continue;
    sum.childRssBytes += child.rssBytes;
    sum.cpuMs += child.cpuMs;
    sum.writtenBytes += child.writtenBytes;
  }
  return sum;
}

function oneUsage(text: string) {
  const [stat = ""] = text.split("\nName:");
  const rssKiB = /^VmRSS:\s+([0-9]+) kB$/m.exec(text)?.[1];
  if (rssKiB === undefined) return undefined;
  return {
    rssBytes: Number(rssKiB) * 1024,
    cpuMs: cpuMsOf(stat),
    writtenBytes: Number(/^write_bytes: ([0-9]+)$/m.exec(text)?.[1] ?? 0),
  };
}

/** User and system time of a process, from its `stat`: fields 14 and 15 of proc(5). */
export function cpuMsOf(stat: string): number {
  // The name may hold anything; what follows its last bracket may not.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

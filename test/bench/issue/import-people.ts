import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createSystemClock } from "../../../hal/linux/system-clock.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import type { Stack } from "../../e2e/stack.ts";
import { startPostern } from "../../e2e/stack.ts";
import { Readings } from "../readings.ts";
import type { SiteCaller } from "./site-caller.ts";

/** Between two calls of each sort, beside the import: a lobby's desk and a system or two. */
const callEveryMs = 40;

const clock = createSystemClock({ quality: () => "trusted" });

export interface Imported {
  readonly seconds: number;
  readonly reads: Readings;
  readonly changes: Readings;
}

/** `postern import` of people with a card and a group each, while others ask and change. */
export async function importPeople(options: {
  readonly stack: Stack;
  readonly caller: SiteCaller;
  readonly people: number;
  readonly folder: string;
}): Promise<Imported> {
  const { stack, caller, people, folder } = options;
  const file = join(folder, "people.csv");
  await writePeople(file, people);
  const child = startPostern(["import", file], stack.env);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  const startedAt = performance.now();
  const over = { isOver: false };
  const ended = once(child, "close").finally(() => {
    over.isOver = true;
  });
  const acs_user_id = await caller.addUser("Bench Sitter");
  const reads = keepCalling(over, () => caller.ask("/acs/users/get", { acs_user_id }));
  const changes = keepCalling(over, () => {
    const phone_number = String(Math.random());
    return caller.ask("/acs/users/update", { acs_user_id, phone_number });
  });
  const [code] = (await ended) as [number | null];
  const seconds = (performance.now() - startedAt) / 1_000;
  if (code !== 0) throw new Error(`postern import: ${said}`);
  return { seconds, reads: await reads, changes: await changes };
}

async function keepCalling(
  over: { readonly isOver: boolean },
  call: () => Promise<unknown>,
): Promise<Readings> {
  const readings = new Readings();
  while (!over.isOver) {
    const startedAt = performance.now();
    await call();
    readings.add(performance.now() - startedAt);
    await new Promise<void>((resolve) => {
      clock.alarm(monotonicMs(clock.monotonic() + callEveryMs), resolve);
    });
  }
  return readings;
}

async function writePeople(file: string, people: number): Promise<void> {
  const out = createWriteStream(file);
  out.write("user,name,email,groups,card_format,card_number\n");
  for (let person = 0; person < people; person += 1) {
    const card = `${100 + (person >>> 16)}:${person & 0xffff}`;
    const line = `p${person},Person ${person},p${person}@example.org,visitors,H10301,${card}\n`;
    if (!out.write(line)) await once(out, "drain");
  }
  out.end();
  await once(out, "finish");
}

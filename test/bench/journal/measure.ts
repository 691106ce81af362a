// `measure.ts SUBJECT BURST COUNT KEPT` writes COUNT entries, each BURST durable before the next, to a
// journal that holds KEPT already, and prints one line of JSON.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JournalRecord } from "../../../src/domain/event.ts";
import { doorId, passId, readerId, userId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { Readings } from "../readings.ts";
import { openPosternSubject } from "./postern-subject.ts";
import { openSqliteSubject } from "./sqlite-subject.ts";
import type { OpenSubject } from "./subject.ts";

export interface Measured {
  readonly perSecond: number;
  /** What the program gave the kernel to write, for each entry. */
  readonly writtenBytes: number;
  /** What the kernel had to bring to the disk for that, in whole pages. */
  readonly diskBytes: number;
  readonly appendUsP999: number;
}

const subjects: Readonly<Record<string, OpenSubject>> = {
  postern: openPosternSubject,
  "better-sqlite3": openSqliteSubject,
};

const [name = "", ...numbers] = process.argv.slice(2);
const [burst = 0, count = 0, kept = 0] = numbers.map(Number);
const open = subjects[name];
if (open === undefined) throw new Error("started by journal.ts only");

const folder = mkdtempSync(join(tmpdir(), "postern-bench-"));
try {
  process.stdout.write(`${JSON.stringify(await measure(open))}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(openSubject: OpenSubject): Promise<Measured> {
  const subject = await openSubject(folder);
  let appendUs = new Readings();
  let number = 0;
  const write = async (until: number, size: number) => {
    while (number < until) {
      const end = Math.min(until, number + size);
      while (number < end) {
        number += 1;
        const record = grant(number);
        const from = process.hrtime.bigint();
        subject.append(record);
        appendUs.add(Number(process.hrtime.bigint() - from) / 1_000);
      }
      await subject.durable(number);
    }
  };
  // A journal that has grown to what it keeps, and code that is compiled.
  await write(kept, 500);
  appendUs = new Readings();
  const before = { ...written(), at: process.hrtime.bigint() };
  await write(kept + count, burst);
  const seconds = Number(process.hrtime.bigint() - before.at) / 1e9;
  const after = written();
  const measured = {
    perSecond: count / seconds,
    writtenBytes: (after.wchar - before.wchar) / count,
    diskBytes: (after.write_bytes - before.write_bytes) / count,
    appendUsP999: appendUs.percentile(0.999),
  };
  await subject.close();
  return measured;
}

/** Of the whole process, its threads included (proc_pid_io(5)). */
function written(): { readonly wchar: number; readonly write_bytes: number } {
  const lines = readFileSync("/proc/self/io", "utf8").trim().split("\n");
  const counts = new Map(lines.map((line) => line.split(": ") as [string, string]));
  return {
    wchar: Number(counts.get("wchar")),
    write_bytes: Number(counts.get("write_bytes")),
  };
}

function grant(number: number): JournalRecord {
  return {
    event: {
      kind: "access_granted",
      door: doorId("front"),
      reader: readerId("front"),
      pass: passId(`pass-${String(number % 5_000).padStart(7, "0")}`),
      user: userId(`user-${String(number % 5_000).padStart(7, "0")}`),
      reason: "granted",
    },
    wall: { at: epochMs(1_800_000_000_000 + number * 1_000), quality: "trusted" },
    table: { epoch: 1, version: 7 },
    tableAgeMs: 3_600_000 + number,
  };
}

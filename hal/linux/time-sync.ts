import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { type SyncAnswer, synchronisedMsMax, type TimeSync } from "../time-sync.ts";

/** A program that does not answer is taken for one that is not there. */
const programMsMax = 5_000;
const outputBytesMax = 16_384;
/** How far a file may be stamped ahead of the clock that stamped it: what reading both takes. */
const stampAheadMsMax = 1_000;

/** Where the machine's own words about its clock are found. */
export interface TimeSyncPlaces {
  readonly timedatectl: string;
  readonly chronyc: string;
  readonly timesyncdFile: string;
}

// Whole paths: what stands first in somebody's PATH must not vouch for the time.
const places: TimeSyncPlaces = {
  timedatectl: "/usr/bin/timedatectl",
  chronyc: "/usr/bin/chronyc",
  timesyncdFile: "/run/systemd/timesync/synchronized",
};

/**
 * Asks, and believes the first that answers:
 *
 * 1. `timedatectl`, which says what the kernel says (adjtimex), whatever daemon keeps the clock. The
 *    kernel forgets that it was synchronised as soon as somebody sets the clock by hand.
 * 2. `chronyc`, for machines without systemd.
 * 3. The file that systemd-timesyncd touches, for a sandbox that lets no program speak to the bus. It
 *    stays when the clock is set by hand, which is why it comes last.
 *
 * The programs are started, which holds the event loop up for some milliseconds: ask seldom.
 */
export function createTimeSync(at: TimeSyncPlaces = places): TimeSync {
  const sources = [
    () => askTimedatectl(at.timedatectl),
    () => askChrony(at.chronyc),
    () => askTimesyncd(at.timesyncdFile),
  ];
  return {
    ask: async () => {
      for (const source of sources) {
        const answer = await source();
        if (answer !== "absent") return answer;
      }
      return "absent";
    },
  };
}

async function askTimedatectl(program: string): Promise<SyncAnswer> {
  const said = await outputOf(program, ["show", "--property=NTPSynchronized"]);
  if (said === "NTPSynchronized=yes") return "synchronised";
  return said === "NTPSynchronized=no" ? "unsynchronised" : "absent";
}

/** The columns of `chronyc -c tracking` (chronyc(1), "tracking"). */
const trackingColumns = 14;
const referenceColumn = 0;
const referenceTimeColumn = 3;
const leapColumn = 13;
/** The reference of a chrony that follows its own clock, by its directive `local`. */
const localReference = "7F7F0101";
const leapWords: ReadonlySet<string> = new Set(["Normal", "Insert second", "Delete second"]);

/** A chrony that has lost its servers goes on saying `Normal`: what counts is when it last heard one. */
async function askChrony(program: string): Promise<SyncAnswer> {
  const said = await outputOf(program, ["-c", "tracking"]);
  const columns = said?.split(",") ?? [];
  if (columns.length < trackingColumns) return "absent";
  const isReference = columns[referenceColumn] !== localReference;
  const isNormal = leapWords.has(columns[leapColumn] ?? "");
  const heardAt = Number(columns[referenceTimeColumn]) * 1_000;
  return isReference && isNormal && isFresh(heardAt) ? "synchronised" : "unsynchronised";
}

async function askTimesyncd(file: string): Promise<SyncAnswer> {
  try {
    return isFresh((await stat(file)).mtimeMs) ? "synchronised" : "unsynchronised";
  } catch {
    return "absent";
  }
}

/** Stamped by the clock that is asked about: a stamp from the future was made by another time. */
function isFresh(stampedMs: number): boolean {
  const ageMs = Date.now() - stampedMs;
  return ageMs >= -stampAheadMsMax && ageMs <= synchronisedMsMax;
}

/** Undefined where it is not there, fails or does not end. */
function outputOf(program: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      {
        timeout: programMsMax,
        killSignal: "SIGKILL",
        maxBuffer: outputBytesMax,
        // Answers in the language that they are read in, and nothing of ours.
        env: { LC_ALL: "C" },
      },
      (error, stdout) => resolve(error === null ? stdout.trim() : undefined),
    );
  });
}

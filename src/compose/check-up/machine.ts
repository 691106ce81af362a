import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { createTimeSync } from "../../../hal/linux/time-sync.ts";
import type { TimeSync } from "../../../hal/time-sync.ts";

/** What a check-up sees of the machine. Nothing here throws: what cannot be read is not there. */
export interface Machine {
  /** Stands before `/dev`, `/sys` and the like. */
  readonly root: string;
  /** As `uname -r` says. */
  readonly kernel: string;
  readonly timeSync: TimeSync;
  /** The text of a file, without the NUL and the line's end that the kernel closes it with. */
  read(path: string): string | undefined;
  /** Names in a folder, in order; none where there is no such folder. */
  list(path: string): readonly string[];
  /** What a program prints; undefined where it is not there, fails or does not end. */
  outputOf(program: string, args: readonly string[]): Promise<string | undefined>;
}

const programMsMax = 5_000;
const outputBytesMax = 4 * 1_024 * 1_024;

/** The machine that we run on. */
export function thisMachine(root = "/"): Machine {
  return {
    root,
    kernel: release(),
    timeSync: createTimeSync(),
    read: (path) => readText(join(root, path)),
    list: (path) => listFolder(join(root, path)),
    outputOf,
  };
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").replace(/[\0\n]+$/, "");
  } catch {
    return undefined;
  }
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function outputOf(program: string, args: readonly string[]): Promise<string | undefined> {
  const limits = {
    timeout: programMsMax,
    killSignal: "SIGKILL",
    maxBuffer: outputBytesMax,
    env: { LC_ALL: "C", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  } as const;
  return new Promise((resolve) => {
    execFile(program, args, limits, (error, stdout) => {
      resolve(error === null ? stdout : undefined);
    });
  });
}

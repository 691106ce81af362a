import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { failureCode, isMissing } from "../domain/failure-code.ts";

/** What the person who runs the site can do about its state folder: stable strings. */
export type StateFailure = "not_private" | "damaged" | "io";

/** The site's files are not as they must be; nothing was changed. */
export class StateError extends Error {
  override readonly name = "StateError";
  readonly kind: StateFailure;
  readonly file: string;

  constructor(kind: StateFailure, file: string, message: string, options?: ErrorOptions) {
    super(`${file}: ${message}`, options);
    this.kind = kind;
    this.file = file;
  }
}

/**
 * The files of a site that hold secrets: readable by their owner alone, replaced as a whole or not
 * at all, and on disk when a call returns. Names may have folders in them (`controllers/main.key`).
 */
export interface StateFolder {
  readonly path: string;
  /** Undefined where there is no such file. Throws `not_private` where others could read it too. */
  read(name: string): Uint8Array | undefined;
  write(name: string, bytes: Uint8Array | string): void;
  /** A file that is not there is none to remove. */
  remove(name: string): void;
  /** Writes unless the file exists, and answers with what the file then holds. */
  createOnce(name: string, make: () => Uint8Array | string): Uint8Array;
}

const othersMask = 0o077;
const othersWriteMask = 0o022;
const stickyBit = 0o1000;

/**
 * Makes the folder if need be, for its owner alone. One that is there keeps its mode, since the
 * files guard themselves; but where others may put files of their own, they could put a key there.
 */
export function openStateFolder(path: string): StateFolder {
  makePrivateFolder(path);

  const fileOf = (name: string): string => {
    const file = join(path, name);
    makePrivateFolder(dirname(file));
    return file;
  };

  const read = (name: string): Uint8Array | undefined => readPrivate(join(path, name));

  return {
    path,
    read,
    write: (name, bytes) => writeWhole(fileOf(name), bytes, "replace"),
    remove: (name) => removeFile(join(path, name)),
    createOnce: (name, make) => {
      const present = read(name);
      if (present !== undefined) return present;
      const file = fileOf(name);
      writeWhole(file, make(), "keep");
      // Read back: of two processes that start at once, one file stands and both go by it.
      const made = read(name);
      if (made === undefined) throw new StateError("io", file, "vanished after it was written");
      return made;
    },
  };
}

/** The part of a state folder that is the site's alone. */
export function openSiteFolder(stateFolder: string): StateFolder {
  return openStateFolder(join(stateFolder, "site"));
}

function makePrivateFolder(path: string): void {
  const mode = madeFolderMode(path);
  if ((mode & othersWriteMask) !== 0 && (mode & stickyBit) === 0) {
    const octal = (mode & 0o777).toString(8);
    throw new StateError("not_private", path, `mode ${octal}: others may write; expected 700`);
  }
}

function madeFolderMode(path: string): number {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return statSync(path).mode;
  } catch (error) {
    const code = failureCode(error);
    throw new StateError("io", path, `cannot be used as a folder: ${code}`, { cause: error });
  }
}

function readPrivate(file: string): Uint8Array | undefined {
  let mode: number;
  try {
    mode = statSync(file).mode;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new StateError("io", file, `cannot be looked at: ${failureCode(error)}`, {
      cause: error,
    });
  }
  if ((mode & othersMask) !== 0) {
    // Who could read it may have: changing the mode would hide that the secret is out.
    const octal = (mode & 0o777).toString(8);
    throw new StateError("not_private", file, `mode ${octal}: others may use it; expected 600`);
  }
  try {
    return readFileSync(file);
  } catch (error) {
    throw new StateError("io", file, `cannot be read: ${failureCode(error)}`, { cause: error });
  }
}

function writeWhole(file: string, bytes: Uint8Array | string, existing: "replace" | "keep"): void {
  const temporary = `${file}.${randomBytes(6).toString("hex")}.new`;
  try {
    const handle = openSync(temporary, "wx", 0o600);
    try {
      writeFileSync(handle, bytes);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    if (existing === "replace") renameSync(temporary, file);
    else linkUnlessPresent(temporary, file);
    syncFolder(dirname(file));
  } catch (error) {
    throw new StateError("io", file, `cannot be written: ${failureCode(error)}`, { cause: error });
  } finally {
    rmSync(temporary, { force: true });
  }
}

function removeFile(file: string): void {
  try {
    rmSync(file, { force: true });
    syncFolder(dirname(file));
  } catch (error) {
    throw new StateError("io", file, `cannot be removed: ${failureCode(error)}`, { cause: error });
  }
}

function linkUnlessPresent(temporary: string, file: string): void {
  try {
    linkSync(temporary, file);
  } catch (error) {
    if (failureCode(error) !== "EEXIST") throw error;
  }
}

function syncFolder(path: string): void {
  // Without this a power cut may take the new name away although the bytes are on disk.
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

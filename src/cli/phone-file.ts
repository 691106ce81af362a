import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { failureCode, isMissing } from "../domain/failure-code.ts";
import {
  type PhoneState,
  parsePhone,
  serialisePhone,
} from "../protocols/mobile-pass/phone-state.ts";
import { phoneName } from "./phone-name.ts";
import { CommandFailed } from "./terminal.ts";

/** What `fileVersion` is in a file that this program wrote. */
const fileVersion = 1;
const othersMayRead = 0o077;

/**
 * The phones of a file by name: none where it is not there. It holds private keys: one that others can read,
 * or that is somebody else's, is refused. Throws `CommandFailed`.
 */
export function readPhones(file: string): ReadonlyMap<string, PhoneState> {
  const text = readSecret(file);
  if (text === undefined) return new Map();
  const kept = asObject(parseJson(file, text));
  if (kept?.["version"] !== fileVersion) throw damaged(file, `version: expected ${fileVersion}`);
  const phones = asObject(kept["phones"]);
  if (phones === undefined) throw damaged(file, "phones: expected an object");
  return new Map(
    Object.entries(phones).map(([name, value]) => {
      if (!phoneName.test(name)) throw damaged(file, `phones: expected names as ${phoneName}`);
      const phone = parsePhone(JSON.stringify(value));
      if (phone.ok) return [name, phone.value];
      const { field, expected } = phone.fault;
      throw damaged(file, `phones.${name}.${field}: expected ${expected}`);
    }),
  );
}

/** Replaces one phone, or adds it; on disk, whole, when it returns. Throws `CommandFailed`. */
export function keepPhone(file: string, name: string, phone: PhoneState): void {
  // Read again: another command may have kept another phone since.
  const phones = new Map(readPhones(file)).set(name, phone);
  const entries = [...phones].map(([key, value]): [string, unknown] => [
    key,
    JSON.parse(serialisePhone(value)),
  ]);
  const kept = { version: fileVersion, phones: Object.fromEntries(entries) };
  const fresh = `${file}.new-${process.pid}`;
  try {
    writeWhole(fresh, `${JSON.stringify(kept, undefined, 2)}\n`);
    renameSync(fresh, file);
    syncFolder(dirname(file));
  } catch (error) {
    rmSync(fresh, { force: true });
    throw new CommandFailed(1, `--keys: ${file}: cannot be written: ${failureCode(error)}`);
  }
}

function readSecret(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new CommandFailed(1, `--keys: ${file}: cannot be read: ${failureCode(error)}`);
  }
  try {
    // Of what was opened, and not of what has its name by now.
    const stats = fstatSync(descriptor);
    const { mode, uid } = stats;
    if (!stats.isFile()) throw damaged(file, "expected a file");
    const user = process.getuid?.();
    if (user !== undefined && uid !== user) {
      throw new CommandFailed(1, `--keys: ${file}: is user ${uid}'s, and this is user ${user}`);
    }
    if ((mode & othersMayRead) !== 0) {
      throw new CommandFailed(
        1,
        `--keys: ${file}: others can read it, and it holds private keys: chmod 600 it, and enrol again ` +
          "what may have been read",
      );
    }
    return readFileSync(descriptor, "utf8");
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    throw new CommandFailed(1, `--keys: ${file}: cannot be read: ${failureCode(error)}`);
  } finally {
    closeSync(descriptor);
  }
}

function writeWhole(file: string, text: string): void {
  const descriptor = openSync(file, "wx", 0o600);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Its words would repeat a part of the file.
    throw damaged(file, "expected JSON");
  }
}

function damaged(file: string, what: string): CommandFailed {
  return new CommandFailed(1, `--keys: ${file}: ${what}`);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? Object.fromEntries(Object.entries(value)) : undefined;
}

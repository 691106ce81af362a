import { randomUUID } from "node:crypto";
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import process from "node:process";

const lockBeatMs = 2_000;
/** A holder that has not touched its lock for this long is gone, whatever its process id says. */
const lockStaleMs = 60_000;

/**
 * Waits until no other command sets up. The returned function frees the lock.
 *
 * @param {string} file
 * @param {() => void} waiting is called once, if there is a wait
 * @returns {Promise<() => void>}
 */
export async function acquireLock(file, waiting) {
  mkdirSync(dirname(file), { recursive: true });
  const token = `${process.pid} ${randomUUID()}\n`;
  for (let hasSaidSo = false; ; ) {
    if (createExclusively(file, token)) break;
    const holder = readIfPresent(file);
    if (holder !== undefined && isStale(file, holder)) {
      removeStale(file, holder);
      continue;
    }
    if (!hasSaidSo) waiting();
    hasSaidSo = true;
    await pause(250);
  }
  const beat = setInterval(() => touch(file), lockBeatMs);
  beat.unref();
  const release = () => {
    clearInterval(beat);
    process.off("exit", release);
    if (readIfPresent(file) === token) rmSync(file, { force: true });
  };
  process.on("exit", release);
  return release;
}

/**
 * @param {string} file
 * @param {string} content
 */
function createExclusively(file, content) {
  // Written aside and linked: a lock is never seen without the name of its holder.
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EPERM") {
      return createWithoutLinks(file, content); // a file system without hard links
    }
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/**
 * @param {string} file
 * @param {string} content
 */
function createWithoutLinks(file, content) {
  try {
    const handle = openSync(file, "wx");
    writeFileSync(handle, content);
    closeSync(handle);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * @param {string} file
 * @param {string} holder
 */
function isStale(file, holder) {
  const touchedAt = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  if (touchedAt === undefined) return false;
  if (Date.now() - touchedAt > lockStaleMs) return true;
  const holderId = Number.parseInt(holder, 10);
  if (Number.isNaN(holderId)) return false;
  try {
    process.kill(holderId, 0);
    return false;
  } catch (error) {
    // EPERM: it lives, under another user.
    return /** @type {NodeJS.ErrnoException} */ (error).code === "ESRCH";
  }
}

/**
 * Of several that see the same stale lock one gets to rename it; what it then holds may already be
 * its successor's, and goes back.
 *
 * @param {string} file
 * @param {string} holder
 */
function removeStale(file, holder) {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch {
    return; // Somebody else removed it.
  }
  if (readIfPresent(aside) !== holder) {
    try {
      linkSync(aside, file);
    } catch {
      // A third has the lock by now; its heart beats, and the second finds its token gone.
    }
  }
  rmSync(aside, { force: true });
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @param {string} file */
function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // Gone: release() will see that too.
  }
}

/** @param {string} file */
function readIfPresent(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

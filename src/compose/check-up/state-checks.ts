import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { openSiteKeyStore } from "../../controller/site-key-store.ts";
import { describeFailure } from "../../domain/describe-failure.ts";
import { parseProvision } from "../../protocols/sync/provision.ts";
import type { ControllerConfig } from "../config/controller-config.ts";
import { readStartFile } from "../start-file.ts";
import { StartRefused } from "../start-refused.ts";
import { type Finding, failed, ok, warn } from "./finding.ts";
import type { CheckUpSubject } from "./subject.ts";

const mebibyte = 1_024 * 1_024;
/** A journal of a month, a table of a large site and its successor. */
const roomBytesWanted = 256 * mebibyte;
/** Below this a day's events may not find room. */
const roomBytesMin = 32 * mebibyte;
/** Read or written by anybody but its owner. */
const othersMode = 0o077;

const unknownFolder = "the configuration does not say where";

export function checkDisk({ config }: CheckUpSubject): readonly Finding[] {
  if ("refused" in config) return [warn("disk", unknownFolder, "see configuration")];
  const { stateDir } = config.value;
  const folder = nearestFolder(stateDir);
  const { bavail, bsize, ffree, files } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  const saw = `${Math.floor(freeBytes / mebibyte)} MiB free at ${stateDir}`;
  const fix = "make room: what is full loses events";
  const isOutOfFiles = files > 0 && ffree < 100;
  const room =
    freeBytes < roomBytesMin || isOutOfFiles
      ? failed("disk room", isOutOfFiles ? `${saw}, and no room for more files` : saw, fix)
      : freeBytes < roomBytesWanted
        ? warn("disk room", saw, fix)
        : ok("disk room", saw);
  return [room, checkWriting(stateDir, folder)];
}

/** With a file of its own, down to the disk; it is gone afterwards. */
function checkWriting(stateDir: string, folder: string): Finding {
  const file = join(folder, `.postern-doctor-${process.pid}`);
  try {
    const fd = openSync(file, "wx", 0o600);
    try {
      writeSync(fd, "written to see whether it can be\n");
      fsyncSync(fd);
    } finally {
      closeSync(fd);
      rmSync(file, { force: true });
    }
  } catch (error) {
    const fix = "is the disk mounted read-only, or the folder another user's?";
    return failed("disk writing", `${folder}: ${describeFailure(error)}`, fix);
  }
  if (resolve(folder) === resolve(stateDir))
    return ok("disk writing", `${stateDir} can be written`);
  return warn("disk writing", `${stateDir} is not there yet`, "the first start makes it");
}

function nearestFolder(path: string): string {
  let folder = resolve(path);
  while (!existsSync(folder)) folder = dirname(folder);
  return folder;
}

/** What the site gave this controller, by which it knows whose word to take. */
export async function checkSiteKey({ config }: CheckUpSubject): Promise<readonly Finding[]> {
  const check = "site key";
  if ("refused" in config) return [warn(check, unknownFolder, "see configuration")];
  const { provisionFile, stateDir } = config.value;
  const anew =
    "make the file at its site, by `postern site provision CONTROLLER`, and bring it here";
  let text: string;
  try {
    text = readStartFile(provisionFile);
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    return [failed(check, error.message, anew)];
  }
  const parsed = parseProvision(text);
  if (!parsed.ok) {
    const { field, expected } = parsed.fault;
    return [failed(check, `${provisionFile}: ${field}: expected ${expected}`, anew)];
  }
  const found = whoseKeys(config.value, parsed.value) ?? checkMode(provisionFile);
  if (found !== undefined) return [found];
  if (!existsSync(stateDir)) return [ok(check, `${provisionFile} is sound`)];
  const keys = await openSiteKeyStore({ folder: stateDir, provision: parsed.value });
  const damage = keys.damage();
  if (damage === undefined) return [ok(check, `${provisionFile} is sound`)];
  const fix = "nothing: the controller follows from its first key again when it reaches the site";
  return [warn(check, `the key that was handed over to: ${damage}`, fix)];
}

function whoseKeys(
  { provisionFile, controller, site }: ControllerConfig,
  made: { readonly controller: string; readonly site: string },
): Finding | undefined {
  if (made.controller === controller && made.site === site) return undefined;
  const saw = `${provisionFile} was made for ${made.controller} of ${made.site}`;
  return failed("site key", saw, `the configuration says ${controller} of ${site}: one is wrong`);
}

function checkMode(file: string): Finding | undefined {
  const mode = statSync(file).mode & 0o777;
  if ((mode & othersMode) === 0) return undefined;
  const saw = `${file} holds secrets and has mode ${mode.toString(8)}`;
  return failed("site key", saw, `chmod 600 ${file}`);
}

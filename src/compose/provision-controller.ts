import { closeSync, fsyncSync, openSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failureCode, isMissing } from "../domain/failure-code.ts";
import type { ControllerId, DoorId } from "../domain/ids.ts";
import { serialiseProvision } from "../protocols/sync/provision.ts";
import { readSiteDoors, type SiteDoors } from "../site/doors-file.ts";
import { openSiteKeys, type SiteKeys } from "../site/site-keys.ts";
import { openSiteFolder, StateError, type StateFolder } from "../site/state-folder.ts";
import { readSiteConfig, type StartConfigSource } from "./start-config.ts";
import { StartRefused } from "./start-refused.ts";

/** The configuration is the site's own: where its state folder is. */
export interface ProvisionOptions extends StartConfigSource {
  readonly controller: ControllerId;
  /** A file that is not there yet; or `-`: what `print` writes to. */
  readonly out: string;
  /**
   * `required`: some door of the site file in force is at this controller, or its name is misspelt.
   * `to_come`: it may have none yet, and gets a key now.
   */
  readonly doors: "required" | "to_come";
  readonly print: (text: string) => void;
}

/**
 * Writes what a controller is given once, by hand: the keys that its site has for it. Works on the site's
 * state folder, whether the site runs or not: a site reads the key of a controller when it first needs it.
 * Throws `StartRefused`, or a `StateError` where the site's files are not fit for use; then there is no new
 * file, and no new key.
 */
export function provisionController(options: ProvisionOptions): void {
  const { controller, out, doors, print } = options;
  const { stateDir } = readSiteConfig(options);
  requireOwnSite(stateDir);
  const folder = openSiteFolder(stateDir);
  const model = readDoors(folder, stateDir);
  const own = model.doors.filter((door) => door.controller === controller).map(({ id }) => id);
  if (own.length === 0 && doors === "required") refuseDoorless(controller, model);
  const text = withKeysOf(folder, model, (keys, mayMakeKey) => {
    if (own.length === 0) mayMakeKey();
    return serialiseProvision(keys.provisionFor(controller));
  });
  if (out === "-") return print(text);
  writeNew(out, text);
  print(describeFile({ out, controller, model, own }));
}

/** The site has to read what is made here, and a folder with a mistyped name is no site. */
function requireOwnSite(stateDir: string): void {
  const folder = join(stateDir, "site");
  const user = process.getuid?.();
  let owner: number;
  try {
    owner = statSync(folder).uid;
  } catch (error) {
    if (isMissing(error)) return refuseUnstarted(stateDir);
    const code = failureCode(error);
    const hint = code === "EACCES" ? ": run this as the user that the site runs as" : "";
    throw new StartRefused(`${folder}: cannot be looked at (${code})${hint}`);
  }
  if (user !== undefined && user !== owner) {
    throw new StartRefused(
      `${folder} is user ${owner}'s, and this is user ${user}: a key made now could not be read by the ` +
        `site. Run this as the user that the site runs as: sudo -u '#${owner}' …`,
    );
  }
}

function refuseUnstarted(stateDir: string): never {
  throw new StartRefused(
    `${stateDir}: no site has run on this folder. Start it first, with its site file; or name its state ` +
      "folder with POSTERN_STATE_DIR.",
  );
}

/** What is in force and not the configured file, which somebody may be changing. */
function readDoors(folder: StateFolder, stateDir: string): SiteDoors {
  const kept = readSiteDoors(folder);
  if (kept === "absent") return refuseUnstarted(stateDir);
  if (kept !== "damaged") return kept;
  throw new StartRefused(
    `${folder.path}: the list of the site's doors is damaged. Start the site again: it writes it anew.`,
  );
}

function refuseDoorless(controller: ControllerId, { site, doors }: SiteDoors): never {
  const named = [...new Set(doors.map((door) => door.controller))].sort();
  throw new StartRefused(
    `${controller}: no door of site ${site} is at a controller of this name; there are: ` +
      `${listed(named)}. If its doors are yet to be added to the site file: --without-doors`,
  );
}

const shownMax = 20;

function listed(ids: readonly string[]): string {
  return [...ids.slice(0, shownMax), ...(ids.length > shownMax ? ["…"] : [])].join(", ");
}

/**
 * A site makes what it lacks when it is opened. An export must not: beside a site that runs with the keys in
 * its memory, others on the disk would be those of its next start, and no controller would follow.
 */
function withKeysOf<T>(
  folder: StateFolder,
  { site }: SiteDoors,
  use: (keys: SiteKeys, mayMakeKey: () => void) => T,
): T {
  let isMakingAllowed = false;
  const createOnce: StateFolder["createOnce"] = (name, make) => {
    const present = folder.read(name);
    if (present !== undefined) return present;
    if (isMakingAllowed) return folder.createOnce(name, make);
    throw new StateError("damaged", join(folder.path, name), "is missing; the site had it");
  };
  return use(openSiteKeys({ ...folder, createOnce }, site), () => {
    isMakingAllowed = true;
  });
}

/** For its owner alone from the first byte on. What is there stays: it may be the only copy of another. */
function writeNew(file: string, text: string): void {
  let handle: number;
  try {
    handle = openSync(file, "wx", 0o600);
  } catch (error) {
    const code = failureCode(error);
    const why =
      code === "EEXIST" ? "is there already, and stays as it is" : `cannot be made: ${code}`;
    throw new StartRefused(`${file}: ${why}`);
  }
  try {
    writeFileSync(handle, text);
    fsyncSync(handle);
  } catch (error) {
    rmSync(file, { force: true });
    throw new StartRefused(`${file}: cannot be written: ${failureCode(error)}`);
  } finally {
    closeSync(handle);
  }
}

function describeFile(options: {
  readonly out: string;
  readonly controller: ControllerId;
  readonly model: SiteDoors;
  readonly own: readonly DoorId[];
}): string {
  const { out, controller, model, own } = options;
  const doors = own.length === 0 ? "no door yet" : `doors: ${listed(own)}`;
  return (
    `${out}: the keys of controller ${controller} of site ${model.site} (${doors}). They are secret: bring ` +
    "the file to that machine as /var/lib/postern/provision.json, owned by postern with mode 600, and " +
    "delete it here.\n"
  );
}

import { type KeyObject, randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { MobileRecord } from "../domain/access.ts";
import { type ControllerId, controllerId, isId, type SiteId } from "../domain/ids.ts";
import type { EpochMs } from "../domain/time.ts";
import {
  type ControllerKeys,
  deriveKeys,
  type Provision,
  secretKeyBytes,
} from "../protocols/sync/provision.ts";
import type { SiteSealer } from "../protocols/sync/site-seal.ts";
import { openReaderCertificates } from "./reader-certificates.ts";
import { openSigningKeys } from "./signing-keys.ts";
import { StateError, type StateFolder } from "./state-folder.ts";

/**
 * The site's secrets. Made once, at first need; losing them means provisioning every controller.
 */
export interface SiteKeys {
  readonly site: SiteId;
  /** Ed25519, private: the newest. */
  readonly signingKey: KeyObject;
  readonly publicKeyPem: string;
  /** To be published for controllers that know an older key; undefined where there was none. */
  readonly handOvers: Uint8Array | undefined;
  /** Signs with a new key from now on, and says which number it has. On disk when it returns. */
  rotate(): number;
  readonly pinKey: Uint8Array;
  /** Ed25519, public: what phones know the site's readers by. Made at the first call. */
  mobileKey(): KeyObject;
  /** What the controller's readers show to phones; makes the controller's key if it has none yet. */
  mobileRecordOf(controller: ControllerId, now: EpochMs): MobileRecord;
  /** Makes the controller's key if it has none yet. */
  provisionFor(controller: ControllerId): Provision;
  keysFor(controller: ControllerId): ControllerKeys;
  /** Whether a key was ever made for it: who has none cannot have sent anything. */
  knows(controller: ControllerId): boolean;
  controllers(): readonly ControllerId[];
}

const keySuffix = ".key";
const controllerFolder = "controllers";

export function openSiteKeys(folder: StateFolder, site: SiteId): SiteKeys {
  const signing = openSigningKeys(folder, site);
  const pinKey = openSecret(folder, "pin.key");
  const certificates = openReaderCertificates(folder, site);
  const known = new Map<ControllerId, { controllerKey: Uint8Array; keys: ControllerKeys }>();

  const open = (controller: ControllerId) => {
    const present = known.get(controller);
    if (present !== undefined) return present;
    const controllerKey = openSecret(folder, `${controllerFolder}/${controller}${keySuffix}`);
    const opened = { controllerKey, keys: deriveKeys(controllerKey) };
    known.set(controller, opened);
    return opened;
  };

  for (const controller of listControllers(folder)) open(controller);
  return {
    site,
    get signingKey() {
      return signing.current().key;
    },
    get publicKeyPem() {
      return signing.current().publicPem;
    },
    get handOvers() {
      return signing.handOvers();
    },
    rotate: () => signing.rotate(),
    pinKey,
    mobileKey: () => certificates.publicKey(),
    mobileRecordOf: (controller, now) =>
      certificates.of(controller, { readerKey: open(controller).keys.mobileKey, now }),
    provisionFor: (controller) => ({
      site,
      controller,
      sitePublicKey: signing.current().publicPem,
      controllerKey: open(controller).controllerKey,
      pinKey,
    }),
    keysFor: (controller) => open(controller).keys,
    knows: (controller) => known.has(controller),
    controllers: () => [...known.keys()].sort(),
  };
}

/** What it takes to speak to one controller. */
export function sealerOf(keys: SiteKeys, controller: ControllerId): SiteSealer {
  const { site, signingKey } = keys;
  return { site, controller, signingKey, tableKey: keys.keysFor(controller).tableKey };
}

function openSecret(folder: StateFolder, name: string): Uint8Array {
  const text = Buffer.from(
    folder.createOnce(name, () => `${randomBytes(secretKeyBytes).toString("base64url")}\n`),
  );
  const key = new Uint8Array(Buffer.from(text.toString("latin1").trim(), "base64url"));
  if (key.length !== secretKeyBytes) {
    throw new StateError("damaged", join(folder.path, name), `not ${secretKeyBytes} bytes`);
  }
  return key;
}

function listControllers(folder: StateFolder): readonly ControllerId[] {
  let names: string[];
  try {
    names = readdirSync(join(folder.path, controllerFolder));
  } catch {
    // No controller yet: the folder is made with the first key.
    return [];
  }
  return names
    .filter((name) => name.endsWith(keySuffix))
    .map((name) => name.slice(0, -keySuffix.length))
    .filter(isId)
    .map(controllerId);
}

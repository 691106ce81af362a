import { createPublicKey, type KeyObject } from "node:crypto";
import type { ControllerId, SiteId } from "../../domain/ids.ts";
import { deriveKeys, type Provision } from "./provision.ts";

/** What the site needs to speak to one controller. */
export interface SiteSealer {
  readonly site: SiteId;
  readonly controller: ControllerId;
  /** The site's private Ed25519 key. */
  readonly signingKey: KeyObject;
  /** From `deriveKeys`. */
  readonly tableKey: KeyObject;
}

/** What that controller needs to believe it. */
export interface SiteOpener {
  readonly site: SiteId;
  readonly controller: ControllerId;
  readonly sitePublicKey: KeyObject;
  /** From `deriveKeys`. */
  readonly tableKey: KeyObject;
}

/** `sitePublicKey`: the one that the site has handed over to since the controller was provisioned. */
export function openerOf(
  provision: Provision,
  sitePublicKey: KeyObject = createPublicKey(provision.sitePublicKey),
): SiteOpener {
  const { site, controller, controllerKey } = provision;
  return { site, controller, sitePublicKey, tableKey: deriveKeys(controllerKey).tableKey };
}

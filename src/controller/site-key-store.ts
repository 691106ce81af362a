import type { KeyObject } from "node:crypto";
import type { HalError } from "../domain/hal-error.ts";
import type { Result } from "../domain/result.ts";
import type { Provision } from "../protocols/sync/provision.ts";

export interface SiteKeyRefusal {
  readonly reason: string;
  readonly detail: string;
}

/**
 * The site's key as it is now: the one that the controller was given, or what was handed over to
 * since, which is on disk before it counts.
 */
export interface SiteKeyStore {
  current(): KeyObject;
  /** A message on the site's key topic: from anybody. One call at a time. */
  take(message: Uint8Array): Promise<Result<"followed" | "known", SiteKeyRefusal | HalError>>;
}

export interface SiteKeyStoreOptions {
  /** Made if it does not exist. */
  readonly folder: string;
  readonly provision: Provision;
}

/** Never rejects: without its file the provision's key is where it begins again. */
export declare function openSiteKeyStore(options: SiteKeyStoreOptions): Promise<SiteKeyStore>;

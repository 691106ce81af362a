import type { Result } from "../../domain/result.ts";
import type { TableMark } from "../../domain/table-change.ts";
import type { SiteOpener, SiteSealer } from "./site-seal.ts";
import type { SnapshotParts } from "./snapshot-chunk.ts";
import type { TableRefusal } from "./table-refusal.ts";

/** What a snapshot is made of, vouched for by the site. Hashes are SHA-256, 64 hex digits. */
export interface SnapshotManifest extends SnapshotParts {
  /** Of the table in the image, which must say the same. */
  readonly mark: TableMark;
}

export function sealManifest(sealer: SiteSealer, manifest: SnapshotManifest): Uint8Array {
  throw new Error(`not yet: ${sealer.site} ${manifest.imageBytes}`);
}

export function openManifest(
  opener: SiteOpener,
  message: Uint8Array,
): Result<SnapshotManifest, TableRefusal> {
  throw new Error(`not yet: ${opener.site} ${message.length}`);
}

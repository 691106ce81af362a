import { createPublicKey, type KeyObject } from "node:crypto";
import type { MobileRecord } from "../domain/access.ts";
import type { ControllerId, SiteId } from "../domain/ids.ts";
import { type EpochMs, epochMs } from "../domain/time.ts";
import { pointOf } from "../protocols/mobile-pass/p256.ts";
import {
  issueReaderCertificate,
  openReaderCertificate,
  readReaderCertificate,
} from "../protocols/mobile-pass/reader-certificate.ts";
import { newPem, readKey } from "./private-key-file.ts";
import type { StateFolder } from "./state-folder.ts";

/**
 * What phones know a site's readers by. Its key signs nothing else and is not rotated: phones have it
 * for good, and one that is away for a year still knows its doors.
 */
export interface ReaderCertificates {
  /** Ed25519, public. The private one is made at the first call, and kept. */
  publicKey(): KeyObject;
  /**
   * The certificate of the key that this controller's readers have, P-256: the one that was issued for
   * it before, where there is one, so that the same tables are made again. On disk when it returns.
   */
  of(
    controller: ControllerId,
    issue: { readonly readerKey: KeyObject; readonly now: EpochMs },
  ): MobileRecord;
}

const keyFile = "mobile.key";

export function openReaderCertificates(folder: StateFolder, site: SiteId): ReaderCertificates {
  let opened: { readonly key: KeyObject; readonly publicKey: KeyObject } | undefined;
  const keys = () => {
    if (opened === undefined) {
      const { key } = readKey(folder, keyFile, folder.createOnce(keyFile, newPem));
      opened = { key, publicKey: createPublicKey(key) };
    }
    return opened;
  };
  const known = new Map<ControllerId, MobileRecord>();

  const issued: ReaderCertificates["of"] = (controller, { readerKey, now }) => {
    const { key: mobileKey, publicKey } = keys();
    const file = `controllers/${controller}.certificate`;
    const stored = storedIn(folder, file);
    const said = openReaderCertificate(publicKey, stored);
    const isStill =
      said.ok &&
      said.value.site === site &&
      said.value.controller === controller &&
      Buffer.from(said.value.readerKey).equals(pointOf(readerKey));
    if (isStill) return recordOf(stored);
    const issuedAt = laterThan(stored, now);
    const made = issueReaderCertificate({ site, controller, readerKey, issuedAt, mobileKey });
    folder.write(file, `${recordOf(made).certificate}\n`);
    return recordOf(made);
  };

  return {
    publicKey: () => keys().publicKey,
    of: (controller, issue) => {
      const record = known.get(controller) ?? issued(controller, issue);
      known.set(controller, record);
      return record;
    },
  };
}

const recordOf = (certificate: Uint8Array): MobileRecord => ({
  certificate: Buffer.from(certificate).toString("base64url"),
});

/** No bytes where there is none. */
function storedIn(folder: StateFolder, file: string): Uint8Array {
  const text = Buffer.from(folder.read(file) ?? []).toString("latin1");
  return new Uint8Array(Buffer.from(text.trim(), "base64url"));
}

/** Phones take the later one of two keys, whatever the site's clock says meanwhile. */
function laterThan(stored: Uint8Array, now: EpochMs): EpochMs {
  const before = readReaderCertificate(stored);
  return epochMs(Math.max(Math.floor(now), before.ok ? before.value.issuedAt + 1 : 0));
}

import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { TableContent, TableVersion } from "../../../src/domain/access.ts";
import { rawFromBits } from "../../../src/domain/credential.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import { controllerId, doorId, passId, ruleId, siteId, userId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { deriveKeys, type Provision } from "../../../src/protocols/sync/provision.ts";
import { sealTable } from "../../../src/protocols/sync/table-message.ts";

const siteKeys = generateKeyPairSync("ed25519");

export const provision: Provision = {
  site: siteId("s1"),
  controller: controllerId("c1"),
  sitePublicKey: siteKeys.publicKey.export({ type: "spki", format: "pem" }).toString(),
  controllerKey: randomBytes(32),
  pinKey: randomBytes(32),
};

export const keys = deriveKeys(provision.controllerKey);

/** One door, one user, one card: enough to tell one version from another. */
export function content(table: TableVersion, compiledAt = 1_800_000_000_000): TableContent {
  const door = doorId("front");
  const user = userId("ada");
  return {
    site: provision.site,
    controller: provision.controller,
    table,
    compiledAt: epochMs(compiledAt),
    zone: "Europe/Berlin",
    calendar: [],
    zones: [],
    areas: [],
    doors: [
      {
        ...doorDefaults,
        id: door,
        name: "Front",
        unlockMs: 3_000,
        heldOpenMs: 20_000,
        heldOpenWarningMs: 5_000,
        strikeOnMaxMs: 60_000,
        relock: "on_open",
        factors: "card",
        secondFactorMs: 10_000,
        rex: "admit",
        clockUnknown: "deny",
      },
    ],
    users: [{ id: user, suspended: false }],
    passes: [
      {
        id: passId("ada-card"),
        user,
        kind: "csn_card",
        active: true,
        presents: { as: "raw", raw: rawFromBits("01".repeat(13)) },
      },
    ],
    rules: [{ id: ruleId("r1"), kind: "grant", users: [user], doors: [door], zones: [] }],
    schedules: [],
  };
}

export function sealed(table: TableContent): Uint8Array {
  return sealTable({
    content: table,
    signingKey: siteKeys.privateKey,
    tableKey: keys.tableKey,
  });
}

export const version = (epoch: number, number: number): TableVersion => ({
  epoch,
  version: number,
});

// `prepare-postern.ts FOLDER PASSES CHANGES` makes the files that postern-table.ts loads, as site and
// controller make them together: an image, stored as a snapshot that came whole, and signed deltas.
import { createPublicKey, generateKeyPairSync, randomBytes, randomInt } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TableMark } from "../../../src/domain/table-change.ts";
import { createSystemClock, openTableStore } from "../compiled/controller-program.ts";
import {
  buildTableImage,
  deriveKeys,
  sealChunks,
  sealTableDelta,
  serialiseProvision,
} from "../compiled/site-program.ts";
import { now } from "../decision/world.ts";
import { changeAt, tableChangesOf } from "./changes.ts";
import { frame, passesOf, usersOf } from "./people.ts";
import { posternFiles, writeMessages } from "./postern-files.ts";
import type { Prepared } from "./prepared.ts";

const [folder = "", ...counts] = process.argv.slice(2);
const [passCount = 0, changeCount = 0] = counts.map(Number);
const { site, controller } = frame;
const signingKey = generateKeyPairSync("ed25519").privateKey;
const provision = {
  site,
  controller,
  sitePublicKey: String(createPublicKey(signingKey).export({ type: "spki", format: "pem" })),
  controllerKey: new Uint8Array(randomBytes(32)),
  pinKey: new Uint8Array(randomBytes(32)),
};
const { tableKey } = deriveKeys(provision.controllerKey);
writeFileSync(join(folder, posternFiles.provision), serialiseProvision(provision), { mode: 0o600 });

const mark: TableMark = { epoch: 1, version: 1, tag: 1 };
const startedAt = performance.now();
const image = buildTableImage(
  { mark, compiledAt: now, frame, users: usersOf(passCount), passes: passesOf(passCount) },
  [randomInt(2 ** 32), randomInt(2 ** 32)],
);
const builtMs = performance.now() - startedAt;
await storeAsSnapshot(image);
writeMessages(folder, sealChanges());
const prepared: Prepared = { builtMs, fileBytes: image.length };
process.stdout.write(JSON.stringify(prepared));

async function storeAsSnapshot(bytes: Uint8Array): Promise<void> {
  const { parts } = sealChunks(tableKey, bytes);
  mkdirSync(join(folder, posternFiles.store), { mode: 0o700 });
  const store = await openTableStore({
    folder: join(folder, posternFiles.store),
    provision,
    clock: createSystemClock({ quality: () => "trusted" }),
  });
  const begun = await store.beginSnapshot({ mark, ...parts });
  if (!begun.ok) throw begun.fault;
  for (const index of begun.value.missing()) {
    const from = index * parts.chunkBytes;
    const put = await begun.value.put(index, bytes.subarray(from, from + parts.chunkBytes));
    if (!put.ok) throw put.fault;
  }
  const finished = await begun.value.finish();
  if (!finished.ok) throw new Error(`the image was not stored: ${String(finished.fault)}`);
  await store.close();
}

function sealChanges(): readonly Uint8Array[] {
  const sealer = { site, controller, signingKey, tableKey };
  const messages: Uint8Array[] = [];
  let from = mark;
  for (let index = 0; index < changeCount; index += 1) {
    const changes = tableChangesOf(changeAt(index, passCount));
    const { message, to } = sealTableDelta(sealer, { from, compiledAt: now, changes });
    messages.push(message);
    from = to;
  }
  return messages;
}

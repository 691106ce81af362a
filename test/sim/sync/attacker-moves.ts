import { generateKeyPairSync } from "node:crypto";
import type { Seeded } from "../../../hal/sim/seeded.ts";
import { rawCredential } from "../../../src/domain/credential.ts";
import { passId, userId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { deriveKeys } from "../../../src/protocols/sync/provision.ts";
import { sealTableDelta } from "../../../src/protocols/sync/table-delta.ts";
import { sealTableHead } from "../../../src/protocols/sync/table-head.ts";
import { topicsFor } from "../../../src/protocols/sync/topics.ts";
import { rawOf } from "./plan.ts";
import { pickOf } from "./plan-moves.ts";
import type { Message } from "./stormy-broker.ts";
import type { SyncWorld } from "./world.ts";

/*
 * Whoever owns the broker: sees and keeps all that goes by, says any of it again, changed or at
 * another place, and keeps what he likes to himself.
 */

type Move = (world: SyncWorld, random: Seeded) => Promise<void>;

/** The attacker's own. */
const forger = generateKeyPairSync("ed25519");

/** How the topics end that he may keep to himself. */
const kinds = [
  "/table/head",
  "/table/delta",
  "/table/manifest",
  "/table/chunk",
  "/table/get",
  "/event",
  "/event/ack",
] as const;

export const attackerMoves: Readonly<Record<string, Move>> = {
  oldWordsComeAgain: async (world, random) => {
    for (let left = random.between(1, 40); left > 0; left -= 1) {
      const message = pickOf(random, world.broker.recorded);
      if (message !== undefined) world.broker.inject({ ...message, retain: false });
    }
    await world.pass(random.between(1, 3_000), 500);
  },
  allOldWordsComeAgain: async (world) => {
    for (const message of [...world.broker.recorded]) {
      world.broker.inject({ ...message, retain: false });
    }
    await world.pass(2_000, 500);
  },
  oldWordIsRetained: async (world, random) => {
    const message = pickOf(
      random,
      world.broker.recorded.filter(({ retain }) => retain),
    );
    if (message !== undefined) world.broker.inject(message);
    await world.turn(5);
  },
  wordsAreAltered: async (world, random) => {
    for (let left = random.between(1, 20); left > 0; left -= 1) {
      const message = pickOf(random, world.broker.recorded);
      if (message !== undefined) world.broker.inject(altered(message, random));
    }
    await world.pass(random.between(1, 1_000), 500);
  },
  wordsGoAstray: async (world, random) => {
    for (let left = random.between(1, 20); left > 0; left -= 1) {
      const message = pickOf(random, world.broker.recorded);
      const other = pickOf(random, world.broker.recorded);
      if (message === undefined || other === undefined) continue;
      world.broker.inject({ ...message, topic: other.topic, retain: random.chance(0.2) });
    }
    await world.pass(random.between(1, 1_000), 500);
  },
  wordsAreWithheld: async (world, random) => {
    if (random.chance(0.6)) world.broker.withheld.add(random.pick(kinds));
    else world.broker.withheld.clear();
    await world.pass(random.between(1, 5_000), 500);
  },
  wordsAreForged: async (world, random) => {
    for (const { name } of world.controllers) if (random.chance(0.7)) forge(world, random, name);
    await world.pass(random.between(1, 1_000), 500);
  },
};

/** He has a controller's secrets, of one that was opened and read out: not the site's own key. */
function forge(world: SyncWorld, random: Seeded, name: string): void {
  const controller = world.controllers.find((one) => one.name === name);
  const mark = controller?.table()?.mark;
  const provision = controller?.provision;
  if (mark === undefined || provision === undefined) return;
  const { site, controller: id, controllerKey } = provision;
  const { tableKey } = deriveKeys(controllerKey);
  const sealer = { site, controller: id, tableKey, signingKey: forger.privateKey };
  const topics = topicsFor(site, id);
  const user = pickOf(random, [...world.site.plan.users.keys()]) ?? "nobody";
  const { message, to } = sealTableDelta(sealer, {
    from: mark,
    compiledAt: epochMs(Math.floor(world.clock.wall().at)),
    changes: [
      {
        kind: "pass",
        pass: {
          id: passId("forged"),
          user: userId(user),
          kind: "csn_card",
          active: true,
          presents: { as: "raw", raw: rawCredential(rawOf(999)) },
        },
      },
    ],
  });
  const head = sealTableHead(sealer, { mark: to, deltasFrom: to.version });
  world.broker.inject({ topic: topics.tableHead, payload: head, retain: random.chance(0.5) });
  world.broker.inject({ topic: topics.tableDelta, payload: message, retain: false });
}

function altered(message: Message, random: Seeded): Message {
  const payload = Uint8Array.from(message.payload);
  const place = random.between(0, Math.max(0, payload.length - 1));
  const cut = { ...message, retain: false, payload: payload.subarray(0, place) };
  if (random.chance(0.3) || payload.length === 0) return cut;
  payload[place] = (payload[place] ?? 0) ^ (1 << random.between(0, 7));
  return { ...message, retain: random.chance(0.2), payload };
}

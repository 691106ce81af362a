import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { controllerId, siteId } from "../../../src/domain/ids.ts";
import type { EpochMs } from "../../../src/domain/time.ts";
import type { MessageScope } from "../../../src/protocols/sync/authenticated-message.ts";
import { deriveKeys } from "../../../src/protocols/sync/provision.ts";
import { type ControllerTopics, topicsFor } from "../../../src/protocols/sync/topics.ts";
import type { SiteLog } from "../../../src/site/site-log.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { openTextSite, type TextSite } from "./text-site.ts";

export const site = siteId("test");
export const one = controllerId("one");

/** A folder of the test's own, gone with it. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), "postern-site-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Two doors on two controllers; Ada has a card and a PIN and may go to both, Bob has a card. */
export function siteFile(part = ""): string {
  return `
site = "test"
zone = "Europe/Vienna"
doors = [
  { id = "front", name = "Front", controller = "one", readers = ["front"] },
  { id = "back", name = "Back", controller = "two", readers = ["back"] },
]
users = [{ id = "ada", name = "Ada Lovelace" }, { id = "bob", name = "Bob Dobbs" }]
passes = [
  { id = "ada-card", user = "ada", kind = "csn_card",
    card = { format = "H10301", facility = 12, number = 34567 } },
  { id = "ada-pin", user = "ada", kind = "pin", pin = "246810" },
  { id = "bob-card", user = "bob", kind = "csn_card",
    card = { format = "H10301", facility = 12, number = 1111 } },
]
schedules = [{ id = "day", intervals = [{ days = ["mon"], from = "08:00", to = "18:00" }] }]
rules = [{ id = "staff", users = ["ada"], doors = ["front", "back"] }]
${part}`;
}

/** What `SiteLog` was told, as one text: for finding what must not be in it. */
export class LogText implements SiteLog {
  text = "";

  info(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.text += `${message} ${JSON.stringify(fields)}\n`;
  }

  warn(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.info(fields, message);
  }
}

export interface SiteRig {
  readonly folder: string;
  readonly broker: MemoryBroker;
  readonly log: LogText;
  readonly topics: ControllerTopics;
  readonly service: TextSite;
  /** The controller's half of the secrets. */
  readonly scope: MessageScope;
  readonly clock: SimClock;
  now: EpochMs;
}

export interface RigPart {
  /** One that an earlier site worked in: a restart. */
  readonly folder?: string;
  readonly now?: number;
}

export async function startSite(t: Test, part: RigPart = {}): Promise<SiteRig> {
  const broker = new MemoryBroker();
  const log = new LogText();
  const folder = part.folder ?? temporaryFolder(t);
  const clock = new SimClock({ wallAt: part.now ?? 1_800_000_000_000 });
  const rig = {
    folder,
    broker,
    log,
    clock,
    get now() {
      return clock.wall().at;
    },
    set now(at: EpochMs) {
      clock.setWall({ at });
    },
  };
  const service = await openTextSite({ stateFolder: folder, site, link: broker, clock, log });
  t.teardown(() => service.close());
  const { messageKey } = deriveKeys(service.provisionFor(one).controllerKey);
  const scope = { site, controller: one, messageKey };
  return Object.assign(rig, { service, scope, topics: topicsFor(site, one) });
}

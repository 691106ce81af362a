import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { openServiceManager } from "../../hal/linux/system/service-manager.ts";
import type { ServiceManager } from "../../hal/service-manager.ts";
import { DoorController } from "../controller/door-controller.ts";
import type { KeptClock } from "../controller/kept-clock.ts";
import { localHandlers, onlineStatus } from "../controller/local-handlers.ts";
import { createLocalServer, type LocalServer } from "../controller/local-server.ts";
import { openJournal } from "../controller/open-journal.ts";
import { openPremisesStore } from "../controller/open-premises-store.ts";
import { createRecorder } from "../controller/recorder.ts";
import { remoteHandlers } from "../controller/remote-handlers.ts";
import { settlesWithin } from "../controller/settles-within.ts";
import { openSiteKeyStore } from "../controller/site-key-store.ts";
import { createSyncClient, offlineWill, type SyncClient } from "../controller/sync-client.ts";
import { openTableStore } from "../controller/table-store.ts";
import { Troubles } from "../controller/troubles.ts";
import type { DoorEvent } from "../domain/event.ts";
import {
  deriveKeys,
  digestPin,
  type Provision,
  parseProvision,
} from "../protocols/sync/provision.ts";
import { BrokerOutages } from "./broker-outages.ts";
import { createClock } from "./clock.ts";
import { ClosingStack } from "./closing-stack.ts";
import { withoutCredentials } from "./config/broker-url.ts";
import type { LogLevel } from "./config/config-file.ts";
import type { ControllerConfig } from "./config/controller-config.ts";
import { FirstTable } from "./first-table.ts";
import { type Hardware, openHardware } from "./hardware.ts";
import { listenLocal } from "./local-socket.ts";
import { createLog } from "./log.ts";
import { connectMqtt } from "./mqtt-link.ts";
import { tellReady, untilStopped } from "./part-messages.ts";
import { readControllerConfig, type StartConfigSource } from "./start-config.ts";
import { readStartFile } from "./start-file.ts";
import { StartRefused } from "./start-refused.ts";
import { TableDamages } from "./table-damages.ts";
import { WatchdogPulse } from "./watchdog-pulse.ts";

export interface ControllerOptions extends StartConfigSource {
  /** Instead of the file's. */
  readonly logLevel?: LogLevel;
  /** The version of this program, for the journal and status. */
  readonly software: string;
}

/** How long the doors wait for their table; then egress is served without. */
const tableMsMax = 5_000;

/** The daemon of one controller until a signal. Throws `StartRefused`, with every strike secured. */
export async function runController(options: ControllerOptions): Promise<void> {
  const config = readControllerConfig(options);
  const log = createLog("controller", options.logLevel ?? config.logLevel);
  const service = openServiceManager({
    env: options.env,
    onTrouble: (detail) => log.error({ detail }, "the service manager is not told"),
  });
  // Said at once and not after the closing, which has its own time: what follows is no failure.
  const stopped = untilStopped().then(() => service.stopping());
  const closing = new ClosingStack();
  try {
    const provision = readProvision(config);
    mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
    // Before anything else is touched: a second daemon here would drive the same lines.
    const technicians = await openTechnicians(config.socketFile, closing);
    // Outputs have their level before anything that takes time: lamps are amber from here on.
    const time = createClock(config);
    const hardware = await openHardware(config, { log, time, env: options.env });
    closing.push(() => hardware.close());
    closing.push(() => time.close());
    await time.start(hardware.clockChip);
    const parts = { provision, time, hardware, service, technicians };
    await runDoors({ ...options, ...parts, config, log, closing });
    await stopped;
  } finally {
    await closing.close();
  }
}

/** The local socket, which is there before what it serves. */
interface Technicians {
  serve(local: LocalServer): void;
}

async function openTechnicians(file: string, closing: ClosingStack): Promise<Technicians> {
  let server: LocalServer | undefined;
  const socket = await listenLocal(file, (stream) => {
    if (server === undefined) stream.destroy();
    else server.handleConnection(stream);
  });
  closing.push(() => socket.close());
  return {
    serve: (local) => {
      server = local;
    },
  };
}

function readProvision(config: ControllerConfig): Provision {
  const { provisionFile, controller, site } = config;
  const parsed = parseProvision(readStartFile(provisionFile));
  if (!parsed.ok) {
    const { field, expected } = parsed.fault;
    throw new StartRefused(`${provisionFile}: ${field}: expected ${expected}`);
  }
  const provision = parsed.value;
  if (provision.controller !== controller || provision.site !== site) {
    throw new StartRefused(
      `${provisionFile}: made for controller "${provision.controller}" of site ` +
        `"${provision.site}", and the configuration says "${controller}" of "${site}"`,
    );
  }
  return provision;
}

interface DoorsOptions extends ControllerOptions {
  readonly config: ControllerConfig;
  readonly provision: Provision;
  readonly time: KeptClock;
  readonly hardware: Hardware;
  readonly service: ServiceManager;
  readonly technicians: Technicians;
  readonly log: Logger;
  readonly closing: ClosingStack;
}

async function runDoors(options: DoorsOptions): Promise<void> {
  const { config, provision, time, hardware, service, technicians, log, closing, software } =
    options;
  const { board, formats } = hardware;
  const { clock } = board;
  const startedAt = clock.wall().at;

  let doors: DoorController | undefined;
  let sync: SyncClient | undefined;
  const journalFile = join(config.stateDir, "journal.sqlite3");
  const isFirstStart = !existsSync(journalFile);
  const journal = await openJournal({
    file: journalFile,
    controller: config.controller,
    clock,
  });
  closing.push(() => journal.close());
  const append = createRecorder({
    clock,
    table: () => doors?.table() ?? early?.table(),
    append: (record) => journal.append(record),
  });
  const record = (event: DoorEvent) => {
    append(event);
    log.info(event, event.kind);
    sync?.statusChanged();
  };
  const troubles = new Troubles(record);
  const toDigest = (digits: string) => digestPin(provision.pinKey, digits);

  const loading = openTableStore({
    folder: join(config.stateDir, "table"),
    provision,
    clock,
  });
  const early = (await settlesWithin(clock, tableMsMax, loading)) ? await loading : undefined;
  record({ kind: "controller_started", software });
  journal.reportTroubles(troubles);
  hardware.reportTo(troubles);
  const premises = await openPremisesStore({
    file: join(config.stateDir, "premises.log"),
    clock,
    troubles,
    isFirstStart,
  });
  closing.push(() => premises.close());
  for (const detail of premises.damages()) log.error({ detail }, "what was known of the premises");
  const { mobileKey } = deriveKeys(provision.controllerKey);
  const mobile = { controllerKey: mobileKey, entropy: randomBytes };
  doors = new DoorController(
    { board, digestPin: toDigest, record, troubles, premises, mobile },
    early?.table(),
  );
  const controller = doors;
  closing.push(() => controller.close());
  const clockDamage = time.damage();
  if (clockDamage !== undefined) log.error({ detail: clockDamage }, "how far time had come");
  time.reportTo({
    troubles,
    record,
    onChange: () => {
      controller.clockChanged();
      sync?.statusChanged();
    },
  });

  // From here on the doors are served, whatever the disk takes its time for.
  service.ready();
  service.status(`serves ${board.doors.map(({ id }) => id).join(", ")}`);
  const pulse = new WatchdogPulse({ service, clock, overdueMs: () => controller.overdueMs() });
  closing.push(() => pulse.close());
  const tableStore = early ?? (await loading);
  closing.push(() => tableStore.close());
  const late = tableStore.table();
  if (early === undefined && late !== undefined) controller.setTable(late);
  const damages = new TableDamages(tableStore, { troubles, log });
  const firstTable = new FirstTable(clock, late === undefined ? "awaited" : "found");
  const siteKeys = await openSiteKeyStore({ folder: config.stateDir, provision });
  const damagedKey = siteKeys.damage();
  if (damagedKey !== undefined) log.error({ detail: damagedKey }, "the site's key as it was kept");
  const outages = new BrokerOutages(log, config.mqttUrl);
  const link = connectMqtt({
    url: config.mqttUrl,
    clientId: `postern-${config.controller}`,
    clock,
    will: offlineWill(provision),
    onLost: (why) => outages.lost(why),
  });
  link.onUp(() => {
    outages.up();
    time.askAgain();
  });
  closing.push(() => link.close());
  const client = createSyncClient({
    link,
    provision,
    siteKeys,
    journal,
    tableStore,
    clock,
    troubles,
    status: () => onlineStatus({ software, clock, doors: controller, troubles }),
    record,
    carryOut: remoteHandlers({ doors: controller, record }),
    onChange: ({ changes }) => {
      controller.tableChanged(changes);
      damages.refresh();
    },
    onTable: (table) => {
      controller.setTable(table);
      damages.refresh();
      firstTable.arrived();
    },
  });
  sync = client;
  closing.push(() => client.close());

  const handlers = localHandlers({
    controller: config.controller,
    site: config.site,
    software,
    startedAt,
    clock,
    doors: controller,
    board,
    record,
    formats,
    journal,
    troubles,
    linkState: () => client.linkState(),
    digestPin: toDigest,
  });
  const local = createLocalServer({
    handlers,
    onFailure: (error) => log.error({ error: String(error) }, "a local request failed"),
  });
  technicians.serve(local);
  closing.push(() => local.close());

  // Who starts a site and taps at once means to see a door open, and not that its table is on its way.
  const face = await hardware.openFace(firstTable.promise);
  if (face !== undefined) closing.push(() => face.close());
  // Last here, so first at a stop: no strike waits for a broker or a disk to be secured.
  closing.push(() => {
    controller.close();
    hardware.close();
  });
  log.info(
    { board: face?.url ?? config.board.kind, broker: withoutCredentials(config.mqttUrl) },
    "the doors are watched",
  );
  await firstTable.promise;
  tellReady({
    ...(face && { board: face.url }),
    table: controller.table() === undefined ? "none" : "in force",
  });
}

import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../../hal/clock.ts";
import { controllerId, siteId } from "../../../src/domain/ids.ts";
import type { Provision } from "../../../src/protocols/sync/provision.ts";
import type { SiteLog } from "../../../src/site/site-log.ts";
import { openTextSite, type TextSite } from "../../unit/site/text-site.ts";
import { BrokenPromise } from "../building/broken-promise.ts";
import { LivingClock } from "./living-clock.ts";
import { firstPlan, type Plan, siteFileOf, siteName } from "./plan.ts";
import type { LargeStep, SignedTables } from "./signed-tables.ts";
import type { Client, StormyBroker } from "./stormy-broker.ts";
import type { Subject } from "./subject.ts";

export interface SiteParts {
  readonly clock: Clock;
  readonly broker: StormyBroker;
  readonly subject: Subject;
  readonly signed: SignedTables;
}

const silent: SiteLog = { info: () => undefined, warn: () => undefined };

interface Running {
  readonly clock: LivingClock;
  readonly client: Client;
  readonly service: TextSite;
}

interface FolderCopy {
  readonly path: string;
  readonly plan: Plan;
  readonly largeSteps: readonly LargeStep[];
}

/** The site over all its processes, and what it was told last. */
export class SiteLife {
  plan: Plan = firstPlan;
  readonly #parts: SiteParts;
  readonly #room = mkdtempSync(
    join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "postern-sim-"),
  );
  readonly #folder = join(this.#room, "state");
  #copies: FolderCopy[] = [];
  #copyCount = 0;
  #running: Running | undefined;

  constructor(parts: SiteParts) {
    this.#parts = parts;
  }

  get service(): TextSite {
    if (this.#running === undefined) throw new Error("the site is not running");
    return this.#running.service;
  }

  get hasCopy(): boolean {
    return this.#copies.length > 0;
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    const { broker, subject, signed } = this.#parts;
    const clock = new LivingClock(this.#parts.clock);
    const client = broker.connect();
    let service: TextSite | undefined;
    const early: { readonly topic: string; readonly payload: Uint8Array }[] = [];
    const { link } = client;
    const watched: typeof link = {
      ...link,
      publish: (topic, payload, options) => {
        // It signs first and publishes then: what is published counts, whether it arrives or not.
        if (service === undefined) early.push({ topic, payload });
        else signed.observe({ topic, payload }, this.plan, service);
        return link.publish(topic, payload, options);
      },
    };
    service = await openTextSite({
      stateFolder: this.#folder,
      site: siteId(siteName),
      link: subject.siteLink(watched),
      clock,
      log: silent,
    });
    for (const message of early) this.#observe(message, service);
    this.#running = { clock, client, service };
    client.up();
  }

  provisionFor(controller: string): Provision {
    return this.service.provisionFor(controllerId(controller));
  }

  apply(plan: Plan): void {
    const before = this.plan;
    this.plan = plan;
    this.#parts.signed.expect();
    const applied = this.service.apply(siteFileOf(plan), "sim.toml");
    if (!applied.ok) throw new BrokenPromise(`refused: ${JSON.stringify(applied.fault)}`);
    const versions = applied.value.map(
      ({ controller, table }) => [controller as string, table.version] as const,
    );
    this.#parts.signed.settle({ before, after: plan }, new Map(versions));
  }

  rotateKey(): void {
    this.service.rotateKey();
    // A site that is set back to before a hand-over speaks with a key that nobody follows any more.
    this.#copies = [];
  }

  /** What is on disk stays; nothing that is not out by now goes out. */
  die(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.client.die();
    running.clock.isAlive = false;
    running.service.close();
  }

  /** As if it had died before the first word of it was out. */
  applyUnheard(plan: Plan): void {
    this.#running?.client.die();
    this.apply(plan);
    this.die();
  }

  stop(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.service.close();
    running.client.die();
    running.clock.isAlive = false;
  }

  copy(): void {
    this.#copyCount += 1;
    const path = join(this.#room, `copy-${this.#copyCount}`);
    cpSync(this.#folder, path, { recursive: true });
    const largeSteps = this.#parts.signed.largeSteps();
    this.#copies.push({ path, plan: this.plan, largeSteps });
  }

  /** The newest copy takes the place of what there is. */
  restore(): void {
    const copy = this.#copies.pop();
    if (copy === undefined) return;
    this.die();
    rmSync(this.#folder, { recursive: true });
    cpSync(copy.path, this.#folder, { recursive: true });
    this.plan = copy.plan;
    this.#parts.signed.setBack(copy.largeSteps);
  }

  loseShelf(): void {
    this.die();
    for (const side of ["", "-wal", "-shm"]) {
      rmSync(join(this.#folder, "site", `tables.sqlite3${side}`), { force: true });
    }
  }

  linkUp(): void {
    this.#running?.client.up();
  }

  linkDown(): void {
    this.#running?.client.down();
  }

  end(): void {
    this.die();
    rmSync(this.#room, { recursive: true, force: true });
  }

  #observe(
    message: { readonly topic: string; readonly payload: Uint8Array },
    service: TextSite,
  ): void {
    this.#parts.signed.observe(message, this.plan, service);
  }
}

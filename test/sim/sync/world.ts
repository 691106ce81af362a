import { Seeded } from "../../../hal/sim/seeded.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { isSameTable } from "../../../src/protocols/sync/table-order.ts";
import { BrokenPromise } from "../building/broken-promise.ts";
import { ControllerLife } from "./controller-life.ts";
import { FickleDisks } from "./fickle-disks.ts";
import { Inspector, nameOf } from "./inspector.ts";
import { controllerNames, firstPlan, type Plan } from "./plan.ts";
import { SignedTables } from "./signed-tables.ts";
import { SiteLife } from "./site-life.ts";
import { fair, StormyBroker } from "./stormy-broker.ts";
import type { Subject } from "./subject.ts";
import { UseTruth } from "./use-truth.ts";

/** How long until everything is as the site says, once nothing is in the way any more. */
export const convergenceMsMax = 30 * 60_000;
const stepMs = 1_000;
/** Turns of the event loop that a disk needs for the longest of what is done at one instant. */
const turnsEach = 60;

export interface WorldOptions {
  readonly random: Seeded;
  readonly subject: Subject;
  readonly trace: ((line: string) => void) | undefined;
}

/** A site, its controllers, the broker between them and everybody's disks. */
export class SyncWorld {
  readonly random: Seeded;
  readonly clock = new SimClock({ wallAt: Date.UTC(2027, 0, 4, 9) });
  readonly broker: StormyBroker;
  readonly site: SiteLife;
  readonly controllers: ControllerLife[] = [];
  readonly uses = new UseTruth();
  readonly eventCounts = new Map<string, number>();
  readonly #signed = new SignedTables();
  readonly #inspector = new Inspector(this.#signed, this.uses);
  readonly #disks = new FickleDisks();
  readonly #subject: Subject;
  readonly #trace: ((line: string) => void) | undefined;
  /** Of a callback, in which nobody would hear it. */
  #broken: BrokenPromise | undefined;

  constructor({ random, subject, trace }: WorldOptions) {
    this.random = random;
    this.#subject = subject;
    this.#trace = trace;
    this.broker = new StormyBroker(this.clock, new Seeded(random.between(1, 2 ** 30), "weather"));
    this.site = new SiteLife({
      clock: this.clock,
      broker: this.broker,
      subject,
      signed: this.#signed,
    });
  }

  async begin(): Promise<void> {
    this.#disks.begin();
    await this.site.start();
    this.site.apply(firstPlan);
    for (const name of controllerNames) {
      const controller = new ControllerLife({
        provision: this.site.provisionFor(name),
        clock: this.clock,
        broker: this.broker,
        disks: this.#disks,
        random: this.random,
        subject: this.#subject,
        onTable: (one) => this.#watch(one),
        onEvent: ({ kind }) => this.count(kind),
      });
      this.controllers.push(controller);
      await controller.start();
    }
    await this.pass(2_000);
  }

  async end(): Promise<void> {
    for (const controller of this.controllers) controller.die("killed");
    this.site.end();
    await turns(turnsEach);
    this.#disks.end();
  }

  tell(line: string): void {
    if (this.#trace === undefined) return;
    const at = new Date(this.clock.wall().at).toISOString().slice(0, 19);
    const marks = this.controllers.map((controller) => {
      const mark = controller.table()?.mark;
      const state = controller.isRunning ? (controller.isUp ? "up" : "away") : "dead";
      return `${controller.name} ${state} ${mark === undefined ? "-" : nameOf(mark)}`;
    });
    this.#trace(`${at} ${line} [${marks.join(", ")}]`);
  }

  count(kind: string): void {
    this.eventCounts.set(kind, (this.eventCounts.get(kind) ?? 0) + 1);
  }

  apply(plan: Plan): void {
    this.site.apply(plan);
  }

  /** In steps as long as `each`, in which disks get as far as they get. */
  async pass(ms: number, each = stepMs): Promise<void> {
    for (let left = ms; left > 0; left -= each) {
      await turns(turnsEach);
      await this.clock.elapse(Math.min(left, each));
    }
    await turns(turnsEach);
    this.check();
  }

  async turn(count: number): Promise<void> {
    await turns(count);
    this.check();
  }

  /** What has to hold at any time. */
  check(): void {
    if (this.#broken !== undefined) throw this.#broken;
    for (const controller of this.controllers) {
      this.#inspector.look(controller, this.clock.wall().at);
    }
  }

  async present(controller: ControllerLife, door: string, card: number): Promise<void> {
    let isOver = false;
    // A disk that takes longer is heard of later, or never.
    void controller
      .present(door, card)
      .then((granted) => {
        isOver = true;
        if (granted !== undefined) this.uses.granted(controller.name, granted);
      })
      .catch((error: unknown) => this.#breaks(error));
    for (let turn = 0; turn < turnsEach && !isOver; turn += 1) await turns(1);
    this.check();
  }

  /** Everything works again and stays so; then everybody must have what the site says, in time. */
  async clearUp(): Promise<void> {
    this.broker.weather = fair;
    this.broker.withheld.clear();
    await this.site.start();
    // A broker that took a word and lost it has lost its connections too, or is not to be helped.
    this.site.linkDown();
    for (const controller of this.controllers) {
      controller.setDisk(0);
      await controller.start();
      controller.linkDown();
      if (this.random.chance(0.5)) this.site.linkUp();
      controller.linkUp();
      // A site that was set back learns from the next entry what it lacks, and not before.
      controller.showStranger();
    }
    this.site.linkUp();
    const began = this.clock.monotonic();
    let calmSince: number | undefined;
    for (;;) {
      const now = this.clock.monotonic();
      const missing = this.#missing();
      calmSince = missing === undefined ? (calmSince ?? now) : undefined;
      if (calmSince !== undefined && now - calmSince >= 3_000) break;
      if (now - began > convergenceMsMax) throw new BrokenPromise(`never: ${missing ?? "calm"}`);
      await this.pass(stepMs);
    }
    for (const controller of this.controllers) {
      this.#inspector.lookAtEnd(controller, this, this.clock.wall().at);
    }
    this.count("converged");
  }

  /** What keeps site and controllers from being of one mind, if anything does. */
  #missing(): string | undefined {
    const reports = this.site.service.controllers();
    for (const { name, ...controller } of this.controllers.map((one) => ({
      name: one.name,
      mark: one.table()?.mark,
      entryCount: one.paper.entries.length,
    }))) {
      const report = reports.find((one) => one.controller === name);
      const sync = report?.sync;
      if (sync === undefined || controller.mark === undefined) return `${name} has no table`;
      if (!isSameTable(sync.wanted, controller.mark)) {
        return `${name} has ${nameOf(controller.mark)}, the site wants ${nameOf(sync.wanted)}`;
      }
      if (sync.state !== "complete") {
        return `${name} has what the site wants, and the site says ${sync.state} ${sync.detail ?? ""}`;
      }
      const stored = report?.journal?.number ?? 0;
      if (stored < controller.entryCount) {
        return `the site has ${stored} of ${controller.entryCount} entries of ${name}`;
      }
    }
    return undefined;
  }

  #watch(controller: ControllerLife): void {
    this.count("table");
    try {
      this.#inspector.look(controller, this.clock.wall().at);
    } catch (error) {
      this.#breaks(error);
    }
  }

  #breaks(error: unknown): void {
    if (!(error instanceof BrokenPromise)) throw error;
    this.#broken ??= error;
  }
}

async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) await new Promise<void>((next) => setImmediate(next));
}

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RawCredential, rawFromBits } from "../../../src/domain/credential.ts";
import { encodeCard, standardFormats } from "../../../src/protocols/wiegand/format.ts";
import type { ControllersPart } from "./controllers-part.ts";
import { PartProcess } from "./part-process.ts";
import { inTime } from "./rest.ts";
import type { PublishedDeltas, SitePart } from "./site-part.ts";
import { cardFormat, cardOf, controllerName, type SiteSize, siteText } from "./site-text.ts";

/** More processes than processors only take turns. */
const processesMax = 4;
const controllersPerProcess = 50;
/** Long beyond any bar: what takes longer is not slow but lost. */
const patienceMs = 120_000;

/** What became of one change of one pass. */
export interface ChangeOutcome {
  /** From before the file was handed to the site to the first grant, at each controller concerned. */
  readonly decidedMs: readonly number[];
  readonly published: PublishedDeltas;
}

/**
 * A site and its controllers in real processes at one broker. The site's folder is on a disk; a
 * thousand controllers do not share one, so theirs are in memory where the machine has such a folder.
 */
export class SiteWorld {
  readonly #size: SiteSize;
  readonly #site: PartProcess<SitePart>;
  readonly #hosts: readonly PartProcess<ControllersPart>[];
  readonly #folders: readonly string[];
  #firstTablesMs = Number.NaN;
  /** How often each user's card was replaced. */
  readonly #replaced = new Map<number, number>();

  static async open(brokerUrl: string, size: SiteSize): Promise<SiteWorld> {
    const siteFolder = await mkdtemp(join(tmpdir(), "postern-bench-site-"));
    const inMemory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
    const folder = await mkdtemp(join(inMemory, "postern-bench-controllers-"));
    const world = new SiteWorld(brokerUrl, size, [siteFolder, folder]);
    try {
      await world.#begin(folder);
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  private constructor(brokerUrl: string, size: SiteSize, folders: readonly [string, string]) {
    this.#size = size;
    this.#folders = folders;
    this.#site = new PartProcess<SitePart>(new URL("./site-part.ts", import.meta.url), [
      folders[0],
      brokerUrl,
    ]);
    const hostCount = Math.min(
      processesMax,
      Math.ceil(size.controllerCount / controllersPerProcess),
    );
    const host = new URL("./controllers-part.ts", import.meta.url);
    this.#hosts = Array.from(
      { length: hostCount },
      () => new PartProcess<ControllersPart>(host, [brokerUrl]),
    );
  }

  /** From when all controllers begin to connect until each has its first table. */
  get firstTablesMs(): number {
    return this.#firstTablesMs;
  }

  /** Gives a user another card, by the site file, and waits until it opens and the old one does not. */
  async replaceCard(user: number, doors: readonly number[]): Promise<ChangeOutcome> {
    const before = this.#replaced.get(user) ?? 0;
    const cards = { granted: rawOf(user, before + 1), refused: rawOf(user, before) };
    this.#replaced.set(user, before + 1);
    const text = siteText(this.#size, this.#replaced);
    const at = doors.map(controllerName);
    await this.#askHosts((host) => host.ask("await", { ...cards, at }));
    const { startedAt } = await this.#site.ask("apply", text);
    const grants = await this.#askHosts((host) => host.ask("grants", undefined));
    const decidedMs = grants.flat().map((grantedAt) => Number(grantedAt - startedAt) / 1e6);
    if (decidedMs.length !== doors.length) throw new Error("somebody was not asked");
    return { decidedMs, published: await this.settled() };
  }

  /** Every controller has said that the site's table is in force, and nothing more is under way. */
  async settled(): Promise<PublishedDeltas> {
    return inTime("the site is settled", patienceMs, this.#site.ask("settled", undefined));
  }

  async close(): Promise<void> {
    await Promise.all([this.#site, ...this.#hosts].map((part) => part.end()));
    await Promise.all(this.#folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }

  async #begin(folder: string): Promise<void> {
    const doors = Array.from({ length: this.#size.controllerCount }, (_, door) => door);
    const names = doors.map(controllerName);
    const provisions = await this.#site.ask("provisions", names);
    await this.#site.ask("apply", siteText(this.#size, this.#replaced));
    const all = names.map((controller, door) => ({
      controller,
      provision: provisions[door] ?? "",
      folder,
    }));
    const openedAt = performance.now();
    const hostOf = (door: number) => door % this.#hosts.length;
    await Promise.all(
      this.#hosts.map((host, index) =>
        host.ask(
          "open",
          all.filter((_, door) => hostOf(door) === index),
        ),
      ),
    );
    this.#firstTablesMs = performance.now() - openedAt;
    await this.settled();
  }

  #askHosts<Answer>(
    ask: (host: PartProcess<ControllersPart>) => Promise<Answer>,
  ): Promise<Answer[]> {
    return inTime("the controllers have the change", patienceMs, Promise.all(this.#hosts.map(ask)));
  }
}

function rawOf(user: number, replacedCount: number): RawCredential {
  const format = standardFormats.find(({ name }) => name === cardFormat);
  const bits = format && encodeCard(format, cardOf(user, replacedCount));
  if (!bits?.ok) throw new Error(`${cardFormat} does not take ${user}`);
  return rawFromBits(bits.value);
}

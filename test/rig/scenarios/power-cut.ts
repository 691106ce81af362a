import { Seeded } from "../../../hal/sim/seeded.ts";
import type { RigSite, RigTarget } from "../rig-target.ts";
import { adaCard, bitsOf, frontReader, lab, labReader } from "../rig-world.ts";
import type { Scenario } from "../scenario.ts";
import { changedSite, limitedSlots } from "../site-changes.ts";
import { verdict } from "../verdict.ts";

const cutCounts = { smoke: 2, full: 100 };

/** How often the guest's card opens in all. Fewer than it is presented. */
const usesMax = { smoke: 3, full: 120 };

/** Longest life between two cuts, from when it is ready. */
const lifeMsMax = 6_000;

const backMsMax = 120_000;

/** From a card to its strike, on a disk that writes through. */
const decisionMs = 200;

/** Of the site's answer, at most. */
const pageCount = 10_000;

interface SiteEvent {
  readonly position: number;
  readonly number: number;
  readonly hash: string;
  readonly journal: string;
  readonly pass: string | null;
  readonly result: string | null;
}

export const scenario: Scenario = {
  name: "power-cut",
  title:
    "Power cuts amid changes and taps lose nothing that was told, double nothing, give no use back",
  targets: ["kernel"],
  time: "free",
  devices: ["disk"],
  isSmoke: false,
  secondsMax: 28_800,
  run: async (rig) => {
    const size = rig.isSmoke ? "smoke" : "full";
    const cutCount = rig.count ?? cutCounts[size];
    const life = new CutLife(rig, await rig.startSite(), usesMax[size]);
    for (let cut = 0; cut < cutCount; cut += 1) {
      await life.liveAndDie();
      rig.note(`cut ${cut + 1}: ${life.summary()}`);
    }
    await life.rest();
    return verdict(life.faults, `${cutCount} cuts; ${life.summary()}`);
  },
};

/** A controller between power cuts, and all that must be true of it throughout. */
class CutLife {
  readonly faults: string[] = [];
  readonly #rig: RigTarget;
  readonly #site: RigSite;
  readonly #usesMax: number;
  readonly #random: Seeded;
  /** What the site said of a number when it first had it. */
  readonly #hashOf = new Map<number, string>();
  #change = 0;
  #cutCount = 0;
  #guestReleases = 0;
  #newestTable = [0, 0];

  constructor(rig: RigTarget, site: RigSite, uses: number) {
    this.#rig = rig;
    this.#site = site;
    this.#usesMax = uses;
    this.#random = new Seeded(rig.seed, "power cuts");
  }

  summary(): string {
    return `${this.#hashOf.size} events, ${this.#change} changes, ${this.#guestReleases} guest entries`;
  }

  /** Starts it, taps and changes tables, and pulls the plug in the midst of that. */
  async liveAndDie(): Promise<void> {
    const rig = this.#rig;
    await rig.controller.start();
    await this.#lookAtTable();
    let isOver = false;
    const changing = (async () => {
      while (!isOver) await this.#changeSite();
    })();
    const tapping = (async () => {
      while (!isOver) await this.#tap();
    })();
    // What is under way dies with the machine.
    const ended = Promise.allSettled([tapping, changing]);
    // The moment is the test, and no wait for anything.
    await rig.idle(this.#random.between(0, lifeMsMax));
    isOver = true;
    await rig.cutPower();
    this.#cutCount += 1;
    for (const one of await ended) {
      if (one.status === "rejected") rig.note(`at the cut: ${String(one.reason)}`);
    }
    await this.#look();
    await rig.powerOn();
  }

  /** The last start: everything must come together. */
  async rest(): Promise<void> {
    const rig = this.#rig;
    await rig.controller.start();
    await this.#lookAtTable();
    const wanted = await this.#wantedTable();
    await this.#until("the controller has the site's table", async () => {
      return `${(await this.#status()).table.join(".")}` === wanted;
    });
    for (let tap = 0; tap < this.#usesMax; tap += 1) await this.#tap();
    await this.#until("the site has all that was journalled", async () => {
      const own = (await rig.controller.events()).map(({ number, hash }) => `${number} ${hash}`);
      const at = (await this.#events()).map(({ number, hash }) => `${number} ${hash}`);
      return own.length > 0 && own.join() === at.join();
    });
    await this.#look();
    const events = await this.#events();
    const missing = events.findIndex(({ number }, index) => number !== index + 1);
    if (missing >= 0) this.faults.push(`event ${missing + 1} is missing, or there twice`);
    const journals = new Set(events.map(({ journal }) => journal)).size;
    if (journals !== 1) this.faults.push(`${journals} journals`);
    const guest = events.filter(
      ({ pass, result }) => pass === "guest-card" && result === "granted",
    );
    const granted = Math.max(guest.length, this.#guestReleases);
    // A cut may cost the use that was on its way to the strike, and no other. Without any, nothing is shown.
    if (granted < Math.max(1, this.#usesMax - this.#cutCount)) {
      this.faults.push(`the guest came in ${granted} times only, with ${this.#usesMax} uses`);
    }
    if (granted > this.#usesMax) {
      this.faults.push(`the guest came in ${granted} times with ${this.#usesMax} uses`);
    }
  }

  async #changeSite(): Promise<void> {
    this.#change += 1;
    await this.#site.call("POST", "/postern/site", changedSite(this.#change, this.#usesMax));
    await this.#rig.idle(this.#random.between(20, 400));
  }

  /** Ada at the front, the guest at the laboratory, where nobody else goes. */
  async #tap(): Promise<void> {
    const rig = this.#rig;
    const [presented] = await rig.present({
      presentations: [
        { reader: labReader, slots: limitedSlots },
        { reader: frontReader, slots: bitsOf(adaCard) },
      ],
    });
    if (presented === undefined) throw new Error("nothing was presented");
    await rig.idle(decisionMs);
    const changes = await rig.strikeChanges(presented.lastPulseAt);
    const isIn = changes.some(({ door, state }) => door === lab && state === "released");
    if (isIn) this.#guestReleases += 1;
    await rig.waitForStrike({ door: lab, state: "secured", withinMs: 3_000 });
  }

  /** What the site was told stays told. */
  async #look(): Promise<void> {
    for (const { number, hash } of await this.#events()) {
      const seen = this.#hashOf.get(number);
      if (seen === undefined) this.#hashOf.set(number, hash);
      else if (seen !== hash) this.faults.push(`event ${number} is another one now`);
    }
  }

  /** A table that was in force does not give way to an older one. */
  async #lookAtTable(): Promise<void> {
    const { table } = await this.#status();
    const [epoch = 0, version = 0] = table;
    const [epochBefore = 0, versionBefore = 0] = this.#newestTable;
    const isBack = epoch < epochBefore || (epoch === epochBefore && version < versionBefore);
    if (isBack) this.faults.push(`table ${table.join(".")} after ${this.#newestTable.join(".")}`);
    this.#newestTable = [epoch, version];
  }

  async #status(): Promise<{ readonly table: readonly number[] }> {
    const { code, stdout, stderr } = await this.#rig.controller.postern(["status", "--json"]);
    if (code !== 0) throw new Error(`postern status: ${stderr}`);
    const { table } = JSON.parse(stdout) as {
      readonly table: { readonly epoch: number; readonly version: number } | null;
    };
    return { table: table === null ? [0, 0] : [table.epoch, table.version] };
  }

  async #wantedTable(): Promise<string> {
    const { tables } = (await this.#site.call("GET", "/postern/site")) as {
      readonly tables: readonly Readonly<Record<string, unknown>>[];
    };
    const [table] = tables;
    this.#rig.note(`the site wants ${JSON.stringify(table)}`);
    return `${table?.["epoch"]}.${table?.["version"]}`;
  }

  async #events(): Promise<readonly SiteEvent[]> {
    const all: SiteEvent[] = [];
    for (;;) {
      const after = all.at(-1)?.position ?? 0;
      const path = `/postern/events?after=${after}&limit=${pageCount}`;
      const { events } = (await this.#site.call("GET", path)) as {
        readonly events: readonly SiteEvent[];
      };
      all.push(...events);
      if (events.length < pageCount) return all;
    }
  }

  async #until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    for (let waited = 0; waited < backMsMax; waited += 500) {
      if (await isSo()) return;
      await this.#rig.idle(500);
    }
    this.faults.push(`did not happen in ${backMsMax} ms: ${what}`);
  }
}

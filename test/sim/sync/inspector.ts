import type { TableMark } from "../../../src/domain/table-change.ts";
import { isNewer, isSameTable } from "../../../src/protocols/sync/table-order.ts";
import { BrokenPromise } from "../building/broken-promise.ts";
import type { ControllerLife } from "./controller-life.ts";
import { cardNumbers, firstCrowdCard } from "./plan.ts";
import type { SignedTables, SignedTruth } from "./signed-tables.ts";
import type { SiteLife } from "./site-life.ts";
import { outcomesOf, type Probe, type UsesLeft } from "./truth.ts";
import type { UseTruth } from "./use-truth.ts";

/** One that no plan has, and one of the crowd, beside those that plans have. */
const cards = [...cardNumbers, 999, firstCrowdCard];

/** What a controller is asked of, and by what its answers are judged. */
interface Asked {
  readonly mark: TableMark;
  readonly truth: SignedTruth;
  readonly at: number;
  readonly left: (pass: string, uses: number) => UsesLeft;
}

/** Holds what controllers do to what the site said. */
export class Inspector {
  readonly #signed: SignedTables;
  readonly #uses: UseTruth;
  /** The newest table that was in force at each: older ones never are again. */
  readonly #promised = new Map<string, TableMark>();

  constructor(signed: SignedTables, uses: UseTruth) {
    this.#signed = signed;
    this.#uses = uses;
  }

  /** Whenever it likes: it decides as the site said of the table that it names, of that one alone. */
  look(controller: ControllerLife, at: number): void {
    if (!controller.isRunning) return;
    const { name } = controller;
    const mark = controller.table()?.mark;
    const promised = this.#promised.get(name);
    if (mark === undefined) {
      if (promised === undefined) return;
      throw new BrokenPromise(`${name} had table ${nameOf(promised)} and has none`);
    }
    if (promised !== undefined && isOlder(mark, promised)) {
      throw new BrokenPromise(`${name} went from table ${nameOf(promised)} to ${nameOf(mark)}`);
    }
    this.#promised.set(name, mark);
    const truth = this.#signed.truthOf(name, mark);
    if (truth === undefined) {
      throw new BrokenPromise(`${name} has table ${nameOf(mark)}, which the site never signed`);
    }
    const left = (pass: string, uses: number) => this.#uses.leftAt(name, pass, uses);
    this.#probe(controller, { mark, truth, at, left });
  }

  /** Once all is said and heard. */
  lookAtEnd(
    controller: ControllerLife,
    everybody: { readonly site: SiteLife; readonly controllers: readonly ControllerLife[] },
    at: number,
  ): void {
    const { name } = controller;
    const { site, controllers } = everybody;
    const journals = controllers.map(({ paper }) => paper.entries);
    const mark = controller.table()?.mark;
    if (mark === undefined) throw new BrokenPromise(`${name} has no table`);
    const left = (pass: string, uses: number) => this.#uses.leftAtAll(journals, pass, uses);
    this.#probe(controller, { mark, at, left, truth: { kind: "plan", plan: site.plan } });
    this.#compareJournals(controller, site);
  }

  #probe(controller: ControllerLife, asked: Asked): void {
    const { name } = controller;
    const { mark, truth, at, left } = asked;
    const given: string[] = [];
    const notTaken: string[] = [];
    for (const door of controller.doors()) {
      for (const card of cards) {
        const probe: Probe = { controller: name, door, card, at };
        const decision = controller.decide(door, card);
        if (decision === undefined) return;
        const outcome = decision.kind === "denied" ? decision.reason : decision.kind;
        const here = `card ${card} at ${door}`;
        const tell = (expected: readonly string[]) =>
          new BrokenPromise(
            `${name} with table ${nameOf(mark)}: ${here} is ${outcome}, not ${expected.join(" or ")}`,
          );
        if (truth.kind === "plan") {
          const expected = outcomesOf(truth.plan, probe, left);
          if (!expected.includes(outcome)) throw tell(expected);
        } else if (outcome === "granted") {
          const before = outcomesOf(truth.before, probe, left);
          const after = outcomesOf(truth.after, probe, left);
          const wasGranted = before.includes(outcome);
          const willBeGranted = after.includes(outcome);
          if (!wasGranted && !willBeGranted) throw tell([...before, ...after]);
          if (!wasGranted) given.push(here);
          if (!willBeGranted) notTaken.push(here);
        }
      }
    }
    const [gift] = given;
    const [leftover] = notTaken;
    if (gift === undefined || leftover === undefined) return;
    throw new BrokenPromise(
      `${name} with table ${nameOf(mark)} has ${gift} before it has lost ${leftover}`,
    );
  }

  /** Every entry is at the site, once, as it was written. */
  #compareJournals({ name, paper }: ControllerLife, { service }: SiteLife): void {
    const limit = paper.entries.length + 10;
    const stored = service.events.query({ after: 0, limit, controller: name });
    if (stored.length !== paper.entries.length) {
      throw new BrokenPromise(
        `of ${name} the site has ${stored.length} entries of ${paper.entries.length}`,
      );
    }
    for (const [place, { number, hash }] of stored.entries()) {
      const entry = paper.entries[place];
      if (entry?.number === number && entry.hash === hash) continue;
      throw new BrokenPromise(`entry ${place + 1} of ${name} is entry ${number} at the site`);
    }
  }
}

/** Not this one, and not after it. Two tables of one number are never both in force. */
function isOlder(mark: TableMark, promised: TableMark): boolean {
  return !isSameTable(mark, promised) && !isNewer(mark, promised);
}

export function nameOf({ epoch, version, tag }: TableMark): string {
  return `${epoch}.${version} (${tag.toString(16)})`;
}

import type { JournalEntry } from "../../../src/domain/event.ts";
import { BrokenPromise } from "../building/broken-promise.ts";
import type { GrantedHere } from "./controller-life.ts";
import type { UsesLeft } from "./truth.ts";

/** How often each pass with a use count opened a door, and where: counted at the door. */
export class UseTruth {
  readonly #grants = new Map<string, Map<string, number[]>>();

  granted(controller: string, { pass, use }: GrantedHere): void {
    if (use === undefined) return;
    const here = this.#at(pass, controller);
    const last = here.at(-1) ?? 0;
    if (use <= last) throw new BrokenPromise(`${controller} gave use ${last} of ${pass} back`);
    here.push(use);
  }

  /**
   * What a controller must know of it. Beyond its own grants it may have heard of those elsewhere, and
   * uses that a power cut took are lost to the pass.
   */
  leftAt(controller: string, pass: string, uses: number): UsesLeft {
    const places = this.#grants.get(pass);
    if (places === undefined) return "some";
    return (places.get(controller)?.at(-1) ?? 0) >= uses ? "none" : "unknown";
  }

  /**
   * Once everybody knows of everybody, which they do by journals: of a grant whose entry a kill took,
   * its own controller alone.
   */
  leftAtAll(journals: Iterable<readonly JournalEntry[]>, pass: string, uses: number): UsesLeft {
    if (!this.#grants.has(pass)) return "some";
    let spent = 0;
    for (const entries of journals) spent += spentIn(entries, pass);
    return spent >= uses ? "none" : "unknown";
  }

  #at(pass: string, controller: string): number[] {
    const places = this.#grants.get(pass) ?? new Map<string, number[]>();
    this.#grants.set(pass, places);
    const here = places.get(controller) ?? [];
    places.set(controller, here);
    return here;
  }
}

function spentIn(entries: readonly JournalEntry[], pass: string): number {
  const uses = entries.map(({ event }) =>
    event.kind === "access_granted" && event.pass === pass ? (event.use ?? 0) : 0,
  );
  return Math.max(0, ...uses);
}

import { controllerId } from "../../../src/domain/ids.ts";
import { type Result, succeed } from "../../../src/domain/result.ts";
import type { TableMark } from "../../../src/domain/table-change.ts";
import type { Provision } from "../../../src/protocols/sync/provision.ts";
import { openerOf, type SiteOpener } from "../../../src/protocols/sync/site-seal.ts";
import { openManifest } from "../../../src/protocols/sync/snapshot-manifest.ts";
import { openTableDelta } from "../../../src/protocols/sync/table-delta.ts";
import { openTableHead } from "../../../src/protocols/sync/table-head.ts";
import type { TableRefusal } from "../../../src/protocols/sync/table-refusal.ts";
import type { SiteService } from "../../../src/site/site-service.ts";
import { BrokenPromise } from "../building/broken-promise.ts";
import type { Plan } from "./plan.ts";

/**
 * What a table says: a plan, or something on the way from one to the next, where the step is too large
 * for one delta. Nobody has there what neither plan gives him, and all is taken before any is given.
 */
export type SignedTruth =
  | { readonly kind: "plan"; readonly plan: Plan }
  | { readonly kind: "between"; readonly before: Plan; readonly after: Plan };

/** From one plan to the next by several versions. */
export interface LargeStep {
  readonly controller: string;
  readonly epoch: number;
  /** The first on the way, and the one that says all of it. */
  readonly from: number;
  readonly to: number;
  readonly before: Plan;
  readonly after: Plan;
}

/** Which table a message of the site is about. */
type OpenMark = (opener: SiteOpener, message: Uint8Array) => Result<TableMark, TableRefusal>;

const openers: Readonly<Record<string, OpenMark>> = {
  head: (opener, message) => markIn(openTableHead(opener, message), ({ mark }) => mark),
  manifest: (opener, message) => markIn(openManifest(opener, message), ({ mark }) => mark),
  delta: (opener, message) => markIn(openTableDelta(opener, message), ({ to }) => to),
};

function markIn<Opened>(
  opened: Result<Opened, TableRefusal>,
  markOf: (opened: Opened) => TableMark,
): Result<TableMark, TableRefusal> {
  return opened.ok ? succeed(markOf(opened.value)) : opened;
}

/** Every table that the site ever signed, by what people wanted of it when it did. */
export class SignedTables {
  readonly #truths = new Map<string, SignedTruth>();
  readonly #openers = new Map<string, { readonly sitePublicKey: string; opener: SiteOpener }>();
  #largeSteps: readonly LargeStep[] = [];
  /** Marks that deltas led to since the site was told the last plan. */
  readonly #fresh: { readonly controller: string; readonly mark: TableMark }[] = [];

  truthOf(controller: string, mark: TableMark): SignedTruth | undefined {
    return this.#truths.get(keyOf(controller, mark));
  }

  /** What the site gives out, while `plan` is what it was told last. */
  observe(
    message: { readonly topic: string; readonly payload: Uint8Array },
    plan: Plan,
    service: Pick<SiteService, "provisionFor">,
  ): void {
    const [, , , , controller = "", room, kind] = message.topic.split("/");
    if (room !== "table" || kind === undefined) return;
    const open = openers[kind];
    if (open === undefined) return;
    const marks = open(
      this.#openerOf(service.provisionFor(controllerId(controller))),
      message.payload,
    );
    if (!marks.ok) throw new BrokenPromise(`the site's own ${kind} is ${marks.fault.reason}`);
    const isFirst = this.#note(controller, marks.value, plan);
    if (isFirst && kind === "delta") this.#fresh.push({ controller, mark: marks.value });
  }

  /** A key is read from its text once. */
  #openerOf(provision: Provision): SiteOpener {
    const { controller, sitePublicKey } = provision;
    const known = this.#openers.get(controller);
    if (known?.sitePublicKey === sitePublicKey) return known.opener;
    const opener = openerOf(provision);
    this.#openers.set(controller, { sitePublicKey, opener });
    return opener;
  }

  /** The site is about to be told another plan. */
  expect(): void {
    this.#fresh.length = 0;
  }

  /** `applied`: where each controller's table is since the plan became this one. */
  settle(
    { before, after }: { readonly before: Plan; readonly after: Plan },
    applied: ReadonlyMap<string, number>,
  ): void {
    const fresh = this.#fresh.splice(0);
    for (const [controller, to] of applied) {
      const marks = fresh.flatMap((one) => (one.controller === controller ? [one.mark] : []));
      const [first] = marks;
      if (first === undefined || first.version === to) continue;
      const { epoch, version: from } = first;
      this.#largeSteps = [...this.#largeSteps, { controller, epoch, from, to, before, after }];
      for (const mark of marks) {
        if (mark.version === to) continue;
        this.#truths.set(keyOf(controller, mark), { kind: "between", before, after });
      }
    }
  }

  /** What a copy of the site knows of the steps that it is in the middle of telling. */
  largeSteps(): readonly LargeStep[] {
    return this.#largeSteps;
  }

  setBack(steps: readonly LargeStep[]): void {
    this.#largeSteps = steps;
  }

  /** Whether it is the first time. */
  #note(controller: string, mark: TableMark, plan: Plan): boolean {
    const key = keyOf(controller, mark);
    if (this.#truths.has(key)) return false;
    this.#truths.set(key, this.#lateTruth(controller, mark) ?? { kind: "plan", plan });
    return true;
  }

  /** Not all of a large step goes out at once: the rest is asked for, when plans are others already. */
  #lateTruth(controller: string, { epoch, version }: TableMark): SignedTruth | undefined {
    const step = this.#largeSteps.findLast(
      (one) =>
        one.controller === controller &&
        one.epoch === epoch &&
        version > one.from &&
        version <= one.to,
    );
    if (step === undefined) return undefined;
    const { before, after } = step;
    return version === step.to ? { kind: "plan", plan: after } : { kind: "between", before, after };
  }
}

function keyOf(controller: string, { epoch, version, tag }: TableMark): string {
  return `${controller} ${epoch}.${version} ${tag}`;
}

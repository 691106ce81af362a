import { controllerId } from "../../../src/domain/ids.ts";
import { type Result, succeed } from "../../../src/domain/result.ts";
import type { TableMark } from "../../../src/domain/table-change.ts";
import { openerOf, type SiteOpener } from "../../../src/protocols/sync/site-seal.ts";
import { openManifest } from "../../../src/protocols/sync/snapshot-manifest.ts";
import { openTableDelta } from "../../../src/protocols/sync/table-delta.ts";
import { openTableHead } from "../../../src/protocols/sync/table-head.ts";
import type { TableRefusal } from "../../../src/protocols/sync/table-refusal.ts";
import type { SiteService } from "../../../src/site/site-service.ts";
import { BrokenPromise } from "../building/broken-promise.ts";
import type { Plan } from "./plan.ts";

/** What a table says: a plan, or of a plan what is taken away on the way to the next. */
export type SignedTruth =
  | { readonly kind: "plan"; readonly plan: Plan }
  | { readonly kind: "revocations"; readonly before: Plan; readonly after: Plan };

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
    const opener = openerOf(service.provisionFor(controllerId(controller)));
    const open = openers[kind];
    if (open === undefined) return;
    const marks = open(opener, message.payload);
    if (!marks.ok) throw new BrokenPromise(`the site's own ${kind} is ${marks.fault.reason}`);
    const isFirst = this.#note(controller, marks.value, plan);
    if (isFirst && kind === "delta") this.#fresh.push({ controller, mark: marks.value });
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
    for (const { controller, mark } of this.#fresh.splice(0)) {
      if (applied.get(controller) === mark.version) continue;
      this.#truths.set(keyOf(controller, mark), { kind: "revocations", before, after });
    }
  }

  /** Whether it is the first time. */
  #note(controller: string, mark: TableMark, plan: Plan): boolean {
    const key = keyOf(controller, mark);
    if (this.#truths.has(key)) return false;
    this.#truths.set(key, { kind: "plan", plan });
    return true;
  }
}

function keyOf(controller: string, { epoch, version, tag }: TableMark): string {
  return `${controller} ${epoch}.${version} ${tag}`;
}

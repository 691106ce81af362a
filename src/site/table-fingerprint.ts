import { createHmac } from "node:crypto";
import type { ControllerId } from "../domain/ids.ts";
import type { ControllerView } from "./controller-view.ts";
import { scopeOf } from "./site-state.ts";
import type { SiteView } from "./site-view.ts";
import type { TableDifference } from "./table-difference.ts";

/**
 * Says whether two tables have one content, their numbers and dates aside: the sum of a keyed
 * digest of each thing in them, so that one changed pass costs one digest and not a million. Keyed,
 * because it is stored and a plain hash would let PINs and cards be guessed from it.
 */
export type TableFingerprint = bigint;

const fingerprintBits = 128;
/** What one controller is told, others are mostly told in the same words: digests that are kept. */
const knownDigestsMax = 16_384;

export class Fingerprinter {
  readonly #key: Uint8Array;
  readonly #known = new Map<string, bigint>();

  /** `secret`: one that is the site's alone. */
  constructor(secret: Uint8Array) {
    this.#key = createHmac("sha256", secret).update("postern/1\0table fingerprint").digest();
  }

  /** Of the tables of all these controllers. */
  ofAll(
    view: SiteView,
    controllers: Iterable<ControllerId>,
  ): ReadonlyMap<ControllerId, TableFingerprint> {
    const sums = new Map<ControllerId, bigint>();
    for (const controller of controllers) {
      sums.set(controller, this.#digest("frame", view.at(controller).frame));
    }
    // One after another, each at every controller: what is told in the same words is digested once.
    for (const { id } of view.state.users()) {
      const passes = [...view.state.passesOf(id)];
      for (const controller of scopeOf(view.state, id)) {
        const at = view.at(controller);
        let sum = sums.get(controller) ?? 0n;
        sum += this.#digest("user", at.user(id));
        for (const pass of passes) sum += this.#digest("pass", at.recordOf(pass));
        sums.set(controller, sum);
      }
    }
    for (const [controller, sum] of sums) {
      sums.set(controller, BigInt.asUintN(fingerprintBits, sum));
    }
    return sums;
  }

  of(view: ControllerView): TableFingerprint {
    let sum = this.#digest("frame", view.frame);
    for (const user of view.users()) sum += this.#digest("user", user);
    for (const pass of view.passes()) sum += this.#digest("pass", pass);
    return BigInt.asUintN(fingerprintBits, sum);
  }

  /** Of the table that `difference` leads to from one with this fingerprint. */
  after(fingerprint: TableFingerprint, difference: TableDifference): TableFingerprint {
    let sum = fingerprint;
    const replace = (kind: string, before: unknown, after: unknown): void => {
      if (before !== undefined) sum -= this.#digest(kind, before);
      if (after !== undefined) sum += this.#digest(kind, after);
    };
    replace("frame", difference.frame?.before, difference.frame?.after);
    for (const { before, after } of difference.users) replace("user", before, after);
    for (const { before, after } of difference.passes) replace("pass", before, after);
    return BigInt.asUintN(fingerprintBits, sum);
  }

  /** JSON, since a view makes its records with their fields in one order. */
  #digest(kind: string, record: unknown): bigint {
    const text = `${kind}\0${JSON.stringify(record)}`;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const mac = createHmac("sha256", this.#key).update(text).digest();
    const digest = (mac.readBigUInt64LE(0) << 64n) | mac.readBigUInt64LE(8);
    if (this.#known.size >= knownDigestsMax) this.#known.clear();
    this.#known.set(text, digest);
    return digest;
  }
}

import t from "tap";
import { type ControllerId, controllerId } from "../../../src/domain/ids.ts";
import { type MonotonicMs, monotonicMs } from "../../../src/domain/time.ts";
import { gatherMs, Republisher, retryMs, usesRestMs } from "../../../src/site/republisher.ts";

const one = controllerId("one");
const two = controllerId("two");

/** A clock on which making tables takes time, and a record of which were made when. */
class Workshop {
  now = monotonicMs(0);
  outcome: "done" | "failed" = "done";
  makingMs = 0;
  readonly made: (readonly [at: number, controllers: readonly ControllerId[]])[] = [];
  #armed: { readonly at: MonotonicMs; readonly due: () => void } | undefined;

  readonly republisher = new Republisher({
    clock: {
      monotonic: () => this.now,
      alarm: (at, due) => {
        this.#armed = { at, due };
        return { cancel: () => (this.#armed = undefined) };
      },
    },
    republish: (controllers) => {
      this.made.push([this.now, controllers]);
      this.now = monotonicMs(this.now + this.makingMs);
      return this.outcome;
    },
  });

  /** When the next tables are due; undefined where nothing is waited for. */
  get dueAt(): number | undefined {
    return this.#armed?.at;
  }

  next(): void {
    const armed = this.#armed;
    if (armed === undefined) throw new Error("nothing is due");
    this.#armed = undefined;
    this.now = armed.at;
    armed.due();
  }
}

t.test("what comes while uses gather goes out together, each table once", async (t) => {
  const shop = new Workshop();
  shop.republisher.note([one], "few_uses_left");
  shop.now = monotonicMs(gatherMs - 1);
  shop.republisher.note([two, one], "few_uses_left");
  shop.next();
  t.same(shop.made, [[gatherMs, [one, two]]]);
  t.equal(shop.dueAt, undefined);
  shop.republisher.note([], "few_uses_left");
  t.equal(shop.dueAt, undefined, "nobody is to be told, so nothing is waited for");
});

t.test("a site whose tables take long to make still answers most of the time", async (t) => {
  const shop = new Workshop();
  shop.makingMs = 3_000;
  shop.republisher.note([one], "few_uses_left");
  shop.next();
  shop.republisher.note([one], "few_uses_left");
  t.equal(shop.dueAt, gatherMs + 3_000 + 27_000);
  shop.makingMs = 10;
  shop.next();
  shop.republisher.note([one], "few_uses_left");
  t.equal(shop.dueAt, shop.now + gatherMs, "a quick one needs no rest");
});

t.test("what failed is tried again without another use, with what came since", async (t) => {
  const shop = new Workshop();
  shop.outcome = "failed";
  shop.republisher.note([one], "few_uses_left");
  shop.next();
  t.equal(shop.dueAt, gatherMs + retryMs);
  shop.republisher.note([two], "few_uses_left");
  shop.outcome = "done";
  shop.next();
  t.same(shop.made.at(-1)?.[1], [one, two]);
  t.equal(shop.dueAt, undefined);
});

t.test("after it is closed nothing goes out", async (t) => {
  const shop = new Workshop();
  shop.republisher.note([one], "few_uses_left");
  shop.republisher.close();
  t.equal(shop.dueAt, undefined);
});

t.test("a controller rests between tables that only bring uses from elsewhere", async (t) => {
  const shop = new Workshop();
  shop.republisher.note([one, two], "used_elsewhere");
  shop.next();
  t.same(shop.made, [[gatherMs, [one, two]]], "the first goes out at once");
  shop.republisher.note([one], "used_elsewhere");
  t.equal(shop.dueAt, gatherMs + usesRestMs);
  shop.now = monotonicMs(10_000);
  shop.republisher.note([one, two], "used_elsewhere");
  t.equal(shop.dueAt, gatherMs + usesRestMs, "a rest is no longer for what comes during it");
  shop.republisher.note([two], "few_uses_left");
  t.equal(shop.dueAt, 10_000 + gatherMs, "the last uses of a pass do not wait");
  shop.next();
  t.same(shop.made.at(-1), [10_000 + gatherMs, [two]], "and take no other controller along");
  shop.next();
  t.same(shop.made.at(-1), [gatherMs + usesRestMs, [one]]);
  t.equal(shop.dueAt, undefined);
});

t.test("a table for who may have forgotten neither waits nor makes others wait", async (t) => {
  const shop = new Workshop();
  shop.republisher.note([one], "used_elsewhere");
  shop.next();
  shop.republisher.note([one], "forgotten");
  t.equal(shop.dueAt, 2 * gatherMs);
  shop.next();
  shop.republisher.note([two], "forgotten");
  shop.next();
  shop.republisher.note([two], "used_elsewhere");
  t.equal(shop.dueAt, shop.now + gatherMs);
});

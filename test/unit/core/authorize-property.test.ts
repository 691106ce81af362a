import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import t from "tap";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import {
  type AccessRequest,
  authorize,
  type Decision,
  type Granted,
} from "../../../src/core/authorize.ts";
import { explain } from "../../../src/core/explain.ts";
import type { Presented } from "../../../src/core/presented.ts";
import type { TableContent } from "../../../src/domain/access.ts";
import { type PassId, ruleId } from "../../../src/domain/ids.ts";
import { denialReasons } from "../../../src/domain/reason.ts";
import { arbitraryContent, arbitraryRequest } from "./arbitrary-request.ts";
import { naiveAuthorize } from "./naive-authorize.ts";
import { checkProperty } from "./property.ts";

const requests = fc.array(arbitraryRequest, { minLength: 20, maxLength: 20 });

/** Decides 20 random requests on each of 400 random tables. */
function checkDecisions(
  t: { readonly comment: (text: string) => void },
  check: (content: TableContent, request: AccessRequest, decision: Decision) => void,
): void {
  checkProperty(
    t,
    400,
    fc.property(arbitraryContent, requests, fc.nat(), (content, asked, key) => {
      const table = buildAccessTable(content, [key, ~key >>> 0]);
      for (const request of asked) check(content, request, authorize(table, request));
    }),
  );
}

/** Every door asks for card and PIN, and for little else. */
function withTwoFactors(content: TableContent): TableContent {
  const asking = { factors: "card_and_pin", twoPerson: "not_required", posture: "locked" } as const;
  return { ...content, doors: content.doors.map((door) => ({ ...door, ...asking })) };
}

/** Decides the same requests on random tables and on tables made from those. */
function compareDecisions(
  t: { readonly comment: (text: string) => void },
  turn: (content: TableContent) => TableContent,
  compare: (plain: Decision, turned: Decision) => void,
): void {
  checkProperty(
    t,
    200,
    fc.property(arbitraryContent, requests, fc.nat(), (content, asked, key) => {
      const plain = buildAccessTable(content, [key, ~key >>> 0]);
      const turned = buildAccessTable(turn(content), [key, ~key >>> 0]);
      for (const request of asked) compare(authorize(plain, request), authorize(turned, request));
    }),
  );
}

/** Of decisions, and of what grants say: each must have been met. */
const words = [
  ...["granted", "pin_required", "second_person_required", "escort_required"],
  ...denialReasons.slice(1, denialReasons.indexOf("second_factor_timeout")),
  ...["duress", "along", "use", "passage", "passbackFrom", "extraTime", "escorts", "toggles"],
].filter((word) => word !== "not_an_escort");

t.test(
  "on random tables the decision is the one that plain reading of the records gives",
  async (t) => {
    const seen = new Map<string, number>();
    checkDecisions(t, (content, request, decision) => {
      deepStrictEqual(decision, naiveAuthorize(content, request));
      const met: string[] = [decision.kind === "denied" ? decision.reason : decision.kind];
      if (decision.duress !== undefined) met.push("duress");
      if (decision.kind === "granted") met.push(...Object.keys(decision));
      for (const word of met) seen.set(word, (seen.get(word) ?? 0) + 1);
    });
    for (const word of words) t.ok((seen.get(word) ?? 0) > 0, `${word} was among them`);
  },
);

t.test("where card and PIN are asked for, both are counted as the records have it", async (t) => {
  let countedPins = 0;
  checkProperty(
    t,
    200,
    fc.property(arbitraryContent, requests, fc.nat(), (any, asked, key) => {
      const content = withTwoFactors(any);
      const table = buildAccessTable(content, [key, ~key >>> 0]);
      for (const request of asked) {
        const decision = authorize(table, request);
        deepStrictEqual(decision, naiveAuthorize(content, request));
        if (decision.kind === "granted" && decision.pinUse !== undefined) countedPins += 1;
      }
    }),
  );
  t.ok(countedPins > 0, "a PIN with a use count was among them");
});

/** Whether the site gave this pass away and has not taken it back, and the time is right for it. */
function isGood(
  { passes, users, doors }: TableContent,
  request: AccessRequest,
  id: PassId,
): boolean {
  const pass = passes.find((one) => one.id === id);
  if (pass?.active !== true) return false;
  if (users.find((one) => one.id === pass.user)?.suspended !== false) return false;
  const { startsAt = -Infinity, endsAt = Infinity, usesMax = Infinity } = pass;
  const spent = Math.max(pass.spentHere ?? 0, request.premises.spent(id));
  if (spent + (pass.spentElsewhere ?? 0) >= usesMax) return false;
  const { at, quality } = request.wall;
  if (quality !== "unknown") return startsAt <= at && at < endsAt;
  const door = doors.find((one) => one.id === request.door);
  return door?.clockUnknown === "allow" || (startsAt === -Infinity && endsAt === Infinity);
}

const isShown = (content: TableContent, shown: Presented | undefined, id: PassId): boolean => {
  const pass = content.passes.find((one) => one.id === id);
  const data = pass?.presents.as === "raw" ? pass.presents.raw : pass?.presents.digest;
  return (
    shown !== undefined &&
    (shown.pass ?? id) === id &&
    (shown.pass ? true : data === (shown.card ?? shown.pin))
  );
};

t.test(
  "a revoked, suspended, expired, used-up or unknown pass is never granted nor asked for more",
  async (t) => {
    checkDecisions(t, (content, request, decision) => {
      if (decision.kind === "denied") return;
      deepStrictEqual(isShown(content, request.presented, decision.pass), true);
      deepStrictEqual(isGood(content, request, decision.pass), true);
      if (decision.kind !== "granted" || decision.along === undefined) return;
      deepStrictEqual(isShown(content, request.company?.waiting, decision.along.pass), true);
      deepStrictEqual(isGood(content, request, decision.along.pass), true);
    });
    t.pass("all agreed");
  },
);

t.test(
  "in lockdown pass-through passes alone are granted, and nobody is while disabled",
  async (t) => {
    checkDecisions(t, (content, request, decision) => {
      if (decision.kind !== "granted") return;
      const { override } = request.premises.postureState(request.door);
      const isForever = override !== undefined && override.until === undefined;
      const site = content.doors.find(({ id }) => id === request.door)?.posture;
      const posture = isForever ? override.posture : override === undefined ? site : undefined;
      deepStrictEqual(posture === "disabled", false);
      if (posture !== "lockdown") return;
      for (const { pass } of [decision, ...(decision.along ? [decision.along] : [])]) {
        const { traits = [] } = content.passes.find(({ id }) => id === pass) ?? {};
        deepStrictEqual(traits.includes("pass_through"), true);
      }
    });
    t.pass("all agreed");
  },
);

const withoutSoft = (content: TableContent): TableContent => ({
  ...content,
  areas: content.areas.map((area) =>
    area.passback === "soft" ? { ...area, passback: "none" } : area,
  ),
});

t.test("soft anti-passback never denies: without it everything else is as it was", async (t) => {
  let violations = 0;
  compareDecisions(t, withoutSoft, (soft, none) => {
    if (soft.kind === "granted" && soft.passbackFrom !== undefined) violations += 1;
    deepStrictEqual(withoutWay(soft), withoutWay(none));
  });
  t.ok(violations > 0, "violations were among them");
});

/** What remains to compare where nobody's way is recorded any more. */
function withoutWay(decision: Decision): unknown {
  const {
    passage: _,
    passbackFrom: __,
    along,
    ...rest
  } = { along: undefined, ...decision } as Granted;
  if (along === undefined) return rest;
  const { passage: ___, passbackFrom: ____, ...other } = along;
  return { ...rest, along: other };
}

const inOtherOrder = (content: TableContent): TableContent => ({
  ...content,
  rules: content.rules.toReversed(),
  zones: content.zones.toReversed(),
  areas: content.areas.toReversed(),
  passes: content.passes.toReversed(),
});

t.test("no decision depends on the order of rules, zones, areas or passes", async (t) => {
  compareDecisions(t, inOtherOrder, (plain, turned) => deepStrictEqual(turned, plain));
  t.pass("all agreed");
});

const withOneMoreRule = (content: TableContent): TableContent => ({
  ...content,
  rules: [
    {
      id: ruleId("more"),
      kind: "grant_two_factors",
      users: content.users.map(({ id }) => id),
      doors: content.doors.map(({ id }) => id),
      zones: [],
    },
    ...content.rules,
  ],
});

t.test("one more rule that admits never takes access away", async (t) => {
  compareDecisions(t, withOneMoreRule, (plain, more) => {
    if (plain.kind === "granted") deepStrictEqual(more.kind, "granted");
  });
  t.pass("all agreed");
});

t.test(
  "explain comes to the decision that authorize makes, and its ladder ends there",
  async (t) => {
    checkProperty(
      t,
      400,
      fc.property(arbitraryContent, requests, (content, asked) => {
        const table = buildAccessTable(content, [1, 2]);
        for (const request of asked) {
          const { decision, ladder } = explain(table, request);
          deepStrictEqual(decision, authorize(table, request));
          const verdicts = ladder.map(({ verdict }) => verdict);
          const { kind } = decision;
          const end = kind === "granted" ? "" : kind === "denied" ? "failed" : "waiting";
          const passed = verdicts.findIndex((verdict) => verdict !== "passed");
          const after = passed < 0 ? [] : verdicts.slice(passed + 1);
          deepStrictEqual(passed < 0 ? "" : verdicts[passed], end);
          deepStrictEqual(
            after.every((verdict) => verdict === "not_reached"),
            true,
          );
          for (const { verdict, remedy } of ladder) {
            deepStrictEqual(remedy !== undefined, verdict === "failed" || verdict === "waiting");
          }
        }
      }),
    );
    t.pass("all agreed");
  },
);

t.test("no explanation tells a card's data or a PIN's digest", async (t) => {
  checkProperty(
    t,
    200,
    fc.property(arbitraryContent, requests, (content, asked) => {
      const table = buildAccessTable(content, [1, 2]);
      for (const request of asked) {
        const text = JSON.stringify(explain(table, request));
        const { card, pin } = request.presented;
        // A card of one bit has one digit, which is in every time and number.
        const data = card?.split(":")[1] ?? "";
        if (data.length > 4 && text.includes(data)) throw new Error(text);
        if (pin !== undefined && text.includes(pin)) throw new Error(text);
      }
    }),
  );
  t.pass("all agreed");
});

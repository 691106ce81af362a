import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import t from "tap";
import { buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import { type AccessRequest, authorize, type Decision } from "../../../src/core/authorize.ts";
import { explain } from "../../../src/core/explain.ts";
import type { TableContent } from "../../../src/domain/access.ts";
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

t.test(
  "on random tables the decision is the one that plain reading of the records gives",
  async (t) => {
    const seen = new Map<string, number>();
    checkDecisions(t, (content, request, decision) => {
      deepStrictEqual(decision, naiveAuthorize(content, request));
      const word = decision.kind === "denied" ? decision.reason : decision.kind;
      seen.set(word, (seen.get(word) ?? 0) + 1);
    });
    const words =
      "granted pin_required door_unknown unknown_credential pass_inactive user_suspended clock_unknown not_yet_valid expired no_access outside_schedule pin_alone_not_allowed wrong_pin pin_of_another_user";
    for (const word of words.split(" ")) t.ok((seen.get(word) ?? 0) > 0, `${word} was among them`);
  },
);

t.test(
  "a revoked, suspended, expired or unknown pass is never granted nor asked for a PIN",
  async (t) => {
    checkDecisions(t, (content, request, decision) => {
      if (decision.kind === "denied") return;
      const pass = content.passes.find(({ id }) => id === decision.pass);
      const shown = pass?.presents.as === "raw" ? pass.presents.raw : pass?.presents.digest;
      const { card, pin } = request.presented;
      deepStrictEqual(shown, card ?? pin, "the pass is the one that was shown");
      deepStrictEqual(pass?.active, true);
      deepStrictEqual(content.users.find(({ id }) => id === decision.user)?.suspended, false);
      if (request.wall.quality !== "unknown") {
        deepStrictEqual(request.wall.at >= (pass?.endsAt ?? Infinity), false);
      }
    });
    t.pass("all agreed");
  },
);

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

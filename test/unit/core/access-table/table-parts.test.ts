import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import t from "tap";
import { contentOfParts, partsOfContent } from "../../../../src/core/access-table/table-parts.ts";
import { userId } from "../../../../src/domain/ids.ts";
import { arbitraryContent } from "../arbitrary-request.ts";
import { checkProperty } from "../property.ts";
import { door, rule, schedule, tableContent, user } from "../sample-table.ts";

const parts = (part: Parameters<typeof tableContent>[0]) =>
  partsOfContent(
    tableContent({
      doors: [door("front")],
      users: [user("ada"), user("bob")],
      schedules: [schedule("office", [])],
      ...part,
    }),
  );

t.test("each user names the rules that named him, each once", async (t) => {
  const { users, frame } = parts({
    rules: [rule("one", ["bob", "bob"], ["front"]), rule("two", ["ada", "bob"], ["front"])],
  });
  t.same(users, [
    { ...user("ada"), rules: ["two"] },
    { ...user("bob"), rules: ["one", "two"] },
  ]);
  t.same(
    frame.rules.map(({ id, whom }) => [id, whom]),
    [
      ["one", "named_users"],
      ["two", "named_users"],
    ],
  );
});

t.test("a rule that names a user whom the table lacks is none", async (t) => {
  t.throws(() => parts({ rules: [rule("one", ["dan"], ["front"])] }), { message: /user dan/ });
});

t.test("only a first person's rule of no users is for anybody", async (t) => {
  const kinds = ["grant", "grant_two_factors", "auto_unlock", "first_person_in"] as const;
  const rules = kinds.map((kind) => ({ ...rule(kind, [], ["front"], "office"), kind }));
  t.same(
    parts({ rules }).frame.rules.map(({ whom }) => whom),
    ["named_users", "named_users", "named_users", "anybody"],
  );
});

t.test("a rule whose last user went never comes to be for anybody", async (t) => {
  const first = {
    ...rule("first", ["ada"], ["front"], "office"),
    kind: "first_person_in" as const,
  };
  const { frame, users, passes } = parts({ rules: [first] });
  const left = users.filter(({ id }) => id !== userId("ada"));
  const of = { table: { epoch: 1, version: 2 }, compiledAt: tableContent({}).compiledAt };
  t.same(contentOfParts({ frame, users: left, passes }, of).rules, []);
  t.same(contentOfParts({ frame, users, passes }, of).rules, [first]);
});

t.test("content that is taken apart and put together is what it was", async (t) => {
  checkProperty(
    t,
    200,
    fc.property(arbitraryContent, (any) => {
      // Users of a rule that admits nobody are nobody's concern.
      const rules = any.rules.map((one) =>
        one.kind === "auto_unlock" ? { ...one, users: [] } : one,
      );
      const content = { ...any, rules };
      deepStrictEqual(contentOfParts(partsOfContent(content), content), content);
    }),
  );
  t.pass();
});

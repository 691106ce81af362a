import t from "tap";
import {
  type AccessTable,
  buildAccessTable,
} from "../../../../src/core/access-table/access-table.ts";
import { foldTable } from "../../../../src/core/access-table/fold-table.ts";
import { pinDigest, rawCredential } from "../../../../src/domain/credential.ts";
import { controllerId, passId, ruleId, userId } from "../../../../src/domain/ids.ts";
import { fail, succeed } from "../../../../src/domain/result.ts";
import type {
  FrameRule,
  TableChange,
  TableDelta,
  TableFrame,
  TableUser,
} from "../../../../src/domain/table-change.ts";
import { epochMs } from "../../../../src/domain/time.ts";
import {
  at,
  cardPass,
  digestOf,
  door,
  pinPass,
  rule,
  tableContent,
  testHashKey,
  user,
} from "../sample-table.ts";

function site(): AccessTable {
  return buildAccessTable(
    tableContent({
      doors: [door("front"), door("lab")],
      users: [user("ada"), user("bob"), user("cleo")],
      passes: [cardPass("ada-card", "ada", "8:01"), pinPass("bob-pin", "bob", digestOf("1"))],
      rules: [rule("all", ["ada", "bob"], ["front"]), rule("few", ["ada"], ["lab"])],
    }),
    testHashKey,
  );
}

function delta(table: AccessTable, changes: readonly TableChange[]): TableDelta {
  const from = table.mark;
  const to = { ...from, version: from.version + 1, tag: from.tag + 1 };
  return { from, to, compiledAt: epochMs(5), changes };
}

const named = (id: string, rules: readonly string[] = []): TableUser => ({
  ...user(id),
  rules: rules.map(ruleId),
});
const framed = (table: AccessTable, part: Partial<TableFrame>): TableChange => ({
  kind: "frame",
  frame: { ...table.frame, ...part },
});
const frameRule = (id: string, doors: readonly string[], part: Partial<FrameRule> = {}) => {
  const { users: _, ...plain } = rule(id, [], doors);
  return { ...plain, whom: "named_users", ...part } as const;
};
const rulesOf = (table: AccessTable, id: string): readonly string[] | undefined =>
  [...table.users()].find((one) => one.id === userId(id))?.rules;

t.test("a delta that does not make a valid table is refused with all that it has", async (t) => {
  const good: TableChange = { kind: "pass", pass: cardPass("new", "cleo", "8:77") };
  const pass = (id: string, of: string, raw: string): TableChange => ({
    kind: "pass",
    pass: cardPass(id, of, raw),
  });
  const dated = (startsAt: number): TableChange => ({
    kind: "pass",
    pass: cardPass("x", "ada", "8:99", { startsAt: epochMs(startsAt) }),
  });
  const cases: readonly (readonly [string, readonly TableChange[]])[] = [
    ["pass x refers to user dan, whom the table lacks", [pass("x", "dan", "8:99")]],
    [
      "pass new refers to user cleo, whom the table lacks",
      [{ kind: "user_gone", user: userId("cleo") }],
    ],
    ["user ada goes and leaves a pass", [{ kind: "user_gone", user: userId("ada") }]],
    ["passes ada-card and x present the same credential", [pass("x", "bob", "8:01")]],
    ["passes new and x present the same credential", [pass("x", "bob", "8:77")]],
    [
      "passes bob-pin and x present the same credential",
      [{ kind: "pass", pass: pinPass("x", "ada", digestOf("1")) }],
    ],
    ["two changes of new", [{ kind: "pass_gone", pass: passId("new") }]],
    ["two changes of ada", [1, 2].map(() => ({ kind: "user", user: named("ada") }))],
    [
      "the table refers to rule none, which it lacks",
      [{ kind: "user", user: named("ada", ["none"]) }],
    ],
    ["a user names one rule twice", [{ kind: "user", user: named("ada", ["all", "all"]) }]],
    ["a frame that is not the first change", [framed(site(), {})]],
    ["pass x presents no well-formed credential", [pass("x", "ada", "8:1")]],
    ["pass x starts or ends at no time", [dated(Number.NaN)]],
    ["pass x starts or ends at no time", [dated(Number.NEGATIVE_INFINITY)]],
    [
      "pass x counts its uses beyond all bounds",
      [{ kind: "pass", pass: cardPass("x", "ada", "8:99", { usesMax: 2 ** 32 }) }],
    ],
    ['an identifier that is none: "x/y"', [pass("x/y", "ada", "8:99")]],
    ['an identifier that is none: ""', [{ kind: "user", user: named("") }]],
  ];
  for (const [fault, changes] of cases) {
    const table = site();
    const before = foldTable(table, testHashKey);
    t.same(table.apply(delta(table, [good, ...changes])), fail(fault));
    t.ok(Buffer.from(before).equals(foldTable(table, testHashKey)), `nothing of it: ${fault}`);
  }
});

t.test("a frame that is not valid is refused, and what the delta has beside it", async (t) => {
  const anybody = { ...frameRule("all", ["front"]), whom: "anybody" } as const;
  const cases: readonly (readonly [string, Partial<TableFrame>])[] = [
    ["a frame for test/two", { controller: controllerId("two") }],
    ["the table has door front twice", { doors: [door("front"), door("front")] }],
    ["the table refers to door front, which it lacks", { doors: [door("lab")] }],
    ["there is no zone Europe/Nowhere", { zone: "Europe/Nowhere" }],
    [
      "the table has rule all twice",
      { rules: [frameRule("all", ["front"]), frameRule("all", ["lab"])] },
    ],
    ["rule all is for anybody", { rules: [anybody] }],
  ];
  for (const [fault, part] of cases) {
    const table = site();
    const before = foldTable(table, testHashKey);
    const gone: TableChange = { kind: "pass_gone", pass: passId("ada-card") };
    t.same(table.apply(delta(table, [framed(table, part), gone])), fail(fault));
    t.ok(Buffer.from(before).equals(foldTable(table, testHashKey)), `nothing of it: ${fault}`);
  }
});

t.test("a delta is good for the table that it names, and for no other", async (t) => {
  const table = site();
  const fitting = delta(table, []);
  const { from, to } = fitting;
  const misfits: readonly Partial<TableDelta>[] = [
    { from: { ...from, epoch: from.epoch + 1 } },
    { from: { ...from, version: from.version + 1 } },
    { from: { ...from, version: from.version - 1 } },
    { from: { ...from, tag: from.tag + 1 } },
    { to: { ...to, version: to.version + 1 } },
    { to: { ...to, version: from.version } },
    { to: { ...to, epoch: to.epoch + 1 } },
  ];
  for (const part of misfits)
    t.notOk(table.apply({ ...fitting, ...part }).ok, JSON.stringify(part));
  t.same(table.mark, from);
  t.same(table.apply(fitting), succeed(undefined));
  t.same(table.mark, to);
  t.equal(table.compiledAt, 5);
  t.notOk(table.apply(fitting).ok, "nor twice");
});

t.test("a pass that was taken away is unknown from then on, by card and by name", async (t) => {
  const table = site();
  t.same(table.apply(delta(table, [{ kind: "pass_gone", pass: passId("ada-card") }])).ok, true);
  t.equal(table.passes.findCard(rawCredential("8:01")), -1);
  t.equal(table.passes.numberOf(passId("ada-card")), -1);
  t.equal(table.credentialCount, 1);
  const back = delta(table, [{ kind: "pass", pass: cardPass("ada-card", "bob", "8:02") }]);
  t.same(table.apply(back), succeed(undefined));
  t.equal(table.passes.findCard(rawCredential("8:01")), -1, "its old card stays unknown");
  t.equal(table.passes.userId(table.passes.findCard(rawCredential("8:02"))), "bob");
  const gone = delta(table, [{ kind: "pass_gone", pass: passId("ada-card") }]);
  const stale = table.passes.findCard(rawCredential("8:02"));
  t.same(table.apply(gone), succeed(undefined));
  t.equal(table.passes.findCard(rawCredential("8:02")), -1);
  t.equal(table.passes.isActive(stale), false, "nor is it good for who looked it up before");
  t.equal(table.changeCount, 1);
  t.equal(table.passes.userId(stale), "bob");
  const others = delta(table, [{ kind: "pass", pass: cardPass("ada-card", "cleo", "8:02") }]);
  t.same(table.apply(others), succeed(undefined));
  t.equal(table.passes.userId(table.passes.findCard(rawCredential("8:02"))), "cleo");
});

t.test("a card that changes hands within one delta is the new pass's, in any order", async (t) => {
  const moves: readonly TableChange[] = [
    { kind: "pass", pass: cardPass("ada-card", "ada", "8:02") },
    { kind: "pass", pass: cardPass("bob-card", "bob", "8:01") },
  ];
  for (const changes of [moves, moves.toReversed()]) {
    const table = site();
    t.same(table.apply(delta(table, changes)), succeed(undefined));
    const swapped = changes.map((change) =>
      change.kind !== "pass"
        ? change
        : {
            ...change,
            pass: {
              ...change.pass,
              presents: {
                as: "raw" as const,
                raw: rawCredential(change.pass.id === passId("ada-card") ? "8:01" : "8:02"),
              },
            },
          },
    );
    const holder = (raw: string) => table.passes.id(table.passes.findCard(rawCredential(raw)));
    t.same([holder("8:01"), holder("8:02")], ["bob-card", "ada-card"]);
    t.same(table.apply(delta(table, swapped)), succeed(undefined));
    t.same([holder("8:01"), holder("8:02")], ["ada-card", "bob-card"], "and back");
  }
});

t.test("a user goes together with the last pass, or when it is another's", async (t) => {
  const table = site();
  const goes = { kind: "user_gone", user: userId("ada") } as const;
  const handsOver: TableChange = { kind: "pass", pass: cardPass("ada-card", "bob", "8:01") };
  t.same(table.apply(delta(table, [goes, handsOver])), succeed(undefined));
  t.equal(table.hasUser(userId("ada")), false);
  t.equal(table.userCount, 2);
  t.equal(table.passes.userId(table.passes.findCard(rawCredential("8:01"))), "bob");
  const back = delta(table, [{ kind: "user", user: named("ada", ["all"]) }]);
  t.same(table.apply(back), succeed(undefined));
  t.same(rulesOf(table, "ada"), ["all"], "and comes back with the rules that are given now");
  t.same(table.apply(delta(table, [goes])), succeed(undefined), "no pass is left to stay for");
});

t.test("a rule that went away and comes back is nobody's until it is given again", async (t) => {
  const table = site();
  const [all, few] = [frameRule("all", ["front"]), frameRule("few", ["lab"])];
  t.same(table.apply(delta(table, [framed(table, { rules: [all] })])), succeed(undefined));
  t.same(rulesOf(table, "ada"), ["all"]);
  t.same(table.apply(delta(table, [framed(table, { rules: [few, all] })])), succeed(undefined));
  t.same(rulesOf(table, "ada"), ["all"]);
  t.same(rulesOf(table, "bob"), ["all"]);
  const user = table.passes.user(table.passes.findCard(rawCredential("8:01")));
  t.equal(table.rules.admittingCount(user), 1);
});

t.test("a rule that is for anybody for a while is forgotten of those who had it", async (t) => {
  const table = site();
  const first = frameRule("all", ["front"], { kind: "first_person_in" });
  const few = frameRule("few", ["lab"]);
  for (const whom of ["named_users", "anybody", "named_users"] as const) {
    const rules = [{ ...first, whom }, few];
    t.same(table.apply(delta(table, [framed(table, { rules })])), succeed(undefined));
    t.same(
      rulesOf(table, "bob"),
      whom === "named_users" && table.mark.version === 8 ? ["all"] : [],
    );
  }
});

t.test("an unlock rule for named users whom nobody names unlocks for nobody", async (t) => {
  const table = site();
  const rules = [frameRule("all", ["front"], { kind: "first_person_in" })];
  const changes = [
    framed(table, { rules }),
    ...["ada", "bob"].map((id): TableChange => ({ kind: "user", user: named(id) })),
  ];
  t.same(table.apply(delta(table, changes)), succeed(undefined));
  const [unlocking] = table.unlockRules(table.doorNumber(door("front").id));
  t.equal(unlocking?.isFor(table.passes.user(table.passes.findCard(rawCredential("8:01")))), false);
});

t.test("changes are counted for when to fold, each user and pass once", async (t) => {
  const table = site();
  const change = (endsAt: string): TableChange => ({
    kind: "pass",
    pass: cardPass("ada-card", "ada", "8:01", { endsAt: at(endsAt) }),
  });
  for (const endsAt of ["2027-01-01T00:00:00Z", "2028-01-01T00:00:00.001Z"]) {
    t.same(table.apply(delta(table, [change(endsAt)])), succeed(undefined));
    t.equal(table.passes.endsAt(table.passes.findCard(rawCredential("8:01"))), at(endsAt));
    t.equal(table.changeCount, 1);
  }
  t.equal(table.passes.findPin(pinDigest(digestOf("1"))) >= 0, true, "the others stay");
  t.same(table.apply(delta(table, [framed(table, { zone: "UTC" })])), succeed(undefined));
  t.equal(table.zone, "UTC");
  t.equal(table.changeCount, 2);
});

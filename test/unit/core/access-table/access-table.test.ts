import t from "tap";
import { buildAccessTable } from "../../../../src/core/access-table/access-table.ts";
import { newKeyBuffer, writeRawKey } from "../../../../src/core/access-table/credential-key.ts";
import { keyedHash } from "../../../../src/core/access-table/keyed-hash.ts";
import { userTraits } from "../../../../src/domain/access.ts";
import {
  phoneCredential,
  pinDigest,
  rawCredential,
  rawFromBits,
} from "../../../../src/domain/credential.ts";
import { areaId, doorId, passId, userId, zoneId } from "../../../../src/domain/ids.ts";
import {
  at,
  cardPass,
  digestOf,
  door,
  pinPass,
  rule,
  schedule,
  tableContent,
  testHashKey,
  user,
} from "../sample-table.ts";

const build = (part: Parameters<typeof tableContent>[0]) =>
  buildAccessTable(tableContent(part), testHashKey);

t.test("a table says what it is and which doors it has", async (t) => {
  const table = build({
    doors: [door("front"), door("lab", { unlockMs: 7_000 })],
    users: [user("ada")],
    passes: [cardPass("ada-card", "ada", "26:0190e0f"), pinPass("ada-pin", "ada", digestOf("a"))],
  });
  t.same(table.version, { epoch: 1, version: 7 });
  t.equal(table.compiledAt, at("2026-01-01T00:00:00Z"));
  t.equal(table.credentialCount, 2);
  t.equal(table.door(doorId("lab"))?.unlockMs, 7_000);
  t.equal(table.door(doorId("cellar")), undefined);
});

t.test(
  "every pass of a large table is found under its own bits and keeps its own data",
  async (t) => {
    const count = 5_000;
    const lengths = [1, 4, 8, 26, 32, 34, 37, 56, 80, 128];
    const bitsOf = (index: number): string =>
      (index + 1).toString(2).padStart(lengths[index % lengths.length] ?? 26, "0");
    const passes = Array.from({ length: count }, (_, index) =>
      index % 7 === 3
        ? pinPass(`pin-${index}`, `user-${index % 100}`, index.toString(16).padStart(32, "0"))
        : cardPass(
            `p${(index * 7919) % count}-${index}`,
            `user-${index % 100}`,
            index % 11 === 5
              ? phoneCredential(index.toString(16).padStart(32, "0"))
              : rawFromBits(bitsOf(index)),
            {
              active: index % 3 === 0,
              kind: index % 2 === 0 ? "mobile" : "nfc_card",
              ...(index % 5 === 0 ? { startsAt: at(new Date(index * 60_000).toISOString()) } : {}),
              ...(index % 4 === 0
                ? { endsAt: at(new Date(1e12 + index * 1000).toISOString()) }
                : {}),
            },
          ),
    );
    const users = Array.from({ length: 100 }, (_, index) => user(`user-${index}`));
    const table = build({ users, passes });
    let right = 0;
    for (const pass of passes) {
      const number =
        pass.presents.as === "raw"
          ? table.passes.findCard(pass.presents.raw)
          : table.passes.findPin(pass.presents.digest);
      const found = {
        id: table.passes.id(number),
        user: table.passes.userId(number),
        kind: table.passes.kind(number),
        active: table.passes.isActive(number),
        startsAt: table.passes.startsAt(number),
        endsAt: table.passes.endsAt(number),
      };
      const { presents, ...expected } = { startsAt: -Infinity, endsAt: Infinity, ...pass };
      if (JSON.stringify(found) === JSON.stringify({ ...found, ...expected })) right += 1;
      else t.same(found, expected);
    }
    t.equal(right, count);
    for (let index = count; index < 2 * count; index += 1) {
      const number = table.passes.findCard(rawFromBits((index + 1).toString(2).padStart(64, "0")));
      if (number !== -1) t.fail(`card ${index} is in no pass and was found as ${number}`);
    }
  },
);

t.test("validity finer than a second is kept exactly", async (t) => {
  const table = build({
    users: [user("ada")],
    passes: [
      cardPass("a", "ada", "8:01", { startsAt: at("2026-01-01T00:00:00.001Z") }),
      cardPass("b", "ada", "8:02", { endsAt: at("1960-01-01T00:00:00Z") }),
      cardPass("c", "ada", "8:03"),
    ],
  });
  t.equal(table.passes.startsAt(0), at("2026-01-01T00:00:00.001Z"));
  t.equal(table.passes.startsAt(2), -Infinity);
  t.equal(table.passes.endsAt(1), at("1960-01-01T00:00:00Z"), "and one before 1970");
  t.equal(table.passes.endsAt(2), Infinity);
});

t.test("a card of another length does not match, whatever its digits", async (t) => {
  const table = build({ users: [user("ada")], passes: [cardPass("a", "ada", "26:0190e0f")] });
  t.equal(table.passes.findCard(rawCredential("26:0190e0f")), 0);
  for (const other of ["25:0190e0f", "27:0190e0f", "28:0190e0f", "32:00190e0f", "24:190e0f"]) {
    t.equal(table.passes.findCard(rawCredential(other)), -1, other);
  }
});

t.test("what is no canonical raw data or digest matches nothing and throws nothing", async (t) => {
  const table = build({
    users: [user("ada")],
    passes: [cardPass("a", "ada", "8:00"), pinPass("p", "ada", digestOf("0"))],
  });
  const odd = [
    "",
    ":",
    "8",
    "8:",
    "8:0",
    "8:000",
    "08:00",
    "8:0g",
    "8:0G",
    "129:00",
    "8000:00",
    "-8:00",
  ];
  for (const text of odd) {
    t.equal(table.passes.findCard(rawCredential(text)), -1, JSON.stringify(text));
  }
  for (const text of ["", "00", "0".repeat(31), "0".repeat(33), `${"0".repeat(31)}G`]) {
    t.equal(table.passes.findPin(pinDigest(text)), -1, JSON.stringify(text));
  }
});

t.test("a PIN's digest presented as a card's bits is not that PIN", async (t) => {
  const digest = digestOf("7");
  const table = build({ users: [user("ada")], passes: [pinPass("p", "ada", digest)] });
  t.equal(table.passes.findCard(rawCredential(`128:${digest}`)), -1);
  t.equal(table.passes.findPin(pinDigest(digest)), 0);
});

/**
 * Two 32-bit cards whose keyed hashes are equal: about a hundred such pairs in a million. Of the
 * first kind the cards have their first byte in common, of the second their last.
 */
function collidingCards(common: "first_byte" | "last_byte"): readonly [string, string] {
  const seen = new Map<number, string>();
  const key = newKeyBuffer();
  for (let number = 0; number < 1_000_000; number += 1) {
    const bits = common === "first_byte" ? number : number * 256;
    const raw = `32:${bits.toString(16).padStart(8, "0")}`;
    writeRawKey(rawCredential(raw), key);
    const hash = keyedHash(testHashKey, key, 5);
    const other = seen.get(hash);
    if (other !== undefined) return [other, raw];
    seen.set(hash, raw);
  }
  throw new Error("no two of a million cards collide, which cannot be");
}

t.test("a card whose hash equals that of a known card stays unknown", async (t) => {
  for (const common of ["first_byte", "last_byte"] as const) {
    const [known, stranger] = collidingCards(common);
    const table = build({ users: [user("ada")], passes: [cardPass("a", "ada", known)] });
    t.equal(table.passes.findCard(rawCredential(known)), 0);
    t.equal(table.passes.findCard(rawCredential(stranger)), -1, `with the ${common} in common`);
  }
});

t.test("two passes whose hashes are equal are each found as themselves", async (t) => {
  const [one, other] = collidingCards("first_byte");
  const table = build({
    users: [user("ada"), user("bob")],
    passes: [cardPass("a", "ada", one), cardPass("b", "bob", other)],
  });
  t.equal(table.passes.id(table.passes.findCard(rawCredential(one))), "a");
  t.equal(table.passes.id(table.passes.findCard(rawCredential(other))), "b");
});

t.test(
  "a table in which one credential or name stands twice is refused, not chosen from",
  async (t) => {
    const ada = user("ada");
    const bob = user("bob");
    t.throws(
      () =>
        build({
          users: [ada, bob],
          passes: [cardPass("a", "ada", "8:01"), cardPass("b", "bob", "8:01")],
        }),
      { message: "passes a and b present the same credential" },
    );
    const pins = [pinPass("a", "ada", digestOf("1")), pinPass("b", "bob", digestOf("1"))];
    t.throws(() => build({ users: [ada, bob], passes: pins }), { message: /same credential/ });
    t.throws(() => build({ users: [ada, ada] }), { message: "the table has user ada twice" });
    t.throws(() => build({ doors: [door("front"), door("front")] }), {
      message: /door front twice/,
    });
    t.throws(() => build({ schedules: [schedule("s", []), schedule("s", [])] }), {
      message: /twice/,
    });
  },
);

t.test("a table that refers to what it lacks is refused", async (t) => {
  const users = [user("ada")];
  const doors = [door("front")];
  t.throws(() => build({ passes: [cardPass("a", "ada", "8:01")] }), { message: /user ada/ });
  t.throws(() => build({ users, doors, rules: [rule("r", ["bob"], ["front"])] }), {
    message: /bob/,
  });
  t.throws(() => build({ users, doors, rules: [rule("r", ["ada"], ["lab"])] }), { message: /lab/ });
  t.throws(() => build({ users, doors, rules: [rule("r", ["ada"], ["front"], "s")] }), {
    message: /schedule s/,
  });
  t.throws(() => build({ zone: "Europe/Nowhere" }), { message: "there is no zone Europe/Nowhere" });
});

t.test("users of the same rules share a profile and nobody gets another's rules", async (t) => {
  // In the order of their ids, as a table numbers users and rules.
  const padded = (index: number): string => String(index).padStart(3, "0");
  const names = Array.from({ length: 300 }, (_, index) => `u${padded(index)}`);
  const doors = Array.from({ length: 70 }, (_, index) => `d${index}`);
  const rules = doors.map((name, index) =>
    rule(
      `r${padded(index)}`,
      [...names.filter((_, user) => user % (index + 1) === 0), "u000"],
      [name],
    ),
  );
  const table = build({
    users: names.map((name) => user(name)),
    doors: doors.map((name) => door(name)),
    rules,
  });
  for (const [number, name] of names.entries()) {
    const mine: string[] = [];
    for (
      let place = table.rules.firstPlace(number);
      place < table.rules.endPlace(number);
      place += 1
    ) {
      const one = table.rules.ruleAt(place);
      const covered = doors.filter((name) =>
        table.rules.covers(one, table.doorNumber(doorId(name))),
      );
      mine.push(`${table.rules.id(one)} ${covered.join()}`);
    }
    const expected = doors.flatMap((other, index) =>
      number % (index + 1) === 0 ? [`r${padded(index)} ${other}`] : [],
    );
    t.same(mine, expected, name);
  }
});

t.test(
  "use counts and traits are kept for the passes that have them, and for no others",
  async (t) => {
    const passes = Array.from({ length: 200 }, (_, index) =>
      cardPass(`p${index}`, "ada", rawFromBits((index + 1).toString(2).padStart(26, "0")), {
        ...(index % 7 === 0 && { usesMax: index + 1, spentHere: index, spentElsewhere: 2 * index }),
        ...(index % 5 === 0 && { traits: index % 2 === 0 ? ["toggle"] : ["pass_through"] }),
      }),
    );
    const table = build({ users: [user("ada")], passes });
    for (const [index, pass] of passes.entries()) {
      const number = table.passes.numberOf(pass.id);
      const { usesMax, spentHere, spentElsewhere } = pass;
      t.same(
        table.passes.useCount(number),
        usesMax === undefined ? undefined : { usesMax, spentHere, spentElsewhere },
      );
      t.equal(table.passes.hasTrait(number, "toggle"), index % 10 === 0);
      t.equal(table.passes.hasTrait(number, "pass_through"), index % 10 === 5);
      t.equal(table.passes.hasTrait(number, "duress"), false);
    }
    t.equal(table.passes.numberOf(passId("nobody")), -1);
  },
);

t.test("users without a pass are users all the same", async (t) => {
  const users = [user("ada"), user("bob"), user("cleo")];
  const passes = [
    cardPass("ada-card", "ada", "8:01"),
    cardPass("ada-old", "ada", "8:02", { active: false }),
  ];
  const table = build({ users, passes });
  for (const { id } of users) t.ok(table.hasUser(id), id);
  t.notOk(table.hasUser(userId("dan")));
});

t.test("each user has the traits that the site gave him", async (t) => {
  const table = build({
    // "a" comes first, and the others as they are named.
    users: [user("a"), ...userTraits.map((trait) => user(trait, { traits: [trait] }))],
  });
  const inOrder = userTraits.toSorted();
  for (const trait of userTraits) {
    t.equal(table.hasTrait(0, trait), false);
    for (const [index, other] of inOrder.entries()) {
      t.equal(table.hasTrait(index + 1, trait), trait === other, `${other} is ${trait}`);
    }
  }
  t.equal(table.isSuspended(1), false, "a trait is no suspension");
  t.equal(table.isSuspended(99), true, "who is not there is as good as suspended");
});

t.test("the rules that unlock a door are found by it, through its zones as well", async (t) => {
  const table = build({
    users: [user("ada"), user("bob")],
    doors: [door("front"), door("lab"), door("cellar")],
    zones: [
      { id: zoneId("floor"), parent: zoneId("house"), doors: [doorId("lab")] },
      { id: zoneId("house"), doors: [] },
    ],
    schedules: [schedule("office", [])],
    rules: [
      { ...rule("day", [], ["front"], "office"), kind: "auto_unlock" },
      { ...rule("first", ["bob"], ["front"], "office"), kind: "first_person_in" },
      { ...rule("any", [], [], "office"), kind: "first_person_in", zones: [zoneId("house")] },
      rule("grant", ["ada"], ["cellar"]),
    ],
  });
  const told = (id: string): readonly string[] =>
    table
      .unlockRules(table.doorNumber(doorId(id)))
      .map((one) => `${one.kind} ${[0, 1].filter((number) => one.isFor(number)).join()}`);
  t.same(told("front"), ["auto_unlock ", "first_person_in 1"]);
  t.same(told("lab"), ["first_person_in 0,1"]);
  t.same(told("cellar"), []);
  t.same(told("attic"), [], "a door that is not there");
});

t.test(
  "a table whose zones go round in a circle, or lack what they name, is refused",
  async (t) => {
    const zone = (id: string, parent: string) => ({
      id: zoneId(id),
      parent: zoneId(parent),
      doors: [],
    });
    t.throws(() => build({ zones: [zone("a", "a")] }), { message: /zone a lies in itself/ });
    t.throws(() => build({ zones: [zone("a", "b"), zone("b", "a")] }), { message: /in itself/ });
    t.throws(() => build({ zones: [zone("a", "b")] }), { message: /zone b/ });
    t.throws(() => build({ rules: [{ ...rule("r", [], []), zones: [zoneId("z")] }] }), {
      message: /zone z/,
    });
    t.throws(() => build({ doors: [door("front", { inside: areaId("vault") })] }), {
      message: /area vault/,
    });
  },
);

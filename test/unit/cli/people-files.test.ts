import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { exportPeople } from "../../../src/cli/export.ts";
import { guardFormula, unguardFormula } from "../../../src/cli/formula-guard.ts";
import { type ImportOptions, importPeople } from "../../../src/cli/import.ts";
import type { SiteClient } from "../../../src/cli/site-client.ts";
import { CommandFailed } from "../../../src/cli/terminal.ts";
import { type IssuingRig, passRows, startIssuing, userRows } from "./issuing-rig.ts";

const write = { run: "write", whenBad: "stop", progress: "hidden", json: false } as const;

function fileOf(t: Test, text: string): string {
  const file = join(t.testdir({}), "people.csv");
  writeFileSync(file, text);
  return file;
}

const run = ({ client, terminal }: IssuingRig, file: string, part: Partial<ImportOptions> = {}) =>
  importPeople({ client, terminal, file, ...write, ...part });

const without = <Row extends object>(rows: readonly Row[], ...columns: (keyof Row)[]) =>
  rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).filter(([name]) => !columns.includes(name as keyof Row)),
    ),
  );

const whole = [
  "\uFEFFuser,Name,email,phone,suspended,groups,card_format,card_number,pin,starts,ends,uses,pass_traits",
  'ada,"Lovelace, ""Ada""",ada@example.org,+49 30 1,no,staff; Night shift,H10301,12:34567,,,2031-01-01,5,pass_through',
  "ada,,,,,,CSN32,0badcafe,,,,,",
  "",
  'bob,"Bob\nof two lines",,,yes,,,,246810,2030-06-01T08:00,,,',
  "cleo,Cleo Ångström 木,,,,staff,H10301,12:99,,,,,",
].join("\r\n");

t.setTimeout(120_000);

t.test("a file of people becomes the site's, and again it changes nothing", async (t) => {
  const rig = await startIssuing(t);
  const file = fileOf(t, whole.replace("Bob\nof two lines", "Bob"));
  await run(rig, file);
  t.equal(
    rig.text.out,
    "users: 3 new, 0 changed, 0 as they were\npasses: 4 new, 0 changed, 0 as they were\n",
  );
  t.match(await userRows(rig), [
    { id: "ada", name: 'Lovelace, "Ada"', email: "ada@example.org", phone: "+49 30 1" },
    { id: "bob", suspended: 1 },
    { id: "cleo", name: "Cleo Ångström 木" },
  ]);
  const passes = await passRows(rig);
  t.equal(passes.filter(({ userId }) => userId === "ada").length, 2);
  const card = passes.find(({ cardFormat }) => cardFormat === "H10301");
  // The whole of that day, as the site's clocks show it.
  t.match(card, {
    usesMax: 5,
    endsAt: Date.parse("2031-01-02T00:00:00+01:00"),
    traits: '["pass_through"]',
  });
  const pin = passes.find(({ kind }) => kind === "pin");
  t.match(pin, { userId: "bob", startsAt: Date.parse("2030-06-01T08:00:00+02:00") });
  rig.text.out = "";
  await run(rig, file);
  t.equal(
    rig.text.out,
    "users: 0 new, 0 changed, 3 as they were\npasses: 0 new, 0 changed, 4 as they were\n",
  );
  t.strictSame(await passRows(rig), passes);
});

t.test("every bad row is named with its line and column, and nothing is written", async (t) => {
  const rig = await startIssuing(t);
  const file = fileOf(
    t,
    [
      "user,name,email,card_format,card_number,pin,ends,groups",
      "ok,All right,,,,,,",
      "two words,Two,,,,,,",
      'three,"Three\nlines\nof name",,,,,,',
      "four,Four,nowhere,,,,,",
      "",
      "five,Five,,H10301,12:70000,,,",
      "six,Six,,H10301,1:6,,,",
      "seven,Seven,,H10301,001:006,,,",
      "eight,Eight,,,,1234,yesterday,",
      "nine,Nine,,,,1234,,",
      "ten,Ten,,,,,,nobody",
      "ten,Ten,,,,,2031-01-01,",
      "eleven,Eleven",
      "ok,All right,,,,,,",
      ",Nobody,,,,,,",
      "last,Last,,,,12,,",
    ].join("\n"),
  );
  const before = [await userRows(rig), await passRows(rig)];
  await t.rejects(run(rig, file), { exitCode: 1, message: /nothing was changed/ });
  const told = rig.text.err
    .trimEnd()
    .split("\n")
    .map((line) => /people\.csv:(\d+):(?: ([a-z_]+):)?/.exec(line)?.slice(1).join(" ").trim());
  t.strictSame(
    told,
    [
      "3 user",
      "4 name",
      "7 email",
      "9 card_number",
      "11 card_number",
      "12 ends",
      "13 pin",
      "14 groups",
      "15 ends",
      "16",
      "17 user",
      "18 user",
      "19 pin",
    ],
    rig.text.err,
  );
  t.strictSame([await userRows(rig), await passRows(rig)], before);
  rig.text.err = "";
  await run(rig, file, { whenBad: "skip" });
  t.strictSame(
    (await userRows(rig)).map(({ id }) => id),
    ["ok", "six"],
  );
});

t.test("a dry run says what would be, and changes nothing", async (t) => {
  const rig = await startIssuing(t);
  const revision = await rig.store.revision();
  await run(rig, fileOf(t, "user,name,pin\nada,Ada,random\n"), { run: "dry" });
  t.match(rig.text.out, /1 users checked; nothing was changed[\s\S]*users: 1 new/);
  t.equal(await rig.store.revision(), revision);
});

t.test("drawn PINs are written to a file that is its owner's alone, and once", async (t) => {
  const rig = await startIssuing(t);
  const file = fileOf(t, "user,name,pin\nada,Ada,random\nbob,Bob,random\n");
  await t.rejects(run(rig, file), { exitCode: 2, message: /--pins FILE/ });
  t.strictSame(await userRows(rig), []);
  const pinsFile = join(t.testdirName, "pins.csv");
  await run(rig, file, { pinsFile });
  t.match(readFileSync(pinsFile, "utf8"), /^user,pin\r\nada,\d{6}\r\nbob,\d{6}\r\n$/);
  t.equal(statSync(pinsFile).mode & 0o777, 0o600);
  t.notMatch(rig.text.out + rig.text.err, /\d{6}/);
  await t.rejects(run(rig, file, { pinsFile }), { message: /is there already/ });
});

t.test("PINs that were drawn while another part of a file failed are kept", async (t) => {
  const rig = await startIssuing(t);
  const people = Array.from({ length: 1_100 }, (_, index) => `p${index},Somebody,random\n`);
  const file = fileOf(t, `user,name,pin\n${people.join("")}`);
  const pinsFile = join(t.testdirName, "pins.csv");
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let writtenCount = 0;
  // The first part is with the site for as long as the second takes to fail, and longer.
  const client: SiteClient = {
    ask: async (question) => {
      if (!JSON.stringify(question.body).endsWith('"dry_run":false}')) {
        return await rig.client.ask(question);
      }
      writtenCount += 1;
      if (writtenCount > 1) {
        setImmediate(release);
        throw new CommandFailed(1, "the site went away");
      }
      await released;
      return await rig.client.ask(question);
    },
  };
  const importing = importPeople({ client, terminal: rig.terminal, file, ...write, pinsFile });
  await t.rejects(importing, { message: /went away\n500 users were imported before/ });
  t.equal(writtenCount, 2);
  t.equal(readFileSync(pinsFile, "utf8").trim().split("\r\n").length, 501);
});

t.test("a file that is no list of people is refused by what was expected", async (t) => {
  const rig = await startIssuing(t);
  for (const [text, said] of [
    ["", /expected a head/],
    ["name,email\n", /expected a column user/],
    ["user,surname\n", /found "surname"/],
    ["user,user\n", /each once, found "user"/],
  ] as const) {
    await t.rejects(run(rig, fileOf(t, text)), { exitCode: 2, message: said });
  }
  const broken = fileOf(t, 'user,name\none,Õne\n\n,\ntwo,"Tw"o\nthree,Three\n');
  const stopped = { exitCode: 1, message: /people\.csv:5: expected a separator after a closing/ };
  await t.rejects(run(rig, broken, { whenBad: "skip" }), stopped);
  t.strictSame(await userRows(rig), []);
  await t.rejects(run(rig, "/no/such.csv"), { exitCode: 1, message: /cannot be read: ENOENT/ });
  const latin = join(t.testdirName, "latin.csv");
  writeFileSync(latin, Buffer.from("user,name\nada,\xc5da\n", "latin1"));
  await t.rejects(run(rig, latin), { exitCode: 1, message: /nothing was changed/ });
  t.match(rig.text.err, /latin\.csv:2: name: expected text in UTF-8/);
});

t.test("semicolons separate where the head has no comma", async (t) => {
  const rig = await startIssuing(t);
  await run(rig, fileOf(t, 'user;name;groups\nada;"Lovelace, Ada";"staff;night"\n'));
  t.match(await userRows(rig), [{ name: "Lovelace, Ada" }]);
});

t.test("what was exported is imported as it was, formulas too", async (t) => {
  const rig = await startIssuing(t);
  const text = [
    "user,name,phone,suspended,user_ends,user_traits,groups,card_format,card_number,starts,uses,pass_traits,pass_active",
    "a,=1+1,+49 30 1,no,2031-05-05,manager;extra_time,staff;night,H10301,1:1,2030-01-01,3,toggle,no",
    "a,,,,,,,raw,37:0123456789,,,,",
    "b,'=quoted,,yes,,,,,,,,,",
    'c,"Semi; ""quote"" , comma",@x,,,,,CSN56,04a1b2c3d4e5f6,,,,',
  ].join("\n");
  await run(rig, fileOf(t, text));
  const out = join(t.testdirName, "export.csv");
  await exportPeople({ ...rig, out });
  t.equal(statSync(out).mode & 0o777, 0o600);
  const exported = readFileSync(out, "utf8");
  t.match(exported, /^a,'=1\+1,,'\+49 30 1,no,/m);
  t.notMatch(exported, /(^|,)"?[=+\-@]/m, "no cell is a formula");
  const users = await userRows(rig);
  const passes = await passRows(rig);
  rig.text.out = "";
  await run(rig, out);
  t.equal(
    rig.text.out,
    "users: 0 new, 0 changed, 3 as they were\npasses: 0 new, 0 changed, 3 as they were\n",
  );
  const other = await startIssuing(t);
  await run(other, out);
  const own = ["uuid", "revision", "createdAt"] as const;
  t.strictSame(without(await userRows(other), ...own), without(users, ...own));
  t.strictSame(
    without(await passRows(other), "id", "issuedAt", ...own),
    without(passes, "id", "issuedAt", ...own),
  );
  await exportPeople({ ...other });
  t.equal(other.text.out.slice(-exported.length), exported, "in the same order");
});

t.test("an apostrophe before a formula is taken away as often as it was put there", (t) => {
  for (const cell of ["=1", "'=1", "''=1", "'a", "-5", "＝1", "a=1", "", "'", "@", "\t="]) {
    t.equal(unguardFormula(guardFormula(cell)), cell);
    t.notMatch(guardFormula(cell), /^[=+\-@＝＋－＠\t\r]/u);
  }
  t.end();
});

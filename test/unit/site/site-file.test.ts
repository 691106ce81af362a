import { readFileSync } from "node:fs";
import t from "tap";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import { describeTomlFault } from "../../../src/protocols/toml/toml-fault.ts";
import { parseSiteFile, type SiteFile } from "../../../src/site/site-file.ts";
import { brokenFile } from "../protocols/toml/broken-files.ts";

const file = "config/demo-site.toml";
const demo = readFileSync(file, "utf8");

function faultsOf(text: string): readonly string[] {
  const result = parseSiteFile({ file, text });
  return result.ok ? [] : result.fault.map(describeTomlFault);
}

function accepted(text: string): SiteFile {
  const result = parseSiteFile({ file, text });
  if (!result.ok) throw new Error(faultsOf(text).join("\n"));
  return result.value;
}

/** The only fault of the demonstration after one replacement. */
function faultAfter(from: string | RegExp, to: string): string {
  const text = demo.replace(from, to);
  if (text === demo) throw new Error(`nothing to replace: ${from}`);
  const faults = faultsOf(text);
  return faults.length === 1 ? (faults[0] ?? "") : `${faults.length} faults:\n${faults.join("\n")}`;
}

const lineOf = (part: string): number => demo.slice(0, demo.indexOf(part)).split("\n").length;

t.test("a door of which little is said has the documented settings", async (t) => {
  const [door] = accepted(
    'site="s"\nzone="UTC"\n[[doors]]\nid="d"\nname="D"\ncontroller="c"\n',
  ).doors;
  t.same(door, {
    id: "d",
    name: "D",
    controller: "c",
    readers: [],
    posture: "locked",
    unlockMs: 3_000,
    extraTimeMs: 30_000,
    heldOpenMs: 30_000,
    heldOpenWarningMs: 10_000,
    heldOpenWatch: "always",
    strikeOnMaxMs: 60_000,
    relock: "after_unlock_time",
    factors: "card",
    secondFactorMs: 10_000,
    rex: "admit",
    clockUnknown: "deny",
    exitReaders: [],
    interlock: [],
    twoPerson: "not_required",
    companyMs: 30_000,
    tamper: "go_on",
    fire: "ignore",
    afterRestart: "remember",
  });
});

t.test("a door's times keep their bounds, and one another's", async (t) => {
  const doorWith = (keys: string) => demo.replace('factors = "card_or_pin"', keys);
  const fault = (keys: string) => faultsOf(doorWith(keys)).join("\n");
  const line = lineOf('factors = "card_or_pin"');
  for (const [key, least, most] of [
    ["unlock_ms", 500, 600_000],
    ["extra_time_ms", 0, 600_000],
    ["company_ms", 5_000, 120_000],
    ["held_open_ms", 0, 3_600_000],
    ["second_factor_ms", 5_000, 30_000],
  ] as const) {
    for (const value of [least, most]) t.same(fault(`${key} = ${value}`), "", `${key} = ${value}`);
    for (const value of [least - 1, most + 1, least + 0.5, `"${least}"`]) {
      t.match(
        fault(`${key} = ${value}`),
        `${file}:${line}: doors[0].${key}: expected a whole number from ${least} to ${most}, found`,
      );
    }
  }
  t.match(fault("strike_on_max_ms = 999"), "a whole number from 1000 to 3600000, found 999");
  t.match(fault("strike_on_max_ms = 2999"), "at least unlock_ms, which is 3000, found 2999");
  t.match(
    fault("held_open_ms = 5\nheld_open_warning_ms = 6"),
    "at most held_open_ms, which is 5, found 6",
  );
  t.match(accepted(doorWith("held_open_ms = 5")).doors, [{ heldOpenWarningMs: 5 }]);
  t.match(accepted(doorWith("unlock_ms = 90000")).doors, [{ strikeOnMaxMs: 120_000 }]);
});

t.test("a reference leads to something of the file", async (t) => {
  t.equal(
    faultAfter('users = ["cleo"]', 'users = ["clea"]'),
    `${file}:${lineOf('users = ["cleo"]')}: rules[1].users[0]: ` +
      'expected a user of this file: ada, bob, cleo, dan, eve (did you mean "cleo"?), found "clea"',
  );
  t.match(faultAfter('user = "bob"', 'user = "rob"'), /passes\[2\]\.user: .*did you mean "bob"/);
  t.match(faultAfter('"front", "lab"]', '"front", "lob"]'), /rules\[0\]\.doors\[1\]: .*"lob"/);
  t.match(
    faultAfter('schedule = "cleaning"', 'schedule = "x"'),
    /rules\[2\]\.schedule: .*: cleaning, /,
  );
  t.match(faultAfter('users = ["cleo"]', "users = []"), /list of one id of a user or more/);
  t.match(
    faultAfter('users = ["cleo"]', 'users = ["cleo", "cleo"]'),
    /users\[1\]: expected each user once/,
  );
});

t.test("an id stands for one thing", async (t) => {
  const list = (name: string, index: number) =>
    new RegExp(`${name}\\[${index}\\]\\.id: .* used once`);
  t.match(faultAfter('id = "bob-card"', 'id = "ada-pin"'), list("passes", 2));
  t.match(faultAfter('id = "cleo-front"', 'id = "ada-everywhere"'), list("rules", 1));
  t.match(faultsOf(demo.replace('id = "bob"', 'id = "ada"')), [list("users", 1)]);
  t.match(faultsOf(demo.replace('id = "lab"', 'id = "front"')), [list("doors", 1)]);
  t.match(
    faultAfter('readers = ["lab"]', 'readers = ["front"]'),
    /doors\[1\]\.readers\[0\]: .*one door/,
  );
  t.match(faultsOf(demo.replace('id = "dan"', 'id = "d a n"')), [
    /users\[3\]\.id: .*letters, digits/,
  ]);
});

t.test("no PIN and no card's number is in any message", async (t) => {
  const wrong = [
    ['pin = "246810"', "pin = 246810"],
    ['pin = "246810"', 'pin = "246810246810"'],
    ['pin = "246810"', 'pin = ["246810"]'],
    ['pin = "246810"', 'pin = "246810'],
    ['pin = "246810"', 'pinn = "246810"'],
    ['kind = "pin"', 'kind = "mobile"'],
    ['user = "bob"\nkind = "csn_card"', 'user = "bob"\nkind = "pin"\npin = "246810"'],
    ["number = 34567", 'number = "34567"'],
    ["number = 34567", "number = 3456734567"],
    ["number = 34567", "nummer = 34567"],
    ["number = 1111", "number = 34567"],
    ['{ format = "H10301", facility = 12, number = 34567 }', '"H10301 12:34567"'],
    ['{ format = "H10301", facility = 12, number = 34567 }', "34567"],
  ] as const;
  for (const [from, to] of wrong) {
    const faults = faultsOf(demo.replace(from, to)).join("\n");
    t.match(faults, /^config\/demo-site\.toml:\d+/, to);
    t.notMatch(faults, /246810|34567/, to);
  }
});

t.test("a PIN has 4 to 9 digits, one owner, and the owner no other", async (t) => {
  const pin = (text: string) => faultsOf(demo.replace('"246810"', text));
  for (const text of ['"1234"', '"123456789"', '"0000"']) t.same(pin(text), [], text);
  for (const text of [
    '"123"',
    '"1234567890"',
    '"12a4"',
    '"12 34"',
    '"١٢٣٤"',
    '"1234\\n"',
    "1234",
  ]) {
    t.match(pin(text), [/passes\[1\]\.pin: expected 4 to 9 digits, in quotes, found a /], text);
  }
  const second = (user: string, digits: string) =>
    `${demo}\n[[passes]]\nid = "x"\nuser = "${user}"\nkind = "pin"\npin = "${digits}"\n`;
  t.same(faultsOf(second("bob", "1234")), []);
  const place = `passes\\[1\\]\\.pin at ${file}:${lineOf('pin = "246810"')}`;
  t.match(faultsOf(second("bob", "246810")), [
    new RegExp(
      `a PIN that no other pass has, found a text that is not shown, the same as ${place}`,
    ),
  ]);
  t.match(faultsOf(second("ada", "1234")), [
    /passes\[6\]\.user: expected a user who has no other PIN/,
  ]);
});

t.test("a card fits its format, and no other pass has it", async (t) => {
  const card = (text: string) =>
    faultsOf(demo.replace('{ format = "H10301", facility = 12, number = 1111 }', text));
  const h10301 = (facility: string, number: string) =>
    card(`{ format = "H10301", facility = ${facility}, number = ${number} }`);
  t.same(h10301("255", "65535"), []);
  t.match(h10301("256", "1"), [
    /passes\[2\]\.card\.facility: expected a whole number from 0 to 255/,
  ]);
  t.match(h10301("1", "65536"), [
    /passes\[2\]\.card\.number: expected a whole number from 0 to 65535/,
  ]);
  t.match(h10301("-1", "1"), [/card\.facility/]);
  t.match(h10301("1.5", "1"), [/card\.facility/]);
  t.match(card('{ format = "H10301", number = 1 }'), [/card\.facility: .*, found nothing/]);
  t.match(card('{ format = "H10301", facility = 1, number = 1, uid = "00" }'), [
    /card\.uid: expected one of H10301's fields: facility, number/,
  ]);
  t.match(card('{ format = "H1031", facility = 1, number = 1 }'), [/did you mean "H10301"/]);
  t.match(card("{ facility = 1, number = 1 }"), [/card\.format: .*found nothing/]);
  t.same(card('{ format = "CSN56", uid = "04A1b2C3D4E580" }'), []);
  t.match(card('{ format = "CSN56", uid = "04A1B2C3" }'), [
    /card\.uid: expected 14 hexadecimal digits/,
  ]);
  t.match(h10301("12", "34567"), [
    /a card that no other pass has, found a table, the same as passes\[0\]\.card at .*:/,
  ]);
  t.same(h10301("13", "34567"), [], "the facility is part of the card");
});

t.test("a serial number in capitals is the same card", async (t) => {
  const { passes } = accepted(
    demo.replace(/card = .*1111 }/, 'card = { format = "CSN32", uid = "DEADBEEF" }'),
  );
  t.match(passes[2], { card: { fields: { uid: "deadbeef" } }, raw: "32:deadbeef" });
});

t.test("what a pass holds is of its kind", async (t) => {
  t.match(
    faultAfter('kind = "pin"\npin = "246810"', 'kind = "pin"'),
    /passes\[1\]\.pin: .*found nothing/,
  );
  t.match(
    faultAfter(/card = .*1111 }\n/, ""),
    /passes\[2\]\.card: .*kind "csn_card", found nothing/,
  );
  t.match(
    faultAfter('kind = "pin"', 'kind = "pin"\ncard = { format = "CSN32", uid = "00000000" }'),
    /passes\[1\]\.card: expected no card in a pass of kind "pin"/,
  );
  t.match(
    faultAfter(/(card = .*1111 }\n)/, '$1pin = "9876"\n'),
    /passes\[2\]\.pin: expected no PIN in a pass of kind "csn_card"/,
  );
  for (const kind of ["nfc_card", "mobile"]) {
    t.match(accepted(demo.replace("csn_card", kind)).passes, [{ kind, raw: /^26:/ }]);
  }
});

t.test("a pass ends after it starts, by the clocks of the site or by an offset", async (t) => {
  const ends = (text: string) => demo.replace("2020-12-31T23:59:59", text);
  t.match(accepted(ends("2020-07-01T12:00:00")).passes[3], { endsAt: Date.UTC(2020, 6, 1, 10) });
  t.match(accepted(ends("2020-07-01T12:00:00-05:00")).passes[3], {
    endsAt: Date.UTC(2020, 6, 1, 17),
  });
  t.match(accepted(ends("2020-07-01 12:00:00.25Z")).passes[3], {
    endsAt: Date.UTC(2020, 6, 1, 12) + 250,
  });
  t.match(faultsOf(ends("2020-01-01T00:00:00")), [
    /passes\[3\]\.ends_at: expected a time after starts_at, found 2020-01-01T00:00:00/,
  ]);
  for (const text of ["2020-12-31", "23:59:59", '"2020-12-31T23:59:59"', "1609455599"]) {
    t.match(faultsOf(ends(text)), [/ends_at: expected a date and time such as/], text);
  }
  t.match(faultsOf(ends("9999-12-31T23:59:59-12:00")), [/from 1970 to 9999/]);
  t.match(faultsOf(demo.replace("2020-01-01T00:00:00", "1969-12-31T23:59:59Z")), [
    /from 1970 to 9999/,
  ]);
});

t.test("a schedule's times are times of a day, its days are days", async (t) => {
  const interval = (text: string) => demo.replace(/intervals = .*/, `intervals = [${text}]`);
  const all = '"mon", "tue", "wed", "thu", "fri", "sat", "sun"';
  t.match(accepted(interval(`{ days = [${all}], from = "22:30", to = "06:00" }`)).schedules, [
    { intervals: [{ days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 1_350, toMinute: 360 }] },
  ]);
  t.match(accepted(interval('{ days = ["sun"], from = "00:00", to = "24:00" }')).schedules, [
    { intervals: [{ days: [7], fromMinute: 0, toMinute: 1_440 }] },
  ]);
  const fault = (text: string) => faultsOf(interval(text)).join("\n");
  for (const from of [
    '"24:00"',
    '"7:00"',
    '"07:60"',
    '"07:00:00"',
    '" 07:00"',
    "700",
    "07:00:00",
  ]) {
    t.match(
      fault(`{ days = ["mon"], from = ${from}, to = "08:00" }`),
      /from: expected a time of day/,
    );
  }
  t.match(fault('{ days = ["mon"], from = "07:00", to = "24:01" }'), /to: expected a time of day/);
  t.match(fault('{ days = ["mon"], from = "07:00", to = "07:00" }'), /to: expected another time/);
  t.match(
    fault('{ days = ["Mon"], from = "07:00", to = "08:00" }'),
    /days\[0\]: expected one of "mon"/,
  );
  t.match(fault('{ days = [], from = "07:00", to = "08:00" }'), /list of one day or more/);
  t.match(
    fault('{ days = ["mon", "mon"], from = "07:00", to = "08:00" }'),
    /days\[1\]: expected each day/,
  );
  t.match(fault(""), /intervals: expected a list of one table or more/);
});

t.test("a zone is one that has rules for its clocks", async (t) => {
  for (const zone of ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5"]) {
    t.same(faultsOf(demo.replace("Europe/Berlin", zone)), [], zone);
  }
  for (const zone of [
    "Europe/Berln",
    "",
    "+01:00",
    "Mars/Olympus",
    "Europe/Berlin\\n",
    "constructor",
  ]) {
    t.match(
      faultsOf(demo.replace("Europe/Berlin", zone)),
      [/:\d+: zone: expected an IANA time zone/],
      zone,
    );
  }
});

t.test("a name is anything that fits on one line", async (t) => {
  const name = (text: string) => faultsOf(demo.replace('"Ada Lovelace"', text));
  for (const text of ['"李小龍"', '"Zoë 👩🏽‍🚀"', '"عُمَر"', `"${"x".repeat(200)}"`, '"\'; --"']) {
    t.same(name(text), [], text);
  }
  for (const text of [
    '""',
    `"${"x".repeat(201)}"`,
    '"a\\nb"',
    '"a\\u0000"',
    '"\\u001b[2J"',
    '"\\u2028"',
    "7",
  ]) {
    t.match(name(text), [/users\[0\]\.name: expected a name of 1 to 200 characters/], text);
    t.notMatch(name(text).join(""), /[\p{Cc}\u2028]/u, "and shown so that it does no harm");
  }
});

t.test("a site may add a format, and give cards of it", async (t) => {
  const format = `[[formats]]
name = "ACME-16"
bit_count = 16
fields = [{ name = "badge", first_bit = 0, bit_count = 16, as = "number" }]
`;
  const text =
    demo.replace(/card = .*1111 }/, 'card = { format = "ACME-16", badge = 258 }') + format;
  t.match(accepted(text).passes[2], { raw: "16:0102", card: { fields: { badge: 258 } } });
  t.match(faultsOf(text.replace("badge = 258", "badge = 65536")), [/card\.badge: .* 0 to 65535/]);
});

t.test("however a site file is broken, each fault has its line and nothing throws", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  for (let run = 0; run < 1_500; run += 1) {
    const text = brokenFile(demo, random);
    const result = parseSiteFile({ file, text });
    const lineCount = text.split("\n").length;
    for (const fault of result.ok ? [] : result.fault) {
      const isPlaced = fault.line >= 1 && fault.line <= lineCount && fault.file === file;
      if (!isPlaced) t.fail(`SEED=${seed} run ${run}: ${describeTomlFault(fault)}\n${text}`);
    }
  }
});

t.test("a large site's file is read in a few seconds, faults or not", async (t) => {
  const people = Array.from(
    { length: 5_000 },
    (_, index) =>
      `[[users]]\nid = "u${index}"\nname = "U"\n` +
      `[[passes]]\nid = "p${index}"\nuser = "u${index}"\nkind = "csn_card"\ncard = { format = "H10302", number = ${index} }\n`,
  );
  const text = `${demo}\n${people.join("")}`;
  // Of this process's own time, which no other program on a busy machine takes.
  const before = process.cpuUsage();
  t.equal(accepted(text).passes.length, 5_006);
  t.match(faultsOf(text.replace('user = "u4999"', 'user = "nobody"')), [
    /a user of this file, found/,
  ]);
  t.equal(faultsOf(text.replaceAll('user = "u', 'user = "w')).length, 5_000);
  const { user, system } = process.cpuUsage(before);
  t.ok((user + system) / 1_000 < 20_000, `${Math.round((user + system) / 1_000)} ms`);
});

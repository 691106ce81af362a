import t from "tap";
import { renderEntry, showEvents } from "../../../src/cli/events.ts";
import { readExplainArguments, showExplanation } from "../../../src/cli/explain.ts";
import { forgive, overrideDoor } from "../../../src/cli/operate.ts";
import { showStatus } from "../../../src/cli/status.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { doorId, passId, readerId, userId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import type { LocalFault } from "../../../src/protocols/local/local-message.ts";
import { presentedCard } from "../../../src/protocols/local/presented-card.ts";
import { standardFormats } from "../../../src/protocols/wiegand/format.ts";
import { captureTerminal } from "./capture.ts";
import { entry, explanation, grant, startDaemon, status } from "./local-daemon.ts";

t.test("status tells a technician what is wrong, and programs all of it", async (t) => {
  const { socketFile } = await startDaemon(t);
  const human = captureTerminal();
  await showStatus({ socketFile, json: false, terminal: human });
  for (const said of [
    /^controller +demo of site hq, postern 0\.1\.0$/m,
    /^running +1 d 2 h, since 2026-11-20 06:30:00Z$/m,
    /^clock +2026-11-21 08:30:00Z, holdover$/m,
    /^broker +not connected$/m,
    /^table +1\.7, 3 passes, compiled 1 min 30 s ago$/m,
    /^journal +12 entries, 3 not yet at the site$/m,
    /^alarms +tamper:front-in$/m,
    /^troubles +broker_away$/m,
    /^front +unlocked, by schedule +none +released +no contact$/m,
    /^front-in +front +41 +parity 2 +0 +5$/m,
  ]) {
    t.match(human.output(), said);
  }
  const program = captureTerminal();
  await showStatus({ socketFile, json: true, terminal: program });
  t.same(JSON.parse(program.output()), status);
});

t.test("a controller without a table says that it denies everybody", async (t) => {
  const { socketFile } = await startDaemon(t, {
    handlers: { status: () => ({ ...status, table: null, troubles: [] }) },
  });
  const terminal = captureTerminal();
  await showStatus({ socketFile, json: false, terminal });
  t.match(terminal.output(), /^table +none yet: every card is denied$/m);
  t.match(terminal.output(), /^troubles +none$/m);
});

const eventsOptions = { after: undefined, limit: undefined, follow: false, json: false };

t.test("events are one line each for people, one array for programs", async (t) => {
  const entries = [entry(1, { kind: "controller_started", software: "0.1.0" }), entry(2, grant)];
  const { socketFile } = await startDaemon(t, { entries });
  const human = captureTerminal();
  await showEvents({ ...eventsOptions, socketFile, terminal: human });
  const [heads, first, second] = human.output().split("\n");
  t.match(heads, /^NUMBER +TIME +EVENT +WHERE +WHAT$/);
  t.match(first, /^1 +2026-11-21 08:30:00Z +controller_started +0\.1\.0$/);
  t.match(second, /^2 +2026-11-21 08:30:00Z +access_granted +front +granted: ada, pass ada-card$/);
  const program = captureTerminal();
  await showEvents({ ...eventsOptions, json: true, socketFile, terminal: program });
  t.same(JSON.parse(program.output()), entries);
  const limited = captureTerminal();
  await showEvents({ ...eventsOptions, json: true, after: 1, socketFile, terminal: limited });
  t.same(JSON.parse(limited.output()), entries.slice(1));
});

t.test("an empty journal is an empty array", async (t) => {
  const { socketFile } = await startDaemon(t);
  const terminal = captureTerminal();
  await showEvents({ ...eventsOptions, json: true, socketFile, terminal });
  t.same(JSON.parse(terminal.output()), []);
});

t.test("followed events come as they happen, one object a line for programs", async (t) => {
  const daemon = await startDaemon(t, { entries: [entry(1, grant)] });
  const terminal = captureTerminal();
  terminal.onOutput = () => {
    const lineCount = terminal.output().split("\n").length - 1;
    if (lineCount === 1) daemon.add(entry(2, { kind: "door_forced", door: doorId("lab") }));
    if (lineCount === 2) daemon.close();
  };
  const { socketFile } = daemon;
  await t.rejects(showEvents({ ...eventsOptions, json: true, follow: true, socketFile, terminal }));
  const lines = terminal.output().trimEnd().split("\n");
  t.match(
    lines.map((line) => JSON.parse(line) as unknown),
    [{ number: 1 }, { number: 2 }],
  );
});

t.test("every kind of event is told with what matters about it", async (t) => {
  const door = doorId("lab");
  const reader = readerId("lab-in");
  const cases: readonly (readonly [DoorEvent, RegExp])[] = [
    [
      { kind: "access_denied", door, reader, reason: "unknown_credential" },
      /access_denied +lab \(reader lab-in\) +unknown_credential$/,
    ],
    [
      {
        kind: "access_denied",
        door,
        reader,
        reason: "expired",
        pass: passId("p"),
        user: userId("cleo"),
      },
      /expired: cleo, pass p$/,
    ],
    [{ kind: "pin_lockout", reader, pauseMs: 120_000 }, /reader lab-in +keypad pauses 2 min 0 s$/],
    [
      { kind: "reader_misread", reader, verdict: "parity", bitCount: 26, count: 3 },
      /parity, 26 bits, 3 times$/,
    ],
    [{ kind: "table_applied", applied: { epoch: 2, version: 9 } }, /table 2\.9$/],
    [{ kind: "table_refused", reason: "altered", detail: "signature" }, /altered: signature$/],
    [{ kind: "trouble", trouble: "journal_failing", state: "raised" }, /journal_failing raised$/],
    [{ kind: "clock_set", byMs: -120_000, outcome: "ignored" }, /back by 2 min 0 s, ignored$/],
    [
      { kind: "journal_overflow", lostCount: 9, lostDenialCount: 2, lostAlarmCount: 1 },
      /9 entries lost, 2 denials and 1 alarms among them$/,
    ],
    [{ kind: "door_held", door }, /door_held +lab$/],
  ];
  for (const [event, told] of cases) t.match(renderEntry(entry(7, event)), told);
});

t.test("a time that nothing vouches for is marked", async (t) => {
  const at = epochMs(0);
  const told = (quality: "trusted" | "holdover" | "unknown") =>
    renderEntry({ ...entry(1, grant), wall: { at, quality } });
  t.match(told("trusted"), "1970-01-01 00:00:00Z ");
  t.match(told("holdover"), "1970-01-01 00:00:00Z~");
  t.match(told("unknown"), "1970-01-01 00:00:00Z?");
});

t.test("text from outside cannot move the cursor of a technician's terminal", async (t) => {
  const detail = "\u001b[2J\u001b[1;1Hall well\r\n\u202e\u009b31m";
  const line = renderEntry(entry(1, { kind: "table_refused", reason: "malformed", detail }));
  t.notMatch(line, /[\p{Cc}\p{Cf}]/u);
});

const typedNothing = { card: undefined, bits: undefined, at: undefined };
const explainOptions = {
  door: "front",
  card: undefined,
  pass: undefined,
  pin: undefined,
  at: undefined,
  json: false,
};

t.test("explain says which check decides and what would have to change", async (t) => {
  const { socketFile, explained } = await startDaemon(t);
  const terminal = captureTerminal();
  const typed = readExplainArguments({
    ...typedNothing,
    card: "H10301:12:2222",
    at: "2026-11-21T08:30:00+01:00",
  });
  await showExplanation({ ...explainOptions, ...typed, socketFile, terminal });
  t.same(explained, [
    {
      door: "front",
      card: { format: "H10301", values: ["12", "2222"] },
      at: Date.UTC(2026, 10, 21, 7, 30),
    },
  ]);
  for (const said of [
    /^Door front at 2026-11-21 08:30:00Z \(clock trusted\):$/m,
    /^DENIED, expired: The pass has expired\.$/m,
    /^Time alone does not change that: The pass has expired\.$/m,
    /^ {2}ok {2}credential +Pass cleo-card/m,
    /^ {2}NO {2}end +It ended yesterday\.$/m,
    /^ +-> Extend the pass\.$/m,
  ]) {
    t.match(terminal.output(), said);
  }
  const program = captureTerminal();
  const pin = "246810";
  await showExplanation({ ...explainOptions, pin, json: true, socketFile, terminal: program });
  t.same(JSON.parse(program.output()), explanation);
  t.same(explained.at(-1), { door: "front", pin });
});

t.test("explain of nothing, or at no door, is refused before anybody is asked", async (t) => {
  const terminal = captureTerminal();
  const socketFile = "/nowhere";
  const nothing = showExplanation({ ...explainOptions, socketFile, terminal });
  await t.rejects(nothing, { exitCode: 2, message: /--card, --bits, --pass or --pin/ });
  const noDoor = { ...explainOptions, pin: "1234", door: "a door", socketFile, terminal };
  await t.rejects(showExplanation(noDoor), { exitCode: 2, message: /--door/ });
});

const asTyped = (expected: string) => `${expected}, as H10301:12:34567`;

const unreadableJson = [
  "{",
  "{}",
  '{"format":""}',
  '{"facility":12,"number":1}',
  '{"format":"H10301","facility":[12],"number":1}',
];

t.test("a card is typed as it is printed on it, or as the simulated board takes it", async (t) => {
  const cardOf = (card: string) => readExplainArguments({ ...typedNothing, card }).card;
  t.same(cardOf("12:34567"), { format: "H10301", values: ["12", "34567"] });
  t.same(cardOf("CSN32:00a1b2c3"), { format: "CSN32", values: ["00a1b2c3"] });
  t.same(cardOf(' {"format":"H10301","number":34567,"facility":12}'), {
    format: "H10301",
    fields: { facility: 12, number: 34567 },
  });
});

t.test("what the controller refuses is told by the option that was typed", async (t) => {
  const doors = badField("args.door", "one of front, lab");
  const pinFault = badField("args.pin", "a PIN of 4 to 8 digits");
  const bits = { bits: "0110" };
  for (const [typed, fault, message] of [
    [{ card: "1:2" }, doors, "--door: expected one of front, lab"],
    [{ pin: "1234" }, pinFault, "PIN: expected a PIN of 4 to 8 digits"],
    [{ pin: "1234" }, badField("args.at", "less"), "--at: expected less"],
    [bits, badField("args.card", "less"), "--bits: expected less"],
    [
      { card: "1:2" },
      badField("args.card", "{x}"),
      `--card: expected ${asTyped("a format and its fields")}`,
    ],
    [{ card: "1:2" }, badField("args", "more"), "args: expected more"],
    [{ card: "1:2" }, { code: "failed", message: "Look into its log." }, "Look into its log."],
  ] as const) {
    const { pin, ...rest } = { pin: undefined, ...typed };
    const presented = readExplainArguments({ ...typedNothing, ...rest });
    const { socketFile } = await startDaemon(t, {
      handlers: { explain: () => ({ ok: false, fault }) },
    });
    const terminal = captureTerminal();
    const asked = showExplanation({ ...explainOptions, ...presented, pin, socketFile, terminal });
    await t.rejects(asked, { message });
  }
});

t.test("a card that cannot be is told by its field", async (t) => {
  const { socketFile } = await startDaemon(t, {
    handlers: {
      explain: ({ card }) => {
        const presented = presentedCard(standardFormats, card ?? { bits: "0" });
        return presented.ok ? { ok: true, value: explanation } : presented;
      },
    },
  });
  for (const [card, message] of [
    ["12:70000", "--card: number: expected a whole number from 0 to 65535"],
    [
      '{"format":"H10301","facility":12}',
      "--card: number: expected a whole number from 0 to 65535",
    ],
    ["H10301:12", `--card: expected ${asTyped("H10301:facility:number")}`],
    ["H9:12", new RegExp(`^--card: format: expected one of H10301, .*, ${asTyped("CSN80")}$`)],
    [
      '{"format":"H10301","\\u001b[2J":1}',
      `--card: expected ${asTyped("a format and its fields")}`,
    ],
  ] as const) {
    const typed = readExplainArguments({ ...typedNothing, card });
    const terminal = captureTerminal();
    const asked = showExplanation({ ...explainOptions, ...typed, socketFile, terminal });
    await t.rejects(asked, { exitCode: 2, message }, card);
  }
});

t.test("a door's posture is set as it is typed, and what it then is, is told", async (t) => {
  const asked: unknown[] = [];
  const { socketFile } = await startDaemon(t, {
    handlers: {
      override: async (args) => {
        asked.push(args);
        return {
          ok: true,
          value: { posture: "free_access", cause: "operator", kept: args.posture !== "disabled" },
        };
      },
    },
  });
  const terminal = captureTerminal();
  const options = { socketFile, terminal, json: false, door: "front" } as const;
  await overrideDoor({ ...options, posture: "free-access", until: "next-change" });
  t.same(asked, [{ door: "front", posture: "free_access", until: "next_change" }]);
  t.equal(
    terminal.output(),
    "Door front is free-access, by operator until a schedule of the door changes.\n",
  );
  const forgotten = overrideDoor({ ...options, posture: "disabled", until: "cleared" });
  await t.rejects(forgotten, { exitCode: 1, message: /disk did not take it/ });
  const misspelt = overrideDoor({ ...options, posture: "lockdwn", until: "cleared" });
  await t.rejects(misspelt, { exitCode: 2, message: /^posture: expected one of disabled, locked/ });
});

t.test("why a posture cannot be set is told by what was typed", async (t) => {
  const { socketFile } = await startDaemon(t, {
    handlers: {
      override: async () => ({
        ok: false,
        fault: badField("args.until", '"cleared": no schedule'),
      }),
    },
  });
  const options = { socketFile, terminal: captureTerminal(), json: false, door: "front" } as const;
  const asked = overrideDoor({ ...options, posture: "lockdown", until: "next-change" });
  await t.rejects(asked, { message: '--until: expected "cleared": no schedule' });
});

t.test("forgiving one user or everybody says whom", async (t) => {
  const asked: unknown[] = [];
  const { socketFile } = await startDaemon(t, {
    handlers: {
      forgive: (args) => {
        asked.push(args);
        return { recorded: args.user !== "nobody" };
      },
    },
  });
  const terminal = captureTerminal();
  await forgive({ socketFile, terminal, json: false, user: "ada" });
  await forgive({ socketFile, terminal, json: false, user: undefined });
  const unknown = forgive({ socketFile, terminal, json: false, user: "nobody" });
  await t.rejects(unknown, { exitCode: 1, message: "nothing is recorded of user nobody" });
  t.same(asked, [{ user: "ada" }, {}, { user: "nobody" }]);
  t.equal(terminal.output(), "Forgiven: ada.\nForgiven: everybody.\n");
});

function badField(field: string, expected: string): LocalFault {
  return { code: "bad_request", message: `${field}: expected ${expected}`, field };
}

t.test("an option that cannot be read is named with what was expected", async (t) => {
  const wrong: readonly (readonly [{ card?: string; bits?: string; at?: string }, RegExp])[] = [
    ...["H10301", "H10301:", ":12:1", "H10301:12:", "", "12", "12:", ...unreadableJson].map(
      (card) => [{ card }, /^--card: .*H10301:12:34567/] as const,
    ),
    ...["", "012", "x", "0".repeat(129)].map((bits) => [{ bits }, /^--bits: .*0 and 1/] as const),
    ...["noon", "2026-11-21", "2026-11-21T08:00:00", "2026-02-30T08:00Z", "2026-13-01T08:00Z"].map(
      (at) => [{ at }, /^--at: .*offset/] as const,
    ),
  ];
  for (const [typed, message] of wrong) {
    const read = () => readExplainArguments({ ...typedNothing, ...typed });
    t.throws(read, { exitCode: 2, message }, JSON.stringify(typed));
  }
  t.same(readExplainArguments({ ...typedNothing, bits: "01 10" }).card, { bits: "0110" });
});

t.test(
  "a phone is typed as it is listed, and anything less is a card of some format",
  async (t) => {
    const digits = "0123456789abcdef".repeat(2);
    const read = (card: string) => readExplainArguments({ ...typedNothing, card }).card;
    t.same(read(`phone:${digits}`), { phone: digits });
    t.same(read(`phone:${digits.slice(1)}`), { format: "phone", values: [digits.slice(1)] });
  },
);

import { readFileSync } from "node:fs";
import t from "tap";
import { pulseStrike, showLight } from "../../../src/cli/bench.ts";
import { renderLine, showLines } from "../../../src/cli/lines.ts";
import { spacingHistogram } from "../../../src/cli/spacing-histogram.ts";
import { renderPresentation, watchReader } from "../../../src/cli/watch-reader.ts";
import type { LocalFeed } from "../../../src/controller/local-feed.ts";
import { doorId, readerId } from "../../../src/domain/ids.ts";
import { fail, succeed } from "../../../src/domain/result.ts";
import { epochMs } from "../../../src/domain/time.ts";
import type { LocalLine, LocalPresentation } from "../../../src/protocols/local/local-reports.ts";
import { runToEnd } from "../../run-to-end.ts";
import { captureTerminal } from "./capture.ts";
import { startDaemon } from "./local-daemon.ts";

const strike: LocalLine = {
  line: "GPIO17",
  direction: "output",
  use: "strike of door front",
  level: 0,
  meaning: "secured",
  changeCount: 4,
};
const contact: LocalLine = {
  line: "GPIO27",
  direction: "input",
  use: "contact of door front",
  level: null,
  meaning: "its chip does not answer",
  changeCount: 0,
};

const presentation: LocalPresentation = {
  at: epochMs(Date.UTC(2026, 10, 21, 8, 30)),
  kind: "card",
  verdict: "ok",
  format: "H10301",
  bitCount: 26,
  spacingsUs: [...Array.from({ length: 20 }, () => 1_004), ...[1_990, 2_004, 2_010, 2_011, 2_013]],
  health: { frameCount: 3, misreadCounts: { parity: 2 }, extraBitCount: 0, lostEdgeCount: 7 },
  missedCount: 0,
};

/** Tells these, and then nothing more until `tell`. */
function listFeed(items: readonly unknown[]): LocalFeed & { tell(item: unknown): void } {
  const waiting = [...items];
  let onNews = () => {};
  return {
    take: () => waiting.shift(),
    onNews: (listener) => {
      onNews = listener;
    },
    close: () => {},
    tell: (item) => {
      waiting.push(item);
      onNews();
    },
  };
}

t.test("every line is shown once with its meaning, as columns or as JSON", async (t) => {
  const handlers = { lines: () => succeed(listFeed([strike, contact])) };
  const { socketFile } = await startDaemon(t, { handlers });
  const terminal = captureTerminal();
  await showLines({ socketFile, follow: false, json: false, terminal });
  const [heads, first, second] = terminal.output().split("\n");
  t.match(heads, /^LINE +LEVEL +WIRED TO +IS +CHANGES$/);
  t.match(first, /^GPIO17 +output +0 +strike of door front +secured +4$/);
  t.match(second, /^GPIO27 +input +\? +contact of door front +its chip does not answer +0$/);
  const asJson = captureTerminal();
  await showLines({ socketFile, follow: false, json: true, terminal: asJson });
  t.same(JSON.parse(asJson.output()), [strike, contact]);
  t.notMatch(renderLine({ ...strike, line: "\u001b[2J" }), "\u001b");
});

t.test("a line that changes is shown as it does", async (t) => {
  const feed = listFeed([strike]);
  const daemon = await startDaemon(t, { handlers: { lines: () => succeed(feed) } });
  const terminal = captureTerminal();
  let toldCount = 0;
  terminal.onOutput = () => {
    toldCount += 1;
    if (toldCount === 1) feed.tell({ ...strike, level: 1, meaning: "released" });
    if (toldCount === 2) daemon.close();
  };
  const { socketFile } = daemon;
  await t.rejects(showLines({ socketFile, follow: true, json: true, terminal }), /closed/);
  const lines = terminal.output().trim().split("\n");
  t.same(
    lines.map((line) => (JSON.parse(line) as LocalLine).meaning),
    ["secured", "released"],
  );
});

t.test("a presentation is shown with its spacing and health, and its bits masked", async (t) => {
  const text = renderPresentation(presentation);
  t.match(text, "2026-11-21 08:30:00Z  card  H10301  26 bits\n");
  t.match(text, /^ {2}bits {6}masked$/m);
  t.match(text, /^ {2}spacing {3}1000-1199 us +#+ 20$/m);
  t.match(text, "3 frames, misreads parity 2, 0 extra bits, 7 lost edges");
  t.match(renderPresentation({ ...presentation, bits: "0110" }), /bits +0110$/m);
  const { format: _, ...rest } = presentation;
  const misread = renderPresentation({
    ...rest,
    kind: "misread",
    verdict: "length",
    missedCount: 2,
  });
  t.match(
    misread,
    /^\(2 presentations came too fast to be shown\)\n.*misread: length {2}26 bits$/m,
  );
});

t.test(
  "bits that are as far apart as they should be make one bar, and a lost one another",
  async (t) => {
    t.same(spacingHistogram([1_001, 1_002, 1_004]), [`1000-1009 us     ${"#".repeat(40)} 3`]);
    const [good, lost, ...others] = spacingHistogram([
      ...Array.from({ length: 24 }, () => 1_000),
      2_000,
    ]);
    t.match(good, / 24$/);
    t.match(lost, / # |#+ 1$/);
    t.same(others, []);
    t.same(spacingHistogram([]), ["none: one bit alone"]);
    const wild = spacingHistogram([50, 900, 20_000, 900_000]);
    t.ok(wild.length <= 8);
    t.match(wild.at(-1), /^from /);
    const counted = wild.map((bar) => Number(bar.split(" ").at(-1)));
    t.equal(
      counted.reduce((sum, count) => sum + count, 0),
      4,
      "each spacing is in one bar",
    );
  },
);

t.test("bits are asked for only where the technician asked for them", async (t) => {
  const asked: unknown[] = [];
  const handlers = {
    watchReader: (args: unknown) => {
      asked.push(args);
      return fail({
        code: "bad_request",
        message: "args.reader: expected one of lab",
        field: "args.reader",
      } as const);
    },
  };
  const { socketFile } = await startDaemon(t, { handlers });
  for (const bits of ["masked", "shown"] as const) {
    const watched = watchReader({
      socketFile,
      reader: "front",
      bits,
      json: true,
      terminal: captureTerminal(),
    });
    await t.rejects(watched, { message: "reader: expected one of lab", exitCode: 2 });
  }
  t.same(asked, [
    { reader: "front", bits: false },
    { reader: "front", bits: true },
  ]);
});

t.test("a pulse and a light are told as they were carried out", async (t) => {
  const asked: unknown[] = [];
  const handlers = {
    pulse: (args: unknown) => {
      asked.push(args);
      return succeed({ door: doorId("front"), forMs: 2_000 });
    },
    showLight: (args: unknown) => {
      asked.push(args);
      return succeed({ reader: readerId("front"), forMs: 5_000 });
    },
  };
  const { socketFile } = await startDaemon(t, { handlers });
  const terminal = captureTerminal();
  const common = { socketFile, json: false, terminal };
  await pulseStrike({ ...common, door: "front", forMs: 5_000 });
  await showLight({ ...common, reader: "front", light: "boot", seconds: 5 });
  t.match(terminal.output(), "released for 2000 ms, which is the coil's limit.\n");
  t.match(terminal.output(), "Reader front shows boot for 5 s");
  t.same(asked, [
    { door: "front", forMs: 5_000 },
    { reader: "front", light: "boot", forMs: 5_000 },
  ]);
});

t.test("a pulse that is refused ends with 1 and the door's reason", async (t) => {
  const fault = { code: "failed", message: "door front: it is in lockdown" } as const;
  const { socketFile } = await startDaemon(t, { handlers: { pulse: () => fail(fault) } });
  const pulsed = pulseStrike({
    socketFile,
    json: false,
    terminal: captureTerminal(),
    door: "front",
    forMs: 500,
  });
  await t.rejects(pulsed, { message: "door front: it is in lockdown", exitCode: 1 });
});

t.test(
  "what is asked wrongly is told by the name of its argument, before anybody is asked",
  async (t) => {
    const common = { socketFile: "/no/such.sock", json: false, terminal: captureTerminal() };
    for (const [asked, said] of [
      [pulseStrike({ ...common, door: "front door", forMs: 500 }), "door: expected 1 to 64"],
      [
        pulseStrike({ ...common, door: "front", forMs: 49 }),
        "--ms: expected a whole number from 50",
      ],
      [pulseStrike({ ...common, door: "front", forMs: 10_001 }), "--ms: expected"],
      [showLight({ ...common, reader: "#", light: "red", seconds: 1 }), "reader: expected"],
      [
        showLight({ ...common, reader: "front", light: "blue", seconds: 1 }),
        "light: expected one of amber",
      ],
      [
        showLight({ ...common, reader: "front", light: "red", seconds: 301 }),
        "--seconds: expected",
      ],
      [watchReader({ ...common, reader: "", bits: "masked" }), "reader: expected"],
    ] as const) {
      await t.rejects(asked, { message: new RegExp(`^${said}`), exitCode: 2 });
    }
  },
);

t.test("each command of the README's list is one that there is", async (t) => {
  const readme = readFileSync("README.md", "utf8");
  const named = [...readme.matchAll(/^npx postern ([a-z-]+)/gm)].map(([, verb = ""]) => verb);
  const { stdout } = await runToEnd(["--import=tsx", "src/main.ts", "--help"]);
  const listed = [...stdout.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(([, verb = ""]) => verb);
  t.same(
    [...new Set(named)].filter((verb) => !listed.includes(verb)),
    [],
    "named and not there",
  );
  // Those two run everything; they are told of elsewhere.
  const daemons = ["up", "controller", "help"];
  t.same(
    listed.filter((verb) => !named.includes(verb) && !daemons.includes(verb)),
    [],
    "there and not named",
  );
});

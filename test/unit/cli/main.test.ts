import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import t from "tap";
import { runToEnd } from "../../run-to-end.ts";
import { entry, grant, startDaemon } from "./local-daemon.ts";

const postern = (
  parameters: readonly string[],
  options: { env?: Record<string, string>; input?: string } = {},
) => runToEnd(["--import=tsx", "src/main.ts", ...parameters], options);

t.test("the command says what there is, and what it is", async (t) => {
  const help = await postern(["--help"]);
  t.equal(help.code, 0);
  for (const verb of ["up", "controller", "site", "status", "events", "explain"]) {
    t.match(help.stdout, new RegExp(`^ +${verb}\\b`, "m"));
  }
  const version = await postern(["--version"]);
  t.equal(version.code, 0);
  t.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

t.test("what is asked wrongly ends with 2 and says how it is asked", async (t) => {
  for (const [parameters, said] of [
    [["unlock"], /unknown command/],
    [["events", "--limit", "0"], /--limit.*whole number from 1/],
    [["explain", "--card", "H10301:1:1"], /--door/],
    [["explain", "--door", "front", "--card", "H10301:1:1", "--bits", "0"], /--bits/],
    [["controller", "--log-level", "loud"], /--log-level/],
  ] as const) {
    const { code, stderr, stdout } = await postern(parameters);
    t.equal(code, 2, parameters.join(" "));
    t.match(stderr, said);
    t.equal(stdout, "");
  }
});

t.test("the socket is that of the state folder, unless one is named", async (t) => {
  const { code, stderr } = await postern(["status"], { env: { POSTERN_STATE_DIR: "/no/state" } });
  t.equal(code, 1);
  t.match(stderr, "/no/state/controller.sock");
  t.notMatch(stderr, /\n +at /, "no stack");
  const named = await postern(["status", "--socket", "/no/other.sock"]);
  t.match(named.stderr, "/no/other.sock");
});

t.test("a state folder that cannot be one is refused by its variable's name", async (t) => {
  const file = join(t.testdir({ file: "" }), "file");
  for (const folder of [file, join(file, "below"), "/dev/null/x"]) {
    const { code, stderr } = await postern(["up"], { env: { POSTERN_STATE_DIR: folder } });
    t.equal(code, 1);
    const found = /^postern: POSTERN_STATE_DIR: (.+): cannot be used as a folder: E[A-Z]+\n$/.exec(
      stderr,
    );
    t.equal(found?.[1], folder, stderr);
  }
});

t.test("a PIN comes from standard input and never from the command line", async (t) => {
  const { socketFile, explained } = await startDaemon(t);
  const parameters = ["explain", "--door", "lab", "--card", "H10301:12:34567", "--pin"];
  const { code } = await postern([...parameters, "--socket", socketFile], { input: "246810\n" });
  t.equal(code, 0);
  t.match(explained, [{ pin: "246810" }]);
  t.equal((await postern([...parameters, "246810"])).code, 2);
});

t.test("a reader that has seen enough of the events is no error", async (t) => {
  const entries = Array.from({ length: 5_000 }, (_, at) => entry(at + 1, grant));
  const { socketFile } = await startDaemon(t, { entries });
  const parameters = ["events", "--after", "0", "--socket", socketFile];
  const child = spawn(process.execPath, ["--import=tsx", "src/main.ts", ...parameters]);
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdout.once("data", () => child.stdout.destroy());
  const [code] = (await once(child, "close")) as [number | null];
  t.equal(code, 0);
  t.equal(stderr, "");
});

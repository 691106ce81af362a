// `node scripts/run.mjs NAME arguments…` sets up and runs scripts/NAME.ts.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { repositoryRoot, setUpOrExit } from "./setup.mjs";

const [name = "", ...parameters] = process.argv.slice(2);
const script = join(repositoryRoot, "scripts", `${name}.ts`);
if (!/^[a-z-]+$/.test(name) || !existsSync(script)) {
  process.stderr.write(`postern: there is no scripts/${name}.ts to run\n`);
  process.exit(2);
}

// The others run the sources as they are; `test` and `check` compile when they come to need it.
await setUpOrExit({ build: name === "bench" });

// A process of its own, because --import is inherited by worker threads and a loader registered in
// here would not be.
const child = spawn(process.execPath, ["--import=tsx", script, ...parameters], {
  cwd: repositoryRoot,
  stdio: "inherit",
});
for (const signal of /** @type {NodeJS.Signals[]} */ (["SIGTERM", "SIGHUP", "SIGINT"])) {
  process.on(signal, () => {
    // A terminal has sent its Ctrl-C to the child as well.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on("exit", (status, signal) => {
  process.exitCode = status ?? (signal === "SIGINT" ? 130 : 1);
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { acquireLock } from "../../../scripts/set-up-lock.mjs";
import {
  installEnvironment,
  installFailure,
  missingBuildTools,
  nodeComplaint,
} from "../../../scripts/setup.mjs";

function ignore(): void {}

t.test("a Node that is too old is named with the one that is needed", async (t) => {
  for (const version of ["20.19.0", "20.20.2", "22.0.0", "24.1.0"]) {
    t.equal(nodeComplaint(version), undefined, version);
  }
  for (const version of ["18.20.0", "20.18.3", "20.9.0"]) {
    t.match(nodeComplaint(version), new RegExp(`20\\.19.*${version}`));
  }
});

t.test("the compiler is installed whatever the environment says of production", async (t) => {
  const kept = installEnvironment({
    NODE_ENV: "production",
    npm_config_omit: "dev",
    NPM_CONFIG_PRODUCTION: "true",
    npm_config_registry: "https://mirror.example",
    PATH: "/bin",
  });
  t.same(kept, { npm_config_registry: "https://mirror.example", PATH: "/bin" });
});

t.test("a missing compiler, make or python3 is called by its name", async (t) => {
  const folder = t.testdir({ python3: "" });
  t.same(missingBuildTools(folder), ["python3", "make", "a C++ compiler (g++)"]);
  const missing = ["make"];
  t.match(installFailure({ output: "gyp ERR!", missing }), /gyp ERR!.*make cannot be found/s);
  t.match(installFailure({ output: "gyp ERR!", missing }), /apt-get install/);
  t.match(installFailure({ output: "E404 one\ntwo", missing: [] }), /E404/);
});

t.test("two commands set up one after the other", async (t) => {
  const file = join(t.testdir({}), "cache", "set-up.lock");
  const release = await acquireLock(file, ignore);
  let released = false;
  let second: Promise<() => void> | undefined;
  await new Promise<void>((waiting) => {
    second = acquireLock(file, waiting);
  });
  const taken = second?.then((releaseSecond) => {
    t.ok(released, "not before the first was done");
    releaseSecond();
  });
  released = true;
  release();
  await taken;
  t.notOk(existsSync(file));
});

t.test("the lock of a command that was killed is taken over, by one", async (t) => {
  const folder = t.testdir({});
  const file = join(folder, "set-up.lock");
  const holder = spawn(process.execPath, ["-e", ""]);
  await once(holder, "exit");
  writeFileSync(file, `${holder.pid} token\n`);
  const releaseFirst = await acquireLock(file, () => t.fail("waits for the dead"));
  releaseFirst();
  writeFileSync(file, `${holder.pid} token\n`);
  let holders = 0;
  let holdersMost = 0;
  const take = async () => {
    const release = await acquireLock(file, ignore);
    holders += 1;
    holdersMost = Math.max(holdersMost, holders);
    await new Promise((resolve) => setImmediate(resolve));
    holders -= 1;
    release();
  };
  await Promise.all([take(), take(), take()]);
  t.equal(holdersMost, 1);
  t.same(readdirSync(folder), [], "and nothing is left behind");
});

t.test("a holder that lives is waited for, unless its heart has stopped", async (t) => {
  const file = join(t.testdir({}), "set-up.lock");
  writeFileSync(file, `${process.pid} somebody\n`);
  let waited = false;
  const taken = acquireLock(file, () => {
    waited = true;
    // As after a machine's sleep, with the process's number given to another.
    utimesSync(file, new Date(0), new Date(0));
  });
  const release = await taken;
  t.ok(waited);
  t.match(readFileSync(file, "utf8"), new RegExp(`^${process.pid} `));
  release();
  t.notOk(existsSync(file));
});

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import { buildNative, isNativeBuilt, nativeSources } from "../../../scripts/native.mjs";
import { repositoryRoot } from "../../../scripts/setup.mjs";

const hasCompiler = spawnSync("cc", ["--version"]).error === undefined;
const skip =
  process.platform !== "linux"
    ? "only on Linux is anything compiled"
    : !hasCompiler && "no C compiler here (cc)";

/** A folder with the sources alone. */
function makeTree(t: Test): string {
  const root = t.testdir({});
  for (const { source } of nativeSources) {
    if (!existsSync(join(repositoryRoot, source))) continue;
    cpSync(dirname(join(repositoryRoot, source)), dirname(join(root, source)), {
      recursive: true,
      filter: (file) => !file.endsWith("/build"),
    });
  }
  symlinkSync(join(repositoryRoot, "node_modules"), join(root, "node_modules"));
  return root;
}

/** `CC` for the length of a call. */
function withCompiler<Result>(compiler: string, run: () => Result): Result {
  const before = process.env["CC"];
  process.env["CC"] = compiler;
  try {
    return run();
  } finally {
    if (before === undefined) delete process.env["CC"];
    else process.env["CC"] = before;
  }
}

const gpio = "hal/linux/gpio/build/postern_gpio.node";

t.test("everything compiles without a warning, hardened, and once", { skip }, async (t) => {
  const root = makeTree(t);
  t.notOk(isNativeBuilt(root));
  t.same(buildNative({ root, strict: true }), []);
  t.ok(isNativeBuilt(root));
  const first = readFileSync(join(root, gpio));
  // A checked function of the C library stands for FORTIFY_SOURCE, a canary for the stack protector.
  for (const symbol of ["__stack_chk_fail", "napi_register_module_v1"]) {
    t.ok(first.includes(symbol), symbol);
  }
  t.same(
    withCompiler("/nowhere/cc", () => buildNative({ root })),
    [],
    "nothing is left to do",
  );
  const future = new Date(Date.now() + 60_000);
  utimesSync(join(root, "hal/linux/gpio/edges.c"), future, future);
  t.notOk(isNativeBuilt(root), "a source that is newer is compiled again");
});

t.test("without a compiler it is said what is missing, and what for", { skip }, async (t) => {
  const root = makeTree(t);
  const complaints = withCompiler("/nowhere/cc", () => buildNative({ root }));
  t.match(complaints, [/no C compiler.*postern_gpio\.node.*apt-get install/s]);
  t.notOk(existsSync(join(root, gpio)));
});

t.test("what does not compile is shown, and leaves the old one in place", { skip }, async (t) => {
  const root = t.testdir({
    hal: { linux: { gpio: { "gpio.c": "not C", build: { "postern_gpio.node": "old" } } } },
  });
  const future = new Date(Date.now() + 60_000);
  utimesSync(join(root, "hal/linux/gpio/gpio.c"), future, future);
  t.match(buildNative({ root }), [/gpio\.c does not compile:\n.*error/s]);
  t.equal(readFileSync(join(root, gpio), "utf8"), "old");
});

t.test(
  "for another machine all go to one folder, by that machine's compiler",
  { skip },
  async (t) => {
    const root = makeTree(t);
    const into = join(root, "prebuilds", "linux-arm64");
    const compiler = join(root, "cross-cc");
    mkdirSync(into, { recursive: true });
    writeFileSync(compiler, '#!/bin/sh\ncase "$*" in *--version*) ;; *) exec cc "$@";; esac\n');
    chmodSync(compiler, 0o755);
    t.same(
      withCompiler(compiler, () => buildNative({ root, into })),
      [],
    );
    for (const { source, output } of nativeSources) {
      if (existsSync(join(root, source))) t.ok(existsSync(join(into, output)), output);
    }
    t.notOk(existsSync(join(root, gpio)), "and none beside its source");
  },
);

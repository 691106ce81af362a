import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { repositoryRoot } from "../../scripts/setup.mjs";
import { builtPackage } from "./built-package.ts";
import { layOutTests } from "./compiled-tests.ts";
import { createDebianRoot, packagesSkip } from "./debian-root.ts";
import { installPackage, loadAddons, said } from "./installed-package.ts";
import { openPorts, serveDoor } from "./packaged-door.ts";

const skip = packagesSkip("test/e2e/package-arm64.test.ts", "arm64");
const node = "/usr/lib/postern/node/bin/node";
/** An emulated program starts in a tenth of a minute; on a busy machine, in minutes. */
const emulatedMs = 600_000;

/**
 * Not those of hal/linux, to which an emulator's answers are not the kernel's, nor those that hold a README
 * to its sources.
 */
const testFolders = ["core", "protocols", "domain", "hal"];
const testsElsewhere = /^hal\/linux\/|\breadme/;

function testFiles(): readonly string[] {
  const unit = join(repositoryRoot, "test/unit");
  return testFolders
    .flatMap((folder) =>
      readdirSync(join(unit, folder), { recursive: true, encoding: "utf8" }).map(
        (path) => `${folder}/${path}`,
      ),
    )
    .filter((path) => path.endsWith(".test.ts") && !testsElsewhere.test(path))
    .map((path) => `test/unit/${path}`)
    .sort();
}

t.test("the package for arm64, in an emulated Debian", { skip }, async (t) => {
  const file = builtPackage(t, "arm64");
  const root = await createDebianRoot("arm64");
  t.teardown(() => root.remove());

  await t.test("installs, with user and groups", async (t) => {
    t.equal(await said(root, "uname", "-m"), "aarch64");
    t.match(await installPackage(t, root, file), /not started: this controller has no keys yet/);
    t.match(await said(root, "id", "-nG", "postern"), /\bgpio\b/);
    t.match(await said(root, "postern", "--version"), /^[0-9]+\.[0-9]+\.[0-9]+$/);
  });

  await t.test("every addon loads", async (t) => {
    t.match(await said(root, node, "-e", loadAddons), /^loaded v22\./);
  });

  await t.test("a site makes a controller's keys, and the controller opens a door", async (t) => {
    await serveDoor(t, root, await openPorts({ patienceMs: emulatedMs }));
  });

  await t.test(
    "the tests that need no hardware pass, on the program as it is packaged",
    async (t) => {
      mkdirSync(join(root.folder, "tests"));
      const runner = layOutTests(join(root.folder, "tests"));
      const files = testFiles();
      const { code, output } = await root.run(
        ["sh", "-c", `cd /tests && exec ${node} ${runner} "$@"`, "sh", ...files],
        {
          env: { TAP_TIMEOUT: "0" },
          binds: { "/tests/node_modules": join(repositoryRoot, "node_modules") },
        },
      );
      t.equal(
        code,
        0,
        output
          .split("\n")
          .filter((line) => /not ok/.test(line))
          .slice(0, 20)
          .join("\n"),
      );
      const seen = files.filter((name) => output.includes(`# Subtest: ${name}`));
      t.same(seen, files, "all of them ran");
      t.comment(`${files.length} files, ${output.match(/^ok /gm)?.length ?? 0} tests`);
    },
  );

  await t.test("purged, its user is gone", async (t) => {
    const { code, output } = await root.run(["dpkg", "-P", "postern"]);
    t.equal(code, 0, output);
    t.match(await said(root, "getent", "passwd", "postern"), /ended with 2/);
  });
});

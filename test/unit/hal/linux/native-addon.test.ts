import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { loadNativeAddon } from "../../../../hal/linux/native-addon.ts";
import { repositoryRoot } from "../../../../scripts/setup.mjs";
import { HalError } from "../../../../src/domain/hal-error.ts";

const addon = { folder: "hal/linux/gpio", file: "postern_gpio.node" } as const;
const built = join(repositoryRoot, addon.folder, "build", addon.file);
const prebuilt = join("prebuilds", `linux-${process.arch}`);

function failureOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof HalError) return `${error.kind}: ${error.message}`;
    throw error;
  }
  return "did not throw";
}

t.test("an addon that was never compiled says where it is wanted, and the command", async (t) => {
  const root = t.testdir({});
  t.match(
    failureOf(() => loadNativeAddon({ ...addon, root })),
    /^not_found: .*gpio\/build\/postern_gpio\.node.*prebuilds\/linux-.*npm run native/,
  );
});

t.test("one that does not load here says so, and is not searched for elsewhere", async (t) => {
  const root = t.testdir({
    hal: { linux: { gpio: { build: { "postern_gpio.node": "of another machine" } } } },
  });
  t.match(
    failureOf(() => loadNativeAddon({ ...addon, root })),
    /^not_supported: .*postern_gpio\.node/,
  );
});

t.test(
  "the one that came with the package serves where none was compiled",
  { skip: !existsSync(built) && `${addon.file} is not compiled here (npm run native)` },
  async (t) => {
    const root = t.testdir({});
    mkdirSync(join(root, prebuilt), { recursive: true });
    copyFileSync(built, join(root, prebuilt, addon.file));
    t.type((loadNativeAddon({ ...addon, root }) as { chip: unknown }).chip, "function");
  },
);

t.test(
  "the addon itself answers for what is no chip, and throws at a wrong call",
  { skip: !existsSync(built) && `${addon.file} is not compiled here (npm run native)` },
  async (t) => {
    const native = loadNativeAddon(addon) as Record<string, (...values: unknown[]) => unknown>;
    const [enotty, enoent] = [-25, -2];
    t.equal(native["chip"]?.("/dev/null"), enotty);
    t.equal(native["line"]?.("/dev/none", 0), enoent);
    t.equal(native["requestInputs"]?.("/dev/null", [0], "test", 0, 0), enotty);
    t.equal(native["requestOutput"]?.("/dev/null", 0, "test", 0, false), enotty);
    const wrong: readonly (readonly [string, ...unknown[]])[] = [
      ["chip"],
      ["chip", "/dev/null\0x"],
      ["chip", "x".repeat(10_000)],
      ["line", "/dev/null", "0"],
      ["requestInputs", "/dev/null", [], "test", 0, 0],
      ["requestInputs", "/dev/null", Array(33).fill(0), "test", 0, 0],
      ["requestInputs", "/dev/null", [0], "x".repeat(32), 0, 0],
      ["requestInputs", "/dev/null", [0], "test", 3, 0],
      ["requestInputs", "/dev/null", { length: 1 }, "test", 0, 0],
      ["requestOutput", "/dev/null", 0, "test", 2, false],
      ["read", {}],
      ["read", process],
      ["drive", Object.create(null), 1],
      ["listen", {}, () => {}],
      ["close", undefined],
    ];
    for (const [name, ...values] of wrong) {
      t.throws(() => native[name]?.(...values), TypeError, name);
    }
  },
);

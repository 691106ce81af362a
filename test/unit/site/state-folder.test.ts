import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { controllerId } from "../../../src/domain/ids.ts";
import { openApiKey } from "../../../src/site/api-key.ts";
import { openSiteKeys } from "../../../src/site/site-keys.ts";
import { openStateFolder, StateError } from "../../../src/site/state-folder.ts";
import { site, temporaryFolder } from "./site-rig.ts";

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

function failureOf(act: () => unknown): string {
  try {
    act();
    return "none";
  } catch (error) {
    return error instanceof StateError ? error.kind : String(error);
  }
}

t.test("keys are for their owner alone, and the same after a restart", async (t) => {
  const path = join(temporaryFolder(t), "state");
  const one = controllerId("one");
  const made = openSiteKeys(openStateFolder(path), site).provisionFor(one);
  t.equal(modeOf(path), "700");
  t.equal(modeOf(join(path, "controllers")), "700");
  const files = ["site-signing-key.pem", "pin.key", "controllers/one.key"];
  for (const file of files) t.equal(modeOf(join(path, file)), "600", file);
  const reopened = openSiteKeys(openStateFolder(path), site);
  t.equal(reopened.knows(one), true);
  t.same(reopened.provisionFor(one), made);
  t.notSame(reopened.provisionFor(controllerId("two")).controllerKey, made.controllerKey);
  t.notSame(made.controllerKey, made.pinKey);
});

t.test("a key that others may read is refused, since it may be out already", async (t) => {
  const path = temporaryFolder(t);
  openSiteKeys(openStateFolder(path), site);
  for (const mode of [0o640, 0o604, 0o620]) {
    chmodSync(join(path, "pin.key"), mode);
    t.equal(
      failureOf(() => openSiteKeys(openStateFolder(path), site)),
      "not_private",
    );
  }
  chmodSync(join(path, "pin.key"), 0o600);
  t.doesNotThrow(() => openSiteKeys(openStateFolder(path), site));
});

t.test("a folder in which others may put files is refused", async (t) => {
  const path = join(temporaryFolder(t), "state");
  mkdirSync(path);
  chmodSync(path, 0o777);
  t.equal(
    failureOf(() => openStateFolder(path)),
    "not_private",
  );
});

t.test("a folder that cannot be made is named with what stands against it", (t) => {
  const file = join(temporaryFolder(t), "file");
  writeFileSync(file, "");
  for (const [path, code] of [
    [file, "EEXIST"],
    [join(file, "below"), "ENOTDIR"],
  ] as const) {
    const message = `${path}: cannot be used as a folder: ${code}`;
    t.throws(() => openStateFolder(path), { name: "StateError", kind: "io", message });
  }
  t.end();
});

t.test("a damaged key is named, and never replaced by a new one", async (t) => {
  const path = temporaryFolder(t);
  openSiteKeys(openStateFolder(path), site);
  for (const name of ["site-signing-key.pem", "pin.key"]) {
    const file = join(path, name);
    const good = readFileSync(file);
    writeFileSync(file, good.subarray(0, 20));
    t.equal(
      failureOf(() => openSiteKeys(openStateFolder(path), site)),
      "damaged",
    );
    t.equal(readFileSync(file).length, 20);
    writeFileSync(file, good);
  }
});

t.test("the API key is one that the Seam client takes, and stays the same", async (t) => {
  const path = temporaryFolder(t);
  const key = openApiKey(openStateFolder(path));
  t.match(key.text, /^seam_[0-9a-f]{64}$/);
  t.equal(modeOf(join(path, "api-key")), "600");
  t.equal(readFileSync(join(path, "api-key"), "utf8").trim(), key.text);
  t.equal(openApiKey(openStateFolder(path)).text, key.text);
  t.equal(key.matches(key.text), true);
  for (const wrong of [
    "",
    "seam_",
    key.text.slice(0, -1),
    `${key.text}0`,
    key.text.toUpperCase(),
  ]) {
    t.equal(key.matches(wrong), false);
  }
});

t.test("an API key too short to be one is refused", async (t) => {
  const path = temporaryFolder(t);
  writeFileSync(join(path, "api-key"), "seam_short\n", { mode: 0o600 });
  t.equal(
    failureOf(() => openApiKey(openStateFolder(path))),
    "damaged",
  );
});

t.test("a file is replaced as a whole and leaves nothing beside it", async (t) => {
  const path = temporaryFolder(t);
  const folder = openStateFolder(path);
  folder.write("tables/one", "first");
  folder.write("tables/one", "second");
  t.equal(Buffer.from(folder.read("tables/one") ?? []).toString(), "second");
  t.same(readdirSync(join(path, "tables")), ["one"]);
  t.equal(Buffer.from(folder.createOnce("tables/one", () => "third")).toString(), "second");
  mkdirSync(join(path, "blocked", "file"), { recursive: true });
  t.equal(
    failureOf(() => folder.write("blocked", "x")),
    "io",
  );
  t.equal(folder.read("absent"), undefined);
});

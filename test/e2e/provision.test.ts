import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import {
  ada,
  type BoardState,
  createStack,
  eventually,
  freePort,
  postern,
  type Stack,
  startPostern,
} from "./stack.ts";

/** With a short name: a socket's path has 107 bytes at most. */
async function temporaryFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "postern-provision-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** What `postern site` runs with, and a state folder of its own for each controller. */
async function startSite(t: Test): Promise<Stack> {
  const stack = await createStack();
  t.teardown(() => stack.remove());
  const site = startPostern(["site"], stack.env);
  t.teardown(() => site.kill("SIGKILL"));
  await eventually("the site answers", async () => {
    const response = await fetch(`${stack.siteUrl}/health`);
    return response.ok || undefined;
  });
  return stack;
}

/** A controller that has nothing but what was brought to its state folder by hand. */
async function startController(
  t: Test,
  site: Stack,
  { stateDir, config }: { readonly stateDir: string; readonly config: string },
) {
  const simPort = await freePort();
  const env = { ...site.env, POSTERN_STATE_DIR: stateDir, POSTERN_SIM_PORT: String(simPort) };
  const controller = startPostern(["controller", "--config", config], env);
  t.teardown(() => controller.kill("SIGKILL"));
  let output = "";
  controller.stderr?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const board = `http://127.0.0.1:${simPort}/sim`;
  const strikeAfterTap = async () => {
    if (controller.exitCode !== null) throw new Error(`the controller ended: ${output}`);
    await fetch(`${board}/readers/front/card`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(ada),
    });
    const { doors } = (await (await fetch(board)).json()) as BoardState;
    return doors["front"]?.strike;
  };
  return {
    strikeAfterTap,
    opens: () =>
      eventually("the front door's strike is released for Ada", async () =>
        (await strikeAfterTap()) === "released" ? "released" : undefined,
      ),
  };
}

t.test("a controller that was brought its keys by hand opens a door", async (t) => {
  const site = await startSite(t);
  const stateDir = await temporaryFolder(t);
  const out = join(stateDir, "provision.json");
  const asked = ["site", "provision", "demo", "--out", out];
  const { code, stdout, stderr } = await postern(asked, { env: site.env });
  t.equal(code, 0, stderr);
  t.match(stdout, /keys of controller demo of site demo \(doors: front, lab\)/);
  t.equal((await stat(out)).mode & 0o777, 0o600);

  const controller = await startController(t, site, { stateDir, config: "config/controller.toml" });
  t.equal(await controller.opens(), "released");

  const before = await readFile(out, "utf8");
  const again = await postern(asked, { env: site.env });
  t.equal(again.code, 1);
  t.equal(again.stderr, `postern: ${out}: is there already, and stays as it is\n`);
  t.equal(await readFile(out, "utf8"), before);
  const printed = await postern([...asked.slice(0, -1), "-"], { env: site.env });
  t.equal(printed.stdout, before, "the same keys each time, and nothing but them");
});

t.test("a controller comes before its doors, and opens them when they are there", async (t) => {
  const site = await startSite(t);
  const folder = await temporaryFolder(t);
  const stateDir = join(folder, "state");
  await mkdir(stateDir);
  await cp("config", join(folder, "config"), { recursive: true });
  const config = join(folder, "config/controller.toml");
  const text = await readFile(config, "utf8");
  await writeFile(config, text.replace('id = "demo"', 'id = "annex"'));
  const asked = ["site", "provision", "annex", "--out", join(stateDir, "provision.json")];
  const keysMade = async () => {
    const files = await readdir(join(site.stateDir, "site/controllers"));
    return files.filter((name) => name.endsWith(".key")).sort();
  };

  const refused = await postern(asked, { env: site.env });
  t.equal(refused.code, 1);
  t.match(refused.stderr, /^postern: annex: no door .*there are: demo\. .*--without-doors\n$/);
  t.same(await keysMade(), ["demo.key"]);
  t.same(await readdir(stateDir), []);
  t.equal((await postern([...asked, "--without-doors"], { env: site.env })).code, 0);
  t.same(await keysMade(), ["annex.key", "demo.key"]);

  const controller = await startController(t, site, { stateDir, config });
  const strike = await eventually("the board answers", controller.strikeAfterTap);
  t.equal(strike, "secured", "nobody has a door there yet");
  const file = join(folder, "config/demo-site.toml");
  const doors = await readFile(file, "utf8");
  await writeFile(file, doors.replaceAll('controller = "demo"', 'controller = "annex"'));
  const applied = await postern(["site", "apply", file], { env: site.env });
  t.equal(applied.code, 0, applied.stderr);
  t.equal(await controller.opens(), "released");
});

t.test("who asks wrongly is told what was expected, and nothing is made", async (t) => {
  const folder = await temporaryFolder(t);
  const env = { POSTERN_STATE_DIR: join(folder, "none") };
  const misnamed = await postern(["site", "provision", "../demo"], { env });
  t.equal(misnamed.code, 2);
  t.match(misnamed.stderr, /Expected 1 to 64 letters, digits, '-' or '_'\./);
  const nowhere = await postern(["site", "provision", "demo"], { env });
  t.equal(nowhere.code, 1);
  t.match(nowhere.stderr, /^postern: .*none: no site has run on this folder/);
  t.notMatch(nowhere.stderr, /\n +at /, "no stack of ours");
  t.same(await readdir(folder), []);
});

import { once } from "node:events";
import { cp, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import t from "tap";
import { ada, createStack, eventually, freePort, postern, startPostern } from "./stack.ts";

const variables = ["POSTERN_HTTP_PORT", "POSTERN_SIM_PORT", "POSTERN_MQTT_PORT"] as const;

t.test("a port that is taken is named by its variable", async (t) => {
  const taken = createServer();
  taken.listen(0, "127.0.0.1");
  await once(taken, "listening");
  t.teardown(() => taken.close());
  const address = taken.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  for (const variable of variables) {
    await t.test(variable, async (t) => {
      const stack = await createStack({ [variable]: String(port) });
      t.teardown(() => stack.remove());
      const { code, stdout, stderr } = await postern(["up"], { env: stack.env });
      t.not(code, 0);
      t.match(stdout + stderr, variable);
      t.match(stdout + stderr, String(port));
    });
  }
});

t.test("a port that is no port is named by its variable", async (t) => {
  const { code, stderr } = await postern(["up"], { env: { POSTERN_HTTP_PORT: "eighty" } });
  t.not(code, 0);
  t.match(stderr, /POSTERN_HTTP_PORT.*1.*65535.*eighty/s);
});

t.test("a second postern on one state folder is refused, and the first goes on", async (t) => {
  const stack = await createStack();
  t.teardown(() => stack.remove());
  await stack.start();
  const pids = await Promise.all([stack.pid("site"), stack.pid("controller")]);
  const second = await postern(["up"], { env: stack.env });
  t.equal(second.code, 1);
  t.match(second.stderr, /another postern/);
  t.same(await Promise.all([stack.pid("site"), stack.pid("controller")]), pids);
  const daemon = await postern(["controller"], { env: stack.env });
  t.equal(daemon.code, 1);
  t.match(daemon.stderr, /another controller/);
  t.notMatch(second.stderr + daemon.stderr, /\n +at /, "no stack of ours");
  await stack.post("/sim/readers/front/card", ada);
  t.equal((await stack.board()).doors["front"]?.strike, "released");
});

t.test("files that do not speak of the same doors are refused with their names", async (t) => {
  const folder = t.testdir({});
  await cp("config", folder, { recursive: true });
  const file = join(folder, "demo-site.toml");
  await writeFile(
    file,
    (await readFile(file, "utf8")).replaceAll('controller = "demo"', 'controller = "other"'),
  );
  const stack = await createStack();
  t.teardown(() => stack.remove());
  const { code, stderr } = await postern(["up", "--config", folder], { env: stack.env });
  t.equal(code, 1);
  t.match(stderr, /controller\.toml: id: .*demo-site\.toml.*other.*demo/);
});

t.test("a broker that is not there is named once, and the doors are served", async (t) => {
  const port = await freePort();
  const stack = await createStack({ POSTERN_MQTT_URL: `mqtt://user:secret@127.0.0.1:${port}` });
  t.teardown(() => stack.remove());
  await stack.start();
  const said = await eventually("both parts say that the broker is away", async () => {
    const lines = stack
      .output()
      .split("\n")
      .filter((line) => line.includes("broker is away"));
    return lines.length >= 2 ? lines : undefined;
  });
  t.equal(said.length, 2, "one line for each part");
  t.notMatch(stack.output(), /secret/);
  await eventually("who started it hears that there is no table", async () =>
    stack.output().includes("no access table yet") ? true : undefined,
  );
});

t.test("after kill -9 of everything's parent, the next start has it all", async (t) => {
  const stack = await createStack();
  t.teardown(() => stack.remove());
  await stack.start();
  await stack.post("/sim/readers/front/card", ada);
  const before = await eventually("the grant is at the site", async () => {
    const events = await stack.events();
    return events.some((event) => event.result === "granted") ? events : undefined;
  });
  await stack.kill("up");
  await stack.start();
  const after = await stack.events();
  t.same(after.slice(0, before.length), before, "nothing lost, nothing changed");
});

t.test("the API key is the owner's alone, and needed", async (t) => {
  const stack = await createStack();
  t.teardown(() => stack.remove());
  await stack.start();
  const mode = (await stat(join(stack.stateDir, "api-key"))).mode & 0o777;
  t.equal(mode, 0o600);
  t.match(await stack.apiKey(), /^seam_/);
  t.notOk(stack.output().includes("246810"), "no PIN in what was printed");
  const refused = await fetch(`${stack.siteUrl}/postern/events`);
  t.equal(refused.status, 401);
});

t.test("a controller opens doors after a restart with no broker at all", async (t) => {
  const stack = await createStack();
  t.teardown(() => stack.remove());
  await stack.start();
  await stack.post("/sim/readers/front/card", ada);
  await eventually("the first grant", async () =>
    (await stack.events()).find((event) => event.result === "granted"),
  );
  await stack.stop();

  const alone = startPostern(["controller", "--config", "config/controller.toml"], stack.env);
  t.teardown(() => alone.kill("SIGKILL"));
  await eventually("the board answers", async () => stack.board());
  await stack.post("/sim/readers/front/card", ada);
  t.match((await stack.board()).doors, {
    front: { strike: "released" },
    lab: { strike: "secured" },
  });
  const { code, stdout } = await postern(["status", "--json"], { env: stack.env });
  t.equal(code, 0);
  t.match(JSON.parse(stdout), { link: "down" });
});

t.test("a technician sees status, events and why", async (t) => {
  const stack = await createStack();
  t.teardown(() => stack.remove());
  await stack.start();
  await stack.post("/sim/readers/front/card", ada);
  const { env } = stack;

  const events = await postern(["events", "--json"], { env });
  t.ok(
    (JSON.parse(events.stdout) as { event: { kind: string } }[]).some(
      ({ event }) => event.kind === "access_granted",
    ),
  );
  const explained = await postern(
    ["explain", "--door", "front", "--card", "H10301:12:2222", "--json"],
    { env },
  );
  t.match(JSON.parse(explained.stdout), { decision: { kind: "denied", reason: "expired" } });
  const human = await postern(["explain", "--door", "front", "--card", "H10301:12:1111"], { env });
  t.match(human.stdout, /no_access/);
  const wrong = await postern(["explain", "--door", "front", "--card", "H10301:12:70000"], { env });
  t.not(wrong.code, 0);
  t.match(wrong.stderr, /number/);
});

t.test("a changed site file opens to the new card within the running controller", async (t) => {
  const stack = await createStack();
  t.teardown(() => stack.remove());
  await stack.start();
  const demo = await readFile("config/demo-site.toml", "utf8");
  const changed = join(stack.stateDir, "changed.toml");
  await writeFile(changed, demo.replaceAll("34567", "34568"));
  const applied = await postern(["site", "apply", changed], { env: stack.env });
  t.equal(applied.code, 0, applied.stderr);
  await eventually("the controller applied it", async () => {
    const events = await stack.events();
    return events.filter((event) => event.kind === "table_applied").length >= 2 ? true : undefined;
  });
  await stack.post("/sim/readers/front/card", ada);
  t.equal((await stack.board()).doors["front"]?.strike, "secured", "the old card is out");
  await stack.post("/sim/readers/front/card", { ...ada, number: 34568 });
  t.equal((await stack.board()).doors["front"]?.strike, "released", "the new card is in");

  const broken = join(stack.stateDir, "broken.toml");
  await writeFile(broken, demo.replace("34567", '"many"'));
  const refused = await postern(["site", "apply", broken], { env: stack.env });
  t.not(refused.code, 0);
  t.match(refused.stderr, /broken\.toml:\d+/);
});

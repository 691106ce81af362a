import { once } from "node:events";
import { readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import t from "tap";
import { ada, createStack, eventually, postern, startPostern } from "./stack.ts";

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

import { readFileSync } from "node:fs";
import t from "tap";
import { Seeded, seedFor } from "../../../../hal/sim/seeded.ts";
import { describeConfigFaults } from "../../../../src/compose/config/config-fault.ts";
import { parseControllerConfig } from "../../../../src/compose/config/controller-config.ts";
import { parseSiteConfig } from "../../../../src/compose/config/site-config.ts";
import { brokenFile } from "../../protocols/toml/broken-files.ts";

const controllerFile = "config/controller.toml";
const siteFile = "config/site.toml";
const controllerToml = readFileSync(controllerFile, "utf8");
const siteToml = readFileSync(siteFile, "utf8");

const controller = (options: { text?: string; env?: Record<string, string>; file?: string } = {}) =>
  parseControllerConfig({ file: controllerFile, text: controllerToml, env: {}, ...options });
const site = (options: { text?: string; env?: Record<string, string> } = {}) =>
  parseSiteConfig({ file: siteFile, text: siteToml, env: {}, ...options });

const faultsOf = (result: ReturnType<typeof controller> | ReturnType<typeof site>): string =>
  result.ok ? "" : describeConfigFaults(result.fault);

t.test("the files of `npm start` fit together", async (t) => {
  t.same(controller(), {
    ok: true,
    value: {
      controller: "demo",
      site: "demo",
      stateDir: ".postern",
      provisionFile: ".postern/provision.json",
      socketFile: ".postern/controller.sock",
      mqttUrl: "mqtt://127.0.0.1:8323",
      board: { kind: "sim", profileFile: "config/boards/sim.toml", port: 8_322 },
      clockRule: "trusted",
      logLevel: "info",
    },
  });
  t.same(site(), {
    ok: true,
    value: {
      stateDir: ".postern",
      siteFile: "config/demo-site.toml",
      httpPort: 8_321,
      broker: { kind: "embedded", port: 8_323 },
      webhooks: { allowPrivate: false },
      logLevel: "info",
    },
  });
});

t.test("webhooks lead inside only where the site's file says so", async (t) => {
  const own = `${siteToml}\n[webhooks]\nallow_private = true\n`;
  t.match(site({ text: own }), { value: { webhooks: { allowPrivate: true } } });
  t.match(site({ text: own.replace("true", '"yes"') }), { ok: false });
});

t.test(
  "what a file leaves out is as `npm start` has it, but a clock is believed only where a time source vouches for it",
  async (t) => {
    const text =
      'id = "demo"\nsite = "demo"\n[board]\nkind = "sim"\nprofile_file = "boards/sim.toml"\n';
    const [least, full] = [controller({ text }), controller()];
    t.ok(least.ok && full.ok);
    if (least.ok && full.ok) t.same(least.value, { ...full.value, clockRule: "ntp" });
    t.same(site({ text: 'site_file = "demo-site.toml"' }), site());
  },
);

t.test("the environment goes before the files", async (t) => {
  const env = { POSTERN_STATE_DIR: "/s", POSTERN_HTTP_PORT: "1", POSTERN_SIM_PORT: "2" };
  t.match(controller({ env }), {
    value: {
      stateDir: "/s",
      provisionFile: "/s/provision.json",
      socketFile: "/s/controller.sock",
      board: { port: 2 },
    },
  });
  t.match(site({ env }), { value: { stateDir: "/s", httpPort: 1 } });
});

t.test("one variable moves the embedded broker for both of its ends", async (t) => {
  const env = { POSTERN_MQTT_PORT: "3" };
  t.match(controller({ env }), { value: { mqttUrl: "mqtt://127.0.0.1:3" } });
  t.match(site({ env }), { value: { broker: { kind: "embedded", port: 3 } } });
  const own = siteToml.replace("port = 8323", 'url = "mqtt://b"');
  t.match(site({ text: own }), { value: { broker: { kind: "external", url: "mqtt://b" } } });
  t.match(site({ text: own, env }), { value: { broker: { kind: "embedded", port: 3 } } });
});

t.test("a broker of one's own goes before the embedded one's port", async (t) => {
  const env = { POSTERN_MQTT_PORT: "3", POSTERN_MQTT_URL: "mqtt://b:4" };
  t.match(controller({ env }), { value: { mqttUrl: "mqtt://b:4" } });
  t.match(site({ env }), { value: { broker: { kind: "external", url: "mqtt://b:4" } } });
});

t.test("each path is taken from where it says", async (t) => {
  const text = controllerToml
    .replace('"boards/sim.toml"', '"/etc/sim.toml"')
    .replace("clock_quality", 'provision_file = "/p"\nsocket_file = "run/c"\nclock_quality');
  t.match(controller({ text }), {
    value: {
      provisionFile: "/p",
      socketFile: ".postern/run/c",
      board: { profileFile: "/etc/sim.toml" },
    },
  });
  t.match(controller({ file: "/etc/postern/c.toml" }), {
    value: { board: { profileFile: "/etc/postern/boards/sim.toml" }, stateDir: ".postern" },
  });
});

t.test("what is wrong in the file and in the environment is told in one go", async (t) => {
  const text = controllerToml.replace("kind", "knid").replace("8322", '"8322"');
  const env = { POSTERN_SIM_PORT: "x" };
  t.equal(
    faultsOf(controller({ text, env })),
    [
      "POSTERN_SIM_PORT: expected a port 1-65535, or 0 for any free one, found 'x'",
      'config/controller.toml:10: board.kind: expected one of "sim", "linux", found nothing',
      "config/controller.toml:11: board.knid: expected one of the keys kind, profile_file, driver, " +
        'accept_weak_wiegand, port (did you mean "kind"?), found the key "knid"',
      'config/controller.toml:13: board.port: expected a whole number from 0 to 65535, found "8322"',
    ].join("\n"),
  );
});

t.test("a board of real lines has a driver, and no port", async (t) => {
  const board = (keys: string) =>
    controller({ text: controllerToml.replace('kind = "sim"', keys).replace("port = 8322\n", "") });
  t.match(board('kind = "linux"'), {
    value: {
      board: {
        kind: "linux",
        profileFile: "config/boards/sim.toml",
        driver: "character_device",
        acceptWeakWiegand: false,
        port: undefined,
      },
    },
  });
  t.match(board('kind = "linux"\ndriver = "sysfs"\naccept_weak_wiegand = true'), {
    value: { board: { driver: "sysfs", acceptWeakWiegand: true } },
  });
  t.match(
    faultsOf(board('kind = "linux"\ndriver = "gpiod"')),
    'board.driver: expected one of "character_device", "sysfs", found "gpiod"',
  );
  t.match(faultsOf(board('kind = "linux"\naccept_weak_wiegand = "yes"')), "true or false");
});

t.test("a broker's password in a file is in no message", async (t) => {
  const text = controllerToml.replace("mqtt://127.0.0.1:8323", "http://me:secret@b");
  t.match(faultsOf(controller({ text })), "mqtt.url: expected a broker such as");
  t.notMatch(faultsOf(controller({ text })), "secret");
});

t.test("however these files are broken, each fault has its line and nothing throws", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  for (let run = 0; run < 2_000; run += 1) {
    const isSite = run % 2 === 0;
    const text = brokenFile(isSite ? siteToml : controllerToml, random);
    const result = isSite ? site({ text }) : controller({ text });
    const lineCount = text.split("\n").length;
    for (const fault of result.ok ? [] : result.fault) {
      const isPlaced = "line" in fault && fault.line >= 1 && fault.line <= lineCount;
      if (!isPlaced) t.fail(`SEED=${seed} run ${run}: ${describeConfigFaults([fault])}\n${text}`);
    }
  }
});

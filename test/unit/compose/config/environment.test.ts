import t from "tap";
import { describeConfigFaults } from "../../../../src/compose/config/config-fault.ts";
import { type Environment, readOverrides } from "../../../../src/compose/config/environment.ts";

function faultsOf(env: Environment): string {
  const result = readOverrides(env);
  return result.ok ? "" : describeConfigFaults(result.fault);
}

t.test("what the environment does not say, it does not override", async (t) => {
  t.same(readOverrides({}), { ok: true, value: {} });
  t.same(readOverrides({ POSTERN_HTTP_PORT: "", POSTERN_STATE_DIR: "", HOME: "/" }), {
    ok: true,
    value: {},
  });
});

t.test("each variable has its place", async (t) => {
  t.same(
    readOverrides({
      POSTERN_STATE_DIR: "/var/lib/postern",
      POSTERN_HTTP_PORT: "1",
      POSTERN_SIM_PORT: "0",
      POSTERN_MQTT_PORT: "65535",
      POSTERN_MQTT_URL: "mqtts://user:word@broker.example:8883",
    }),
    {
      ok: true,
      value: {
        stateDir: "/var/lib/postern",
        httpPort: 1,
        simPort: 0,
        mqttPort: 65_535,
        mqttUrl: "mqtts://user:word@broker.example:8883",
      },
    },
  );
});

t.test("a port that is none is told by its variable", async (t) => {
  for (const text of ["eighty", "65536", "-1", "80.5", "0x50", " 80", "1e3", "080000"]) {
    t.equal(
      faultsOf({ POSTERN_HTTP_PORT: text }),
      `POSTERN_HTTP_PORT: expected a port 1-65535, or 0 for any free one, found '${text}'`,
    );
  }
  t.equal(
    faultsOf({ POSTERN_MQTT_PORT: "0" }),
    "POSTERN_MQTT_PORT: expected a port 1-65535 (the controller has to know it, so not 0), found '0'",
  );
});

t.test("all wrong variables are told at once", async (t) => {
  const faults = faultsOf({ POSTERN_SIM_PORT: "a", POSTERN_HTTP_PORT: "b", POSTERN_MQTT_URL: "c" });
  t.match(faults, /^POSTERN_HTTP_PORT: .*\nPOSTERN_SIM_PORT: .*\nPOSTERN_MQTT_URL: .*$/);
});

t.test("a broker is where MQTT is spoken, and its password is not repeated", async (t) => {
  for (const url of [
    "mqtt://127.0.0.1:1883",
    "mqtts://b.example",
    "mqtt://[::1]:1883/",
    "mqtt://u:p%40@[::1]:1",
  ]) {
    t.equal(faultsOf({ POSTERN_MQTT_URL: url }), "", url);
  }
  for (const url of [
    "127.0.0.1:1883",
    "http://127.0.0.1",
    "mqtt://",
    "mqtt://h:0",
    "mqtt://h:99999",
    "mqtt://h/x",
    "mqtt://h?x=1",
    "http://me:secret@h",
    "mqtt://me:secret@h:99999",
    "mqtt:me:secret@h",
    "mqtt://me%zz:secret@h",
    "mqtt://me:secret%@h",
    "mqtt://me%4:0secret@h",
    "mqtt://me%C3:%A9secret@h",
  ]) {
    t.match(
      faultsOf({ POSTERN_MQTT_URL: url }),
      "POSTERN_MQTT_URL: expected a broker such as",
      url,
    );
    t.notMatch(faultsOf({ POSTERN_MQTT_URL: url }), "secret", url);
  }
});

t.test("nothing from the environment moves the cursor of a terminal", async (t) => {
  t.notMatch(
    faultsOf({ POSTERN_HTTP_PORT: "\u001b[2J", POSTERN_STATE_DIR: "a\nb" }),
    /(?!\n)\p{Cc}|a\nb/u,
  );
});

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { LocalPresentation } from "../../src/protocols/local/local-reports.ts";
import {
  ada,
  adaPin,
  createStack,
  eventually,
  postern,
  type Stack,
  startPostern,
  stranger,
} from "./stack.ts";

interface Line {
  readonly line: string;
  readonly meaning: string;
}

interface Check {
  readonly check: string;
  readonly verdict: string;
}

/** Not that of a package which may be installed here. */
const ownConfig = ["--config", "config/controller.toml"];

/** What a command that goes on prints as JSON, line by line, until it is stopped. */
function follow(t: Test, stack: Stack, args: readonly string[]) {
  const child = startPostern([...args, "--json"], stack.env);
  t.teardown(() => child.kill("SIGKILL"));
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  return {
    items: <Item>() =>
      output
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Item),
    stop: async () => {
      const gone = once(child, "close");
      child.kill("SIGINT");
      await gone;
    },
  };
}

async function atTheBox(t: Test, stack: Stack): Promise<void> {
  const { env } = stack;

  await t.test("io shows the board's lines once, and changes as they come", async (t) => {
    const once = await postern(["io", "--once", "--json"], { env });
    t.equal(once.code, 0, once.stderr);
    const lines = JSON.parse(once.stdout) as readonly Line[];
    t.match(
      lines.find(({ line }) => line === "relay1"),
      { use: "strike of door front", direction: "output", level: 0, meaning: "secured" },
    );
    const live = follow(t, stack, ["io"]);
    const meanings = (name: string) =>
      live.items<Line>().flatMap(({ line, meaning }) => (line === name ? [meaning] : []));
    await eventually("every line is shown", async () => meanings("relay1").length > 0 || undefined);
    await stack.post("/sim/doors/front/contact", { leaf: "open" });
    await eventually("the leaf is seen open", async () =>
      meanings("contact1").at(-1) === "open" ? true : undefined,
    );
    await stack.post("/sim/doors/front/contact", { leaf: "closed" });
    await eventually("the leaf is seen closed", async () =>
      meanings("contact1").at(-1) === "closed" ? true : undefined,
    );
    await live.stop();
  });

  await t.test(
    "reader watch shows a card's frame, and its bits where they were asked for",
    async (t) => {
      for (const flags of [[], ["--bits"]]) {
        const live = follow(t, stack, ["reader", "watch", "front", ...flags]);
        await eventually("the journal says that somebody watches", async () => {
          const events = await stack.events("?limit=20");
          const bits = flags.length === 0 ? "masked" : "shown";
          return events.some(
            ({ kind, event }) =>
              kind === "reader_watched" && "bits" in event && event.bits === bits,
          )
            ? true
            : undefined;
        });
        await stack.post("/sim/readers/front/card", ada);
        await eventually("the frame is shown", async () => live.items().length > 0 || undefined);
        const [seen] = live.items<Partial<LocalPresentation>>();
        t.match(seen, { kind: "card", verdict: "ok", format: "H10301", bitCount: 26 });
        t.equal(seen?.spacingsUs?.length, 25);
        t.equal(seen?.bits?.length, flags.length > 0 ? 26 : undefined);
        await live.stop();
      }
    },
  );

  await t.test("pulse releases the strike, until a lockdown ends and refuses that", async (t) => {
    await eventually("front is secured", async () =>
      (await stack.board()).doors["front"]?.strike === "secured" ? true : undefined,
    );
    const pulsed = await postern(["pulse", "front", "--ms", "10000"], { env });
    t.equal(pulsed.code, 0, pulsed.stderr);
    t.equal((await stack.board()).doors["front"]?.strike, "released");
    await eventually("the site hears of it", async () =>
      (await stack.events("?limit=20")).find(({ kind }) => kind === "strike_pulsed"),
    );
    await postern(["door", "front", "lockdown"], { env });
    t.equal((await stack.board()).doors["front"]?.strike, "secured", "at once");
    const refused = await postern(["pulse", "front"], { env });
    t.equal(refused.code, 1);
    t.match(refused.stderr, /^postern: door front: it is in lockdown/);
    t.equal((await stack.board()).doors["front"]?.strike, "secured");
    await postern(["door", "front", "clear"], { env });
    const nowhere = await postern(["pulse", "cellar"], { env });
    t.match(nowhere, { code: 2, stderr: /^postern: door: expected one of front, lab\n$/ });
  });

  await t.test("led lights a reader, until somebody comes to it", async (t) => {
    const led = async () => (await stack.board()).readers["lab"]?.led;
    t.equal(await led(), "red");
    const lit = await postern(["led", "lab", "amber", "--seconds", "120"], { env });
    t.equal(lit.code, 0, lit.stderr);
    t.equal(await led(), "amber");
    await stack.post("/sim/readers/lab/card", stranger);
    await eventually("red is back", async () => ((await led()) === "red" ? true : undefined));
    const blue = await postern(["led", "lab", "blue"], { env });
    t.match(blue, { code: 2, stderr: /light: expected one of amber, green, red, off, boot/ });
  });

  await t.test("doctor is content with a demonstration that runs", async (t) => {
    const { code, stdout } = await postern(["doctor", "--json", ...ownConfig], { env });
    const checks = JSON.parse(stdout) as readonly Check[];
    t.equal(code, 0, stdout);
    for (const check of ["controller", "site key", "broker", "disk writing"]) {
      t.equal(checks.find((one) => one.check === check)?.verdict, "ok", check);
    }
  });
}

const brokerPassword = "Zugbruecke-4711";
const remark = "remember-the-alarm-code-8842";
const wrongPin = "975318";
const passNamedAfterCard = "card-12-34567";

/** Every file of a bundle, one after the other. */
function unpack(t: Test, file: string): string {
  const folder = mkdtempSync(join(tmpdir(), "postern-bundle-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync("tar", ["xzf", file, "-C", folder]);
  const inside = join(folder, "postern-support");
  return readdirSync(inside)
    .map((name) => `== ${name}\n${readFileSync(join(inside, name), "utf8")}`)
    .join("\n");
}

/** Everything that must never leave this machine, by what it is. */
async function secretsOf(stack: Stack): Promise<ReadonlyMap<string, string>> {
  const inState = (name: string) => readFileSync(join(stack.stateDir, name), "utf8").trim();
  const provision = JSON.parse(inState("provision.json")) as Record<string, string>;
  const pemBody = inState("site/site-signing-key.pem").split("\n")[1] ?? "";
  return new Map([
    ["the controller's key", provision["controller_key"] ?? ""],
    ["the key of PINs", provision["pin_key"] ?? ""],
    ["the site's signing key", pemBody],
    ["the API key", await stack.apiKey()],
    ["the broker's password", brokerPassword],
    ["Ada's PIN", "246810"],
    ["a wrong PIN", wrongPin],
    ["a remark in the configuration", remark],
    ["a pass that is named after its card", passNamedAfterCard],
    ["a person's name", "Lovelace"],
  ]);
}

/** As text, and as somebody may have written its bytes elsewhere. */
function spellings(secret: string): readonly string[] {
  const bytes = [Buffer.from(secret)];
  if (/^[A-Za-z0-9_-]{43}$/.test(secret)) bytes.push(Buffer.from(secret, "base64url"));
  const encodings = ["hex", "base64", "base64url"] as const;
  return [secret, ...bytes.flatMap((raw) => encodings.map((encoding) => raw.toString(encoding)))];
}

async function bundles(t: Test, stack: Stack): Promise<void> {
  const { env, stateDir } = stack;
  const site = readFileSync("config/demo-site.toml", "utf8");
  const siteFile = join(stateDir, "site-to-apply.toml");
  writeFileSync(siteFile, site.replaceAll("ada-card", passNamedAfterCard));
  const applied = await postern(["site", "apply", siteFile], { env });
  t.equal(applied.code, 0, applied.stderr);
  rmSync(siteFile);
  const granted = () => stack.events("?limit=50");
  await eventually("Ada's card opens by its new name", async () => {
    await stack.post("/sim/readers/front/card", ada);
    return (await granted()).find(({ pass }) => pass === passNamedAfterCard);
  });
  await stack.post("/sim/readers/front/keys", { keys: `${adaPin}#` });
  await stack.post("/sim/readers/front/keys", { keys: `${wrongPin}#` });
  await eventually("both PINs were judged", async () =>
    (await granted()).filter(({ pass, kind }) => pass === "ada-pin" || kind === "access_denied")
      .length >= 2
      ? true
      : undefined,
  );

  const secrets = await secretsOf(stack);
  // What nobody collects on purpose may still be collected: here as the name of a file.
  const key = secrets.get("the controller's key") ?? "";
  writeFileSync(join(stateDir, `copy-of-${key}`), "");
  const configFile = join(stateDir, "controller.toml");
  const url = `mqtt://postern:${brokerPassword}@127.0.0.1:${env["POSTERN_MQTT_PORT"]}`;
  const config = readFileSync("config/controller.toml", "utf8")
    .replace("boards/sim.toml", join(process.cwd(), "config/boards/sim.toml"))
    .replace(/url = .*/, `url = "${url}" # ${remark}`);
  writeFileSync(configFile, config, { mode: 0o600 });
  const { POSTERN_MQTT_PORT: _, ...ownUrl } = env;

  const checkBundle = async (t: Test, name: string, expected: readonly RegExp[]) => {
    const file = join(stateDir, name);
    const args = ["support-bundle", file, "--config", configFile];
    const { code, stderr } = await postern(args, { env: ownUrl });
    t.equal(code, 0, stderr);
    t.equal(statSync(file).mode & 0o777, 0o600, "for its owner alone");
    const text = unpack(t, file);
    for (const one of expected) t.match(text, one);
    for (const [what, secret] of secrets) {
      t.ok(secret.length >= 6, `${what} was planted`);
      for (const spelled of spellings(secret)) t.notOk(text.includes(spelled), what);
    }
    t.notMatch(text, /(?<![0-9a-f])34567(?![0-9a-f])/, "the card's number");
    t.match(text, "copy-of-[removed]", "and what crept in was taken out");
    rmSync(file);
  };

  await t.test("a bundle tells of the controller that runs, and no secret", async (t) => {
    await checkBundle(t, "running.tar.gz", [
      /== versions\.json\n[^=]*"postern": "\d/,
      /"kind": "access_granted"[^}]*"pass": "pass-\d+"/,
      /"kind": "access_denied"/,
      /"posture": "locked"/,
      /== doctor\.txt\n(ok|warn|FAIL) /,
      /"mqttUrl": "mqtt:\/\/127\.0\.0\.1:\d+\/?"/,
      /"line": "relay1"/,
      /"name": "journal\.sqlite3"/,
    ]);
  });

  await t.test("a bundle that is there already stays as it is", async (t) => {
    const file = join(stateDir, "there.tar.gz");
    writeFileSync(file, "mine");
    const { code, stderr } = await postern(["support-bundle", file, ...ownConfig], { env });
    t.equal(code, 1);
    t.equal(stderr, `postern: ${file}: cannot be written (EEXIST)\n`);
    t.equal(readFileSync(file, "utf8"), "mine");
  });

  await stack.stop();
  await t.test("a bundle is made without a controller, and says that none answers", async (t) => {
    await checkBundle(t, "stopped.tar.gz", [/== status\.json\n[^=]*No controller answers/]);
  });

  await t.test("a configuration that cannot be read keeps its password, too", async (t) => {
    writeFileSync(configFile, config.replace('kind = "sim"', 'kind = "wooden"'));
    await checkBundleOfBroken(t);
    writeFileSync(configFile, config.replace("mqtt://", "smtp://"));
    await checkBundleOfBroken(t);
  });

  async function checkBundleOfBroken(t: Test): Promise<void> {
    const file = join(stateDir, "broken.tar.gz");
    const args = ["support-bundle", file, "--config", configFile];
    t.equal((await postern(args, { env: ownUrl })).code, 0);
    const text = unpack(t, file);
    t.match(text, /FAIL {2}configuration/);
    for (const secret of [brokerPassword, remark]) t.notOk(text.includes(secret));
    rmSync(file);
  }
}

t.test("a technician with a laptop at the box", { timeout: 240_000 }, async (t) => {
  const stack = await createStack();
  t.teardown(() => stack.remove());
  await stack.start();
  await atTheBox(t, stack);
  await t.test("what somebody far away is sent", (t) => bundles(t, stack));
  await t.test("doctor works where nothing runs", async (t) => {
    const { code, stdout } = await postern(["doctor", ...ownConfig], { env: stack.env });
    t.equal(code, 0, stdout);
    t.match(stdout, /^warn {2}controller .*does not run/m);
  });
});

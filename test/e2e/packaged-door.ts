import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Test } from "tap";
import type { DebianRoot } from "./debian-root.ts";
import { bringKeys, configureServices, provision, putSiteFile, said } from "./installed-package.ts";
import { ada, type BoardState, eventually, freePort } from "./stack.ts";

export interface DoorPorts {
  readonly env: Readonly<Record<string, string>>;
  /** Presents a card that the demonstration knows until the door answers; throws after `patienceMs`. */
  opens(): Promise<"released">;
  readonly patienceMs: number;
}

/** As systemd does; resolves with the exit code. */
export async function stop(child: ChildProcess): Promise<number | null> {
  const gone = once(child, "close");
  child.kill("SIGTERM");
  const [code] = (await gone) as [number | null];
  return code;
}

/** For the services of a root that has no network of its own. */
export async function openPorts({ patienceMs = 30_000 } = {}): Promise<DoorPorts> {
  const [http, sim, mqtt] = [await freePort(), await freePort(), await freePort()];
  const board = `http://127.0.0.1:${sim}/sim`;
  const tap = async () => {
    const response = await fetch(`${board}/readers/front/card`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(ada),
    });
    return response.ok;
  };
  return {
    env: {
      POSTERN_HTTP_PORT: String(http),
      POSTERN_SIM_PORT: String(sim),
      POSTERN_MQTT_PORT: String(mqtt),
    },
    patienceMs,
    opens: async () => {
      const isOpen = async () => {
        await tap();
        const { doors } = (await (await fetch(board)).json()) as BoardState;
        return doors["front"]?.strike === "released" ? "released" : undefined;
      };
      return eventually("the front door's strike is released for Ada", isOpen, patienceMs);
    },
  };
}

/**
 * A site as its own user, which makes the keys of a controller and lets nobody else do so; and the controller,
 * as its user, which opens a door with them. Both have ended when it resolves.
 */
export async function serveDoor(
  t: Test,
  root: DebianRoot,
  { env, opens, patienceMs }: DoorPorts,
): Promise<void> {
  t.match(await said(root, ...provision), /postern-site: no site has run on this folder/);
  await putSiteFile(t, root);
  const site = await root.start(["postern", "site"], { env, user: "postern-site" });
  t.teardown(() => site.kill("SIGKILL"));
  const tables = () => root.run(["postern", "site", "tables"], { env, user: "postern-site" });
  const untilSiteSays = (what: RegExp) =>
    eventually(
      `the site says ${what}`,
      async () => what.test((await tables()).output) || undefined,
      patienceMs,
    );
  t.ok(await untilSiteSays(/^door-1 /m));

  t.match(await said(root, ...provision), /this is user 0.* sudo -u '#\d+'/);
  const other = await root.run(provision, { env, user: "postern" });
  t.match(other, { code: 1, output: /EACCES.* run this as the user that the site runs as/ });
  await bringKeys(t, root);
  configureServices(root);
  const controller = await root.start(["postern", "controller"], { env, user: "postern" });
  t.teardown(() => controller.kill("SIGKILL"));
  t.equal(await opens(), "released");
  t.ok(await untilSiteSays(/^door-1 +online +complete/m), "and the site knows");
  t.equal(await stop(site), 0);
  t.equal(await stop(controller), 0);
}

import { join } from "node:path";
import type { Test } from "tap";
import type { Terminal } from "../../../src/cli/terminal.ts";
import { openSiteClient } from "../../../src/compose/site-client.ts";
import { type ApiRig, startSiteApi } from "../site/api/api-rig.ts";

/** A terminal whose both sides are kept. */
export function twoSided() {
  const text = { out: "", err: "" };
  const terminal: Terminal = {
    out: (more) => {
      text.out += more;
    },
    err: (more) => {
      text.err += more;
    },
  };
  return { terminal, text };
}

export type IssuingRig = Awaited<ReturnType<typeof startIssuing>>;

/** A site with its API on a real socket, and the command line's client of it. */
export async function startIssuing(t: Test) {
  const rig = await startSiteApi(t);
  await rig.changeRows(async (rows) => {
    await rows
      .insertInto("rules")
      .values(
        ["staff", "night"].map((id) => ({
          id,
          uuid: crypto.randomUUID(),
          origin: "api" as const,
          kind: "grant" as const,
          name: id === "staff" ? "Staff" : "Night shift",
          doors: '["front"]',
          zones: "[]",
          schedule: null,
          grantedDoor: null,
          createdAt: 1,
        })),
      )
      .execute();
    const zone = { key: "zone", value: "Europe/Berlin" };
    await rows
      .insertInto("facts")
      .values(zone)
      .onConflict((known) => known.column("key").doUpdateSet(zone))
      .execute();
  });
  return { ...rig, client: clientOf(rig), ...twoSided() };
}

export function clientOf({ folder, url }: Pick<ApiRig, "folder" | "url">) {
  return openSiteClient({
    configFile: join(import.meta.dirname, "../../../config/site.toml"),
    env: { POSTERN_STATE_DIR: folder, POSTERN_HTTP_PORT: new URL(url).port },
  });
}

export const userRows = ({ store }: Pick<ApiRig, "store">) =>
  store.rows.selectFrom("users").selectAll().orderBy("id").execute();
export const passRows = ({ store }: Pick<ApiRig, "store">) =>
  store.rows.selectFrom("passes").selectAll().orderBy("userId").orderBy("raw").execute();

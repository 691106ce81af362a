import { createPublicKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { keepPhone } from "../../src/cli/phone-file.ts";
import { parsePhone, siteKeyText } from "../../src/protocols/mobile-pass/phone-state.ts";
import { eventually } from "../e2e/stack.ts";
import { beginPhoneEnrolment, type SiteCall } from "./phone-enrolment.ts";
import { frontReader } from "./rig-world.ts";

/**
 * Has Ada's phone taken up at the simulated board's front reader, and keeps what the phone then has: so a
 * scenario has a phone that the door knows, without a site.
 */
export async function enrolAda(world: {
  readonly state: string;
  readonly siteUrl: string;
  readonly boardUrl: string;
  readonly phonesFile: string;
}): Promise<void> {
  const { state, siteUrl, boardUrl, phonesFile } = world;
  const apiKey = (await readFile(join(state, "api-key"), "utf8")).trim();
  const site: SiteCall = (method, path, body) =>
    jsonOf(`${siteUrl}${path}`, { method, apiKey, body });
  const siteKey = siteKeyText(createPublicKey(await readFile(join(state, "site/mobile.key"))));
  const acs_credential_id = await beginPhoneEnrolment(site);
  await eventually("the reader takes the phone up", async () => {
    const { outcome } = (await jsonOf(`${boardUrl}/sim/readers/${frontReader}/phone`, {
      method: "POST",
      body: { phone: "ada", action: "enrol", site_key: siteKey },
    })) as { readonly outcome: string };
    return outcome === "enrolled" ? true : undefined;
  });
  // Not presented: a scenario counts what is in the journal.
  await eventually("the doors know the phone", async () => {
    const { acs_credential: pass } = (await site("POST", "/acs/credentials/get", {
      acs_credential_id,
    })) as {
      readonly acs_credential: {
        readonly is_issued: boolean;
        readonly is_latest_desired_state_synced_with_provider: boolean;
      };
    };
    const isThere = pass.is_issued && pass.is_latest_desired_state_synced_with_provider;
    return isThere ? true : undefined;
  });
  const text = JSON.stringify(await jsonOf(`${boardUrl}/sim/phones/ada`, { method: "GET" }));
  const phone = parsePhone(text);
  if (!phone.ok) throw new Error(`the board's phone: ${phone.fault.field}`);
  keepPhone(phonesFile, "ada", phone.value);
}

async function jsonOf(
  url: string,
  request: { readonly method: string; readonly apiKey?: string; readonly body?: unknown },
): Promise<unknown> {
  const { method, apiKey, body } = request;
  const response = await fetch(url, {
    method,
    headers: {
      "content-type": "application/json",
      ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return JSON.parse(text) as unknown;
}

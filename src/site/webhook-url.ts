import { isIP } from "node:net";
import { fail, type Result, succeed } from "../domain/result.ts";
import { isPublicAddress } from "./public-address.ts";

const urlCharsMax = 2_000;

/** Where webhooks may lead. */
export interface WebhookReach {
  /** To this machine, the building's own network, and without TLS, too. */
  readonly allowPrivate: boolean;
}

/** The address in a URL's host, as connections take it; undefined for a name. */
export function addressInUrl({ hostname }: URL): string | undefined {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return isIP(host) === 0 ? undefined : host;
}

/**
 * A URL that notices may be posted to, with what was expected otherwise. What its name leads to is
 * seen when it is connected to, each time.
 */
export function parseWebhookUrl(text: string, { allowPrivate }: WebhookReach): Result<URL, string> {
  const protocols = allowPrivate ? ["https:", "http:"] : ["https:"];
  const expected = `an ${allowPrivate ? "http or https" : "https"} URL of at most ${urlCharsMax} characters`;
  if (text.length > urlCharsMax || !URL.canParse(text)) return fail(expected);
  const url = new URL(text);
  if (!protocols.includes(url.protocol)) return fail(expected);
  if (url.username !== "" || url.password !== "") {
    return fail("a URL without a user's name and password");
  }
  if (url.hash !== "") return fail("a URL without a fragment");
  const address = addressInUrl(url);
  if (address !== undefined && !allowPrivate && !isPublicAddress(address)) {
    return fail("a URL that leads to a public address");
  }
  return succeed(url);
}

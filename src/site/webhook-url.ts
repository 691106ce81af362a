import { fail, type Result, succeed } from "../domain/result.ts";

const urlCharsMax = 2_000;

/** Where webhooks may lead. */
export interface WebhookReach {
  /** To this machine, the building's own network, and without TLS, too. */
  readonly allowPrivate: boolean;
  /** Whether this address, in text, is one that everybody in the internet may reach. */
  readonly isPublicAddress: (address: string) => boolean;
}

/** The address in a URL's host; undefined for a name. URLs write each address in one way alone. */
function addressInUrl({ hostname }: URL): string | undefined {
  const [, six] = /^\[(.*)\]$/.exec(hostname) ?? [];
  return six ?? (/^\d+(\.\d+){3}$/.test(hostname) ? hostname : undefined);
}

/**
 * A URL that notices may be posted to, with what was expected otherwise. What its name leads to is
 * seen when it is connected to, each time.
 */
export function parseWebhookUrl(
  text: string,
  { allowPrivate, isPublicAddress }: WebhookReach,
): Result<URL, string> {
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

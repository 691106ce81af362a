import { type LookupAddress, lookup as lookUpName } from "node:dns";
import { type ClientRequest, type IncomingMessage, request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import type { LookupFunction } from "node:net";
import type { Alarm, Clock } from "../../hal/clock.ts";
import { failureCode } from "../domain/failure-code.ts";
import { monotonicMs } from "../domain/time.ts";
import type { PostWebhook, WebhookAnswer, WebhookRequest } from "../site/webhook-post.ts";
import { parseWebhookUrl, type WebhookReach } from "../site/webhook-url.ts";
import { isPublicAddress } from "./public-address.ts";

/** From the name's being looked up to the end of the answer. */
export const attemptMsMax = 10_000;
/** Of an answer that nobody reads: whoever answers more has their connection cut. */
export const answerBytesMax = 64 * 1_024;

type LookUpAll = (
  name: string,
  then: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

export interface WebhookClientParts extends Pick<WebhookReach, "allowPrivate"> {
  readonly clock: Pick<Clock, "monotonic" | "alarm">;
  /** Instead of the system's resolver: a test's. */
  readonly lookUpAll?: LookUpAll;
}

const notAllowed = "address_not_allowed";

/** Over node's own client, which follows no redirect. A connection serves one attempt. */
export function createWebhookClient(parts: WebhookClientParts): PostWebhook {
  const lookup = lookupWithin(parts, parts.lookUpAll ?? lookUpEvery);
  return (request) => {
    // Again: what is allowed may be less than when the webhook was made.
    const url = parseWebhookUrl(request.url, { ...parts, isPublicAddress });
    if (!url.ok) return Promise.resolve({ kind: "failed", why: notAllowed });
    return new Promise((resolve) => {
      post(url.value, request, { clock: parts.clock, lookup, resolve });
    });
  };
}

const lookUpEvery: LookUpAll = (name, then) => lookUpName(name, { all: true }, then);

/**
 * What the name leads to at the moment of connecting, without what is not allowed: looked up earlier,
 * it could lead elsewhere by then.
 */
function lookupWithin(
  { allowPrivate }: Pick<WebhookReach, "allowPrivate">,
  lookUpAll: LookUpAll,
): LookupFunction {
  return (name, options, then) => {
    lookUpAll(name, (error, found) => {
      if (error !== null) return then(error, "", 0);
      const allowed = found.filter(({ address }) => allowPrivate || isPublicAddress(address));
      const [first] = allowed;
      if (first === undefined) {
        return then(Object.assign(new Error(notAllowed), { code: notAllowed }), "", 0);
      }
      if (options.all === true) return then(null, [...allowed]);
      return then(null, first.address, first.family);
    });
  };
}

function post(
  url: URL,
  { headers, body, signal }: WebhookRequest,
  {
    clock,
    lookup,
    resolve,
  }: Pick<WebhookClientParts, "clock"> & {
    readonly lookup: LookupFunction;
    readonly resolve: (answer: WebhookAnswer) => void;
  },
): void {
  const open = url.protocol === "https:" ? requestSecure : requestPlain;
  const sent: ClientRequest = open(url, {
    method: "POST",
    headers: { ...headers, "content-length": Buffer.byteLength(body), "user-agent": "Postern" },
    agent: false,
    lookup,
  });
  let status: number | undefined;
  let isOver = false;
  const finish = (why: string): void => {
    if (isOver) return;
    isOver = true;
    limit?.cancel();
    signal.removeEventListener("abort", stop);
    sent.destroy();
    // An answer counts once its status is here, whatever becomes of the rest.
    resolve(status === undefined ? { kind: "failed", why } : { kind: "answered", status });
  };
  const stop = () => finish("stopped");
  let limit: Alarm | undefined;
  sent.on("error", (error) => finish(failureCode(error)));
  sent.on("close", () => finish("disconnected"));
  sent.on("response", (response: IncomingMessage) => {
    status = response.statusCode;
    let bytes = 0;
    response.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes > answerBytesMax) finish("");
    });
    response.on("end", () => finish(""));
    response.on("error", () => finish(""));
  });
  if (signal.aborted) return stop();
  signal.addEventListener("abort", stop);
  limit = clock.alarm(monotonicMs(clock.monotonic() + attemptMsMax), () => finish("timed_out"));
  sent.end(body);
}

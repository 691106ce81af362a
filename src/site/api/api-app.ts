import { randomUUID } from "node:crypto";
import type { Clock } from "../../../hal/clock.ts";
import { fail, type Result, succeed } from "../../domain/result.ts";
import type { SiteLog } from "../site-log.ts";
import { StoreError } from "../store/store-error.ts";
import { type ApiRole, apiRoles } from "../store/store-schema.ts";
import { answerFault, answerJson } from "./api-answer.ts";
import { type ApiFault, inputFault } from "./api-fault.ts";
import type { ApiCaller, ApiKeyCheck } from "./api-key-check.ts";
import { inputFromQuery } from "./query-input.ts";
import { keyRateLimit, type RateLimit, RateLimiter, wrongKeyRateLimit } from "./rate-limit.ts";
import { jsonBytesMax, readText } from "./request-body.ts";
import type { ApiCall, JsonRoute, Route, RouteMethod } from "./route.ts";
import { parseStrictJson } from "./strict-json.ts";

export interface ApiAppOptions {
  readonly routes: readonly Route[];
  /** What anybody may read, without a key: `/health`, the API's description. */
  readonly open: Readonly<Record<string, () => object | Promise<object>>>;
  readonly keys: ApiKeyCheck;
  readonly clock: Pick<Clock, "monotonic" | "wall">;
  readonly log: SiteLog;
  /** Instead of the usual ones: a test's. */
  readonly limits?: { readonly key: RateLimit; readonly wrongKey: RateLimit };
}

/** The HTTP API without a socket. */
export interface ApiApp {
  /** `address`: the client's, as far as the socket knows it. Answers whatever is asked. */
  answer(request: Request, address: string): Promise<Response>;
}

/** What somebody says of why, for the audit log: UTF-8, at most so many characters. */
const reasonHeader = "postern-reason";
const reasonCharsMax = 200;

export function createApiApp(options: ApiAppOptions): ApiApp {
  const app = new RoutedApp(options);
  return {
    answer: async (request, address) => {
      const requestId = randomUUID();
      const headers = new Map([
        ["Cache-Control", "no-store"],
        ["seam-request-id", requestId],
        ["X-Request-Id", requestId],
      ]);
      const response = await app.answer(request, { address, requestId, headers });
      for (const [name, value] of headers) response.headers.set(name, value);
      return response;
    },
  };
}

interface Exchange {
  readonly address: string;
  readonly requestId: string;
  /** What the answer will have, whatever it is. */
  readonly headers: Map<string, string>;
}

class RoutedApp {
  readonly #options: ApiAppOptions;
  readonly #routes = new Map<string, Map<string, Route>>();
  readonly #keyLimiter: RateLimiter;
  readonly #wrongKeyLimiter: RateLimiter;

  constructor(options: ApiAppOptions) {
    this.#options = options;
    const { key, wrongKey } = options.limits ?? { key: keyRateLimit, wrongKey: wrongKeyRateLimit };
    this.#keyLimiter = new RateLimiter(key);
    this.#wrongKeyLimiter = new RateLimiter(wrongKey);
    for (const route of options.routes) {
      const methods = this.#routes.get(route.path) ?? new Map<string, Route>();
      for (const method of route.methods) methods.set(method, route);
      this.#routes.set(route.path, methods);
    }
  }

  async answer(request: Request, exchange: Exchange): Promise<Response> {
    const url = new URL(request.url);
    try {
      const open = Object.hasOwn(this.#options.open, url.pathname)
        ? this.#options.open[url.pathname]
        : undefined;
      if (open !== undefined && request.method === "GET") return answerJson(await open());
      const answer = await this.#route(request, url, exchange);
      return answer.ok ? answer.value : answerFault(answer.fault, exchange.requestId);
    } catch (error) {
      const { requestId } = exchange;
      const said = { path: url.pathname, requestId, error: String(error) };
      this.#options.log.warn(said, "a request failed");
      const isPassing = error instanceof StoreError && error.kind === "unavailable";
      return answerFault(isPassing ? storeAway : internalError, requestId);
    }
  }

  async #route(
    request: Request,
    url: URL,
    exchange: Exchange,
  ): Promise<Result<Response, ApiFault>> {
    const caller = await this.#caller(request, exchange);
    if (!caller.ok) return caller;
    const methods = this.#routes.get(url.pathname);
    const route = methods?.get(request.method);
    if (route === undefined) {
      return fail(methods === undefined ? noRoute(request, url) : otherMethod(request, methods));
    }
    if (apiRoles.indexOf(caller.value.role) < apiRoles.indexOf(route.role)) {
      return fail(forbidden(route.role));
    }
    const reason = readReason(request);
    if (!reason.ok) return reason;
    const { requestId } = exchange;
    const { name, role } = caller.value;
    const call: ApiCall = {
      role,
      author: { name, requestId, ...(reason.value !== undefined && { reason: reason.value }) },
      requestId,
      at: this.#options.clock.wall().at,
      url,
    };
    if (route.kind === "raw") return await route.run(request, call);
    return await runJson(route, request, call);
  }

  async #caller(request: Request, exchange: Exchange): Promise<Result<ApiCaller, ApiFault>> {
    const now = this.#options.clock.monotonic();
    const presented = /^bearer +(\S+) *$/i.exec(request.headers.get("authorization") ?? "")?.[1];
    const caller = presented === undefined ? undefined : await this.#options.keys.check(presented);
    if (caller === undefined) {
      // One answer for no key and a wrong one. Whoever has a right one is not held up by it.
      const { allowed, waitMs } = this.#wrongKeyLimiter.take(exchange.address, now);
      return fail(allowed ? unauthorized : tooMany("wrong API keys", waitMs));
    }
    const { allowed, left, waitMs } = this.#keyLimiter.take(caller.id, now);
    exchange.headers.set("RateLimit-Limit", String(this.#keyLimiter.limit.burst));
    exchange.headers.set("RateLimit-Remaining", String(left));
    exchange.headers.set("RateLimit-Reset", seconds(waitMs));
    return allowed ? succeed(caller) : fail(tooMany("requests with this API key", waitMs));
  }
}

async function runJson(
  route: JsonRoute,
  request: Request,
  call: ApiCall,
): Promise<Result<Response, ApiFault>> {
  const input = await readInput(route, request, call.url);
  if (!input.ok) return input;
  const answer = await route.run(input.value, call);
  return answer.ok ? succeed(answerJson({ ...answer.value, ok: true })) : answer;
}

async function readInput(
  route: JsonRoute,
  request: Request,
  url: URL,
): Promise<Result<unknown, ApiFault>> {
  if (request.method === "GET" || request.method === "DELETE") {
    const input = inputFromQuery(route.input, url.search.slice(1));
    return input.ok ? input : fail(inputFault(input.fault));
  }
  if (url.search !== "") {
    return fail(inputFault({ "": ["expected the input in the body, and no query"] }));
  }
  const text = await readText(request, jsonBytesMax);
  if (!text.ok) return text;
  // The official client sends nothing at all where every field may be absent.
  if (text.value === "") return succeed({});
  const media = /^[^;]*/.exec(request.headers.get("content-type") ?? "")?.[0].trim();
  if (media?.toLowerCase() !== "application/json") return fail(otherMedia);
  const input = parseStrictJson(text.value);
  return input.ok ? input : fail(inputFault(input.fault));
}

function readReason(request: Request): Result<string | undefined, ApiFault> {
  const header = request.headers.get(reasonHeader);
  if (header === null) return succeed(undefined);
  const expected = `expected at most ${reasonCharsMax} characters of text in UTF-8`;
  try {
    // A header's bytes arrive as one character each.
    const reason = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(header, "latin1"));
    const isFit = reason.length <= reasonCharsMax && !/[\p{Cc}\u2028\u2029]/u.test(reason);
    return isFit ? succeed(reason) : fail(inputFault({ [reasonHeader]: [expected] }));
  } catch {
    return fail(inputFault({ [reasonHeader]: [expected] }));
  }
}

const seconds = (ms: number): string => String(Math.ceil(ms / 1_000));

const unauthorized: ApiFault = {
  status: 401,
  type: "unauthorized",
  message: "Expected the header Authorization: Bearer <API key>.",
};

const internalError = {
  status: 500,
  type: "internal_error",
  message: "The site could not answer; its log says why.",
} as const;

const storeAway: ApiFault = {
  status: 503,
  type: "store_unavailable",
  message: "The site's store cannot be used for the moment.",
  headers: { "Retry-After": "5" },
};

const otherMedia: ApiFault = {
  status: 415,
  type: "unsupported_media_type",
  message: "Expected a body of Content-Type: application/json.",
};

function tooMany(what: string, waitMs: number): ApiFault {
  return {
    status: 429,
    type: "too_many_requests",
    message: `There were too many ${what}; wait ${seconds(waitMs)} s.`,
    headers: { "Retry-After": seconds(waitMs) },
  };
}

function forbidden(role: ApiRole): ApiFault {
  return {
    status: 403,
    type: "forbidden",
    message: `This asks for an API key whose role is ${role}.`,
  };
}

function noRoute(request: Request, url: URL): ApiFault {
  return {
    status: 404,
    type: "not_found",
    message: `There is no ${request.method} ${url.pathname.slice(0, 200)}.`,
  };
}

function otherMethod(request: Request, methods: ReadonlyMap<string, Route>): ApiFault {
  const allowed = ([...methods.keys()] as RouteMethod[]).join(", ");
  return {
    status: 405,
    type: "method_not_allowed",
    message: `Expected ${allowed}, and not ${request.method}.`,
    headers: { Allow: allowed },
  };
}

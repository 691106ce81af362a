import type * as v from "valibot";
import type { Result } from "../../domain/result.ts";
import type { EpochMs } from "../../domain/time.ts";
import type { Author } from "../store/site-store.ts";
import type { ApiRole } from "../store/store-schema.ts";
import { type ApiFault, inputFault } from "./api-fault.ts";
import { type InputSchema, parseInput } from "./parse-input.ts";

export type RouteMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Who asks, and under which number. */
export interface ApiCall {
  readonly role: ApiRole;
  /** For the audit log: the key's name, and what the caller said of why. */
  readonly author: Author;
  readonly requestId: string;
  /** Of the request, by the site's clock. */
  readonly at: EpochMs;
  /** As the client sees it: `https://host/path?query`. */
  readonly url: URL;
}

/** What the answer is called, and what it is: for the description that the API gives of itself. */
export interface RouteAnswer {
  readonly key: string;
  readonly is: "object" | "list";
  /** Of the resource: `acs_user`. */
  readonly of: string;
  readonly paged?: true;
}

interface RouteHead {
  /** GET and DELETE take their input from the query, the others from a JSON body. */
  readonly methods: readonly RouteMethod[];
  readonly path: `/${string}`;
  /** The least that a key must be good for. */
  readonly role: ApiRole;
  /** One sentence for the description. */
  readonly summary: string;
}

/** What may be asked, with what it takes and what it answers. */
export interface JsonRoute extends RouteHead {
  readonly kind: "json";
  readonly input: InputSchema;
  /** Absent: `ok` alone. */
  readonly answer?: RouteAnswer;
  /** Checks `value` and answers the members beside `ok`. */
  run(value: unknown, call: ApiCall): Promise<Result<object, ApiFault>>;
}

/** One that takes or gives something other than JSON: a file, a stream. */
export interface RawRoute extends RouteHead {
  readonly kind: "raw";
  /** The media type of what is taken, where it takes anything. */
  readonly takes?: string;
  readonly gives: string;
  run(request: Request, call: ApiCall): Promise<Result<Response, ApiFault>>;
}

export type Route = JsonRoute | RawRoute;

export interface JsonRouteParts<Schema extends InputSchema> extends RouteHead {
  readonly input: Schema;
  readonly answer?: RouteAnswer;
  handle(input: v.InferOutput<Schema>, call: ApiCall): Promise<Result<object, ApiFault>>;
}

/** A route whose handler gets what its schema makes of the input, and nothing else. */
export function jsonRoute<const Schema extends InputSchema>(
  parts: JsonRouteParts<Schema>,
): JsonRoute {
  const { handle, ...head } = parts;
  return {
    ...head,
    kind: "json",
    run: async (value, call) => {
      const input = parseInput(parts.input, value);
      if (!input.ok) return { ok: false, fault: inputFault(input.fault) };
      return await handle(input.value, call);
    },
  };
}

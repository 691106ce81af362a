import * as v from "valibot";
import { fail, succeed } from "../../../domain/result.ts";
import { eventFilterEntries, positionText } from "../../event-query.ts";
import type { EventStream } from "../../event-stream.ts";
import { parseParameters } from "../../query-parameters.ts";
import { type ApiFault, conflict, inputFault } from "../api-fault.ts";
import type { Route } from "../route.ts";

const streamInput = v.object({ after: v.exactOptional(positionText), ...eventFilterEntries });

const tooManyListeners: ApiFault = {
  status: 503,
  type: "too_many_listeners",
  message: "As many listen to events as may; come back later.",
  headers: { "Retry-After": "60" },
};

export interface EventStreamRouteParts {
  readonly stream: EventStream;
  /** Whether what this request was allowed by still allows it. */
  readonly isAllowed: (request: Request) => Promise<boolean>;
}

export function eventStreamRoute({ stream, isAllowed }: EventStreamRouteParts): Route {
  return {
    kind: "raw",
    methods: ["GET"],
    path: "/postern/events/stream",
    role: "read",
    summary:
      "Events as they are stored, from a position on (`after`, or the header Last-Event-ID).",
    gives: "text/event-stream",
    run: async (request, { url }) => {
      const { searchParams } = url;
      const names = [...new Set(searchParams.keys())];
      const given = new Map(names.map((name) => [name, searchParams.getAll(name)]));
      const last = request.headers.get("last-event-id");
      // What a browser says when it comes back is later than what it was told to begin with.
      if (last !== null && last !== "") given.set("after", [last]);
      const input = parseParameters(streamInput, Object.fromEntries(given));
      if (!input.ok) return fail(inputFault(input.fault));
      const { after, ...filter } = input.value;
      const answer = await stream.listen({
        filter,
        ...(after !== undefined && { after }),
        isAllowed: () => isAllowed(request),
      });
      if (answer === undefined) return fail(tooManyListeners);
      if (answer !== "unknown_position") return succeed(answer);
      return conflict(
        "unknown_position",
        "The site has no event of that position: it was restored from a copy. Read /postern/events.",
      );
    },
  };
}

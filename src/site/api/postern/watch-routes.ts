import * as v from "valibot";
import { controllerId } from "../../../domain/ids.ts";
import { fail, succeed } from "../../../domain/result.ts";
import { idText, oneOf } from "../../../protocols/toml/toml-schema.ts";
import { parseEventQuery } from "../../event-query.ts";
import { parseExplainQuery } from "../../explain-query.ts";
import { zoneFact } from "../../model-rows.ts";
import { controllerJson, eventJson, explanationJson } from "../../site-json.ts";
import { answerJson } from "../api-answer.ts";
import { inputFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { jsonRoute, type Route } from "../route.ts";
import { textOf } from "../schema-parts.ts";

/** What controllers do, have done, and would do. */
export function watchRoutes(site: ApiSite): readonly Route[] {
  return [eventsRoute(site), controllersRoute(site), updateRoute(site), explainRoute(site)];
}

function eventsRoute({ issuer }: ApiSite): Route {
  return {
    kind: "raw",
    methods: ["GET"],
    path: "/postern/events",
    role: "read",
    summary: "Events as controllers journalled them, by position: evidence.",
    gives: "application/json",
    run: async (_request, { url }) => {
      const query = parseEventQuery(parametersOf(url));
      if (!query.ok) return fail(inputFault(query.fault));
      const { events, through, more } = await issuer.engine.events(query.value);
      return succeed(answerJson({ events: events.map(eventJson), through, more, ok: true }));
    },
  };
}

function parametersOf({ searchParams }: URL): Readonly<Record<string, readonly string[]>> {
  const names = new Set(searchParams.keys());
  return Object.fromEntries([...names].map((name) => [name, searchParams.getAll(name)]));
}

function controllersRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/postern/controllers",
    role: "read",
    summary:
      "Where each controller's table stands (updating, with its progress, complete, failed).",
    input: v.strictObject({}),
    answer: { key: "controllers", is: "list", of: "controller" },
    handle: async () => {
      const reports = await issuer.engine.controllers();
      return succeed({ controllers: reports.map(controllerJson) });
    },
  });
}

function updateRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/postern/controllers/update",
    role: "issue",
    summary: "Tells controllers of their tables again, or has them fetch the whole of them.",
    input: v.strictObject({
      /** Absent: all. */
      controllers: v.exactOptional(
        v.pipe(v.array(idText, "a list of ids"), v.maxLength(1_000, "at most 1000 ids")),
      ),
      how: v.exactOptional(oneOf(["head", "whole"]), "head"),
    }),
    handle: async ({ controllers, how }, { author }) => {
      const known = (await issuer.engine.controllers()).map(({ controller }) => controller);
      const unknown = (controllers ?? []).findIndex((id) => !known.includes(controllerId(id)));
      if (unknown >= 0) {
        const fault = { [`controllers.${unknown}`]: ["expected a controller of this site"] };
        return fail(inputFault(fault));
      }
      const ids = controllers?.map(controllerId) ?? known;
      await issuer.store.change(author, async ({ note }) => {
        for (const id of ids) {
          const subject = { kind: "controller", id };
          note({ action: "controller.update", subject, detail: { how } });
        }
        return succeed(undefined);
      });
      await issuer.engine.update(ids, how);
      return succeed({});
    },
  });
}

function explainRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/postern/explain",
    role: "read",
    summary: "What a door would say to a pass, check by check, and when next it would open.",
    input: v.strictObject({
      door: idText,
      pass: idText,
      at: v.exactOptional(textOf(64)),
    }),
    answer: { key: "explanation", is: "object", of: "explanation" },
    handle: async (input) => {
      const zone = await issuer.store.rows
        .selectFrom("facts")
        .select("value")
        .where("key", "=", zoneFact)
        .executeTakeFirst();
      const parameters = Object.entries(input).map(([name, value]) => [name, [value]] as const);
      const question = parseExplainQuery(Object.fromEntries(parameters), zone?.value ?? "UTC");
      if (!question.ok) return fail(inputFault(question.fault));
      const answer = await issuer.engine.explain(question.value);
      if (!answer.ok) return fail(inputFault(answer.fault));
      return succeed(explanationJson(question.value, answer.value));
    },
  });
}

import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { describeTomlFault, type TomlFault } from "../protocols/toml/toml-fault.ts";
import { answerError } from "./api-error.ts";
import { parseEventQuery } from "./event-query.ts";
import { parseExplainQuery } from "./explain-query.ts";
import type { QueryFaults } from "./query-parameters.ts";
import {
  appliedJson,
  controllerJson,
  eventJson,
  explanationJson,
  versionJson,
} from "./site-json.ts";
import type { SiteLog } from "./site-log.ts";
import type { SiteService } from "./site-service.ts";

/** The longest site file that is taken over HTTP. */
export const siteFileBytesMax = 4 * 1_024 * 1_024;

/** What faults call a file that came without a name. */
const namelessFile = "site.toml";

/** The site's HTTP API, without a socket: `app.fetch` answers requests wherever they come from. */
export function createSiteApp(service: SiteService, log: SiteLog): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    log.warn({ path: context.req.path, error: String(error) }, "a request failed");
    return answerError(context, {
      status: 500,
      type: "internal_error",
      message: "The site could not answer; its log says why.",
    });
  });
  app.notFound((context) =>
    answerError(context, {
      status: 404,
      type: "not_found",
      message: `There is no ${context.req.method} ${context.req.path}.`,
    }),
  );
  app.use(async (context, next) => {
    await next();
    context.header("Cache-Control", "no-store");
  });
  app.get("/health", (context) => context.json({ ok: true }));
  app.use("/postern/*", requireKey(service));
  app.get("/postern/events", (context) => answerEvents(context, service));
  app.get("/postern/controllers", (context) => {
    const controllers = service.controllers().map(controllerJson);
    return context.json({ controllers, ok: true });
  });
  app.get("/postern/explain", (context) => answerExplain(context, service));
  app.get("/postern/site", (context) => answerSite(context, service));
  app.post(
    "/postern/site",
    bodyLimit({
      maxSize: siteFileBytesMax,
      onError: (context) =>
        answerError(context, {
          status: 413,
          type: "payload_too_large",
          message: `A site file may have ${siteFileBytesMax} bytes.`,
        }),
    }),
    (context) => applySite(context, service),
  );
  app.post("/postern/site/rotate-key", (context) =>
    context.json({ serial: service.rotateKey(), ok: true }),
  );
  return app;
}

function requireKey(service: SiteService): MiddlewareHandler {
  return async (context, next) => {
    const presented = /^bearer +(\S+) *$/i.exec(context.req.header("Authorization") ?? "")?.[1];
    // One answer for no key and a wrong one.
    if (presented === undefined || !service.apiKey.matches(presented)) {
      return answerError(context, {
        status: 401,
        type: "unauthorized",
        message: "Expected the header Authorization: Bearer <API key>.",
      });
    }
    return await next();
  };
}

function answerEvents(context: Context, service: SiteService) {
  const query = parseEventQuery(context.req.queries());
  if (!query.ok) return answerQueryFaults(context, query.fault);
  return context.json({ events: service.events.query(query.value).map(eventJson), ok: true });
}

function answerExplain(context: Context, service: SiteService) {
  const applied = service.applied();
  if (applied === undefined) {
    return answerError(context, {
      status: 409,
      type: "no_site_file",
      message: "No site file is in force.",
    });
  }
  const question = parseExplainQuery(context.req.queries(), applied.model.zone);
  if (!question.ok) return answerQueryFaults(context, question.fault);
  const answer = service.explain(question.value);
  if (!answer.ok) return answerQueryFaults(context, answer.fault);
  return context.json({ ...explanationJson(question.value, answer.value), ok: true });
}

function answerSite(context: Context, service: SiteService) {
  const applied = service.applied();
  const tables = service
    .controllers()
    .flatMap(({ controller, sync }) => (sync ? [{ controller, ...versionJson(sync.wanted) }] : []));
  return context.json({
    site: service.site,
    /** Null before the first file. */
    applied: applied === undefined ? null : appliedJson(applied),
    tables,
    ok: true,
  });
}

function answerQueryFaults(context: Context, fields: QueryFaults) {
  return answerError(context, {
    status: 400,
    type: "invalid_input",
    message: `Check ${Object.keys(fields).join(", ")}.`,
    fields,
  });
}

async function applySite(context: Context, service: SiteService) {
  const { file: files = [namelessFile], ...others } = context.req.queries();
  const [file = namelessFile] = files;
  const unknown = Object.keys(others);
  if (unknown.length > 0) {
    const faults = unknown.map((name) => [name, ["unknown parameter; expected file"]] as const);
    return answerQueryFaults(context, Object.fromEntries(faults));
  }
  if (files.length > 1 || !/^[^\p{Cc}]{1,200}$/u.test(file)) {
    return answerQueryFaults(context, { file: ["expected a file's name of 1 to 200 characters"] });
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await context.req.arrayBuffer());
  } catch {
    return answerQueryFaults(context, { body: ["expected TOML in UTF-8"] });
  }
  const applied = service.apply(text, file);
  if (!applied.ok) return answerFileFaults(context, applied.fault);
  const tables = applied.value.map(({ controller, table, changed }) => {
    return { controller, ...table, changed };
  });
  return context.json({ tables, ok: true });
}

function answerFileFaults(context: Context, faults: readonly TomlFault[]) {
  const fields = new Map<string, string[]>();
  for (const fault of faults) {
    const field = fault.key === "" ? "body" : fault.key;
    fields.set(field, [...(fields.get(field) ?? []), describeTomlFault(fault)]);
  }
  return answerError(context, {
    status: 400,
    type: "invalid_input",
    message: faults.map(describeTomlFault).join("\n"),
    fields: Object.fromEntries(fields),
    more: { faults },
  });
}

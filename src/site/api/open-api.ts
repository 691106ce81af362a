import { type ConversionConfig, toJsonSchema } from "@valibot/to-json-schema";
import type { JsonRoute, RawRoute, Route, RouteAnswer, RouteMethod } from "./route.ts";

const description =
  "The site service of Postern, a door controller. Paths under /acs have the words of Seam's API, " +
  "and its official clients work unmodified; paths under /postern reach what those words do not. " +
  "A change may say why it is made in the header Postern-Reason: the audit log keeps it.";

/** An OpenAPI 3.1 description of the routes, from the very schemas that check what they are sent. */
export function describeApi(routes: readonly Route[]): object {
  const paths = new Map<string, Record<string, object>>();
  for (const route of routes) {
    const path = paths.get(route.path) ?? {};
    for (const method of route.methods) path[method.toLowerCase()] = operation(route, method);
    paths.set(route.path, path);
  }
  return {
    openapi: "3.1.0",
    info: { title: "Postern", version: "1", description },
    security: [{ apiKey: [] }],
    paths: Object.fromEntries([...paths].sort(([one], [other]) => (one < other ? -1 : 1))),
    components: {
      securitySchemes: { apiKey: { type: "http", scheme: "bearer" } },
      schemas: { error: errorSchema, pagination: paginationSchema },
      responses: { fault: faultResponse },
    },
  };
}

function operation(route: Route, method: RouteMethod): object {
  return {
    // Of each path there are several methods, and clients are generated with one name for each.
    operationId: `${method.toLowerCase()}${route.path.replaceAll(/[/_-]+/g, "_")}`,
    summary: route.summary,
    tags: [route.path.split("/").slice(1, 3).join("/")],
    description: `Asks for an API key whose role is ${route.role}, or more.`,
    ...(route.kind === "json" ? jsonInput(route, method) : rawInput(route)),
    responses: {
      200: route.kind === "json" ? jsonResponse(route.answer) : rawResponse(route),
      default: { $ref: "#/components/responses/fault" },
    },
  };
}

const conversion: ConversionConfig = {
  target: "draft-2020-12",
  // What is sent, and after it what is looked at of what it was made into.
  typeMode: "ignore",
  // Checks between fields, and of texts by more than a pattern, have no like in JSON Schema.
  errorMode: "ignore",
  // Fields that an object does not have are refused wherever they stand.
  overrideSchema: ({ valibotSchema, jsonSchema }) =>
    valibotSchema.type === "object" ? { ...jsonSchema, additionalProperties: false } : undefined,
};

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
}

function inputSchema(route: JsonRoute): ObjectSchema {
  const { $schema: _, ...schema } = toJsonSchema(route.input, conversion);
  return schema as ObjectSchema;
}

function jsonInput(route: JsonRoute, method: RouteMethod): object {
  const schema = inputSchema(route);
  if (method !== "GET" && method !== "DELETE") {
    const isRequired = (schema.required ?? []).length > 0;
    return {
      requestBody: { required: isRequired, content: { "application/json": { schema } } },
    };
  }
  const parameters = Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    in: "query",
    required: schema.required?.includes(name) ?? false,
    schema: property,
  }));
  return { parameters };
}

function rawInput({ takes }: RawRoute): object {
  if (takes === undefined) return {};
  return { requestBody: { required: true, content: { [takes]: { schema: { type: "string" } } } } };
}

function jsonResponse(answer: RouteAnswer | undefined): object {
  const ok = { type: "boolean", const: true };
  const one = { type: "object" };
  const schema = {
    type: "object",
    required: [...(answer === undefined ? [] : [answer.key]), "ok"],
    properties: {
      ...(answer !== undefined && {
        [answer.key]: {
          ...(answer.is === "list" ? { type: "array", items: one } : {}),
          description: `${answer.is === "list" ? "Each is" : "It is"} a ${answer.of}.`,
        },
      }),
      ...(answer?.paged === true && { pagination: { $ref: "#/components/schemas/pagination" } }),
      ok,
    },
  };
  return { description: "Done.", content: { "application/json": { schema } } };
}

function rawResponse({ gives }: RawRoute): object {
  return { description: "Done.", content: { [gives]: {} } };
}

const errorSchema = {
  type: "object",
  required: ["type", "message", "request_id"],
  properties: {
    type: { type: "string", description: "To decide by." },
    message: { type: "string", description: "For people." },
    validation_errors: {
      type: "object",
      description: "By field, along the path to it: what was expected, in `_errors`.",
    },
    request_id: { type: "string", format: "uuid" },
  },
};

const faultResponse = {
  description: "Nothing was changed.",
  content: {
    "application/json": {
      schema: {
        type: "object",
        required: ["error", "ok"],
        properties: {
          error: { $ref: "#/components/schemas/error" },
          ok: { type: "boolean", const: false },
        },
      },
    },
  },
};

const paginationSchema = {
  type: "object",
  required: ["has_next_page", "next_page_cursor", "next_page_url"],
  properties: {
    has_next_page: { type: "boolean" },
    next_page_cursor: { type: ["string", "null"] },
    next_page_url: { type: ["string", "null"], format: "uri" },
  },
};

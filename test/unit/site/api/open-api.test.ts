import t from "tap";
import { siteApiRoutes } from "../../../../src/site/api/site-api.ts";
import { startSiteApi } from "./api-rig.ts";

const methods = ["get", "post", "put", "patch", "delete"];
const types = ["object", "array", "string", "number", "integer", "boolean", "null"];

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly responses: Readonly<Record<string, unknown>>;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
}

interface Description {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Every object within, with where it stands. */
function* objectsIn(value: unknown, at = "#"): Generator<[string, Record<string, unknown>]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [at, value as Record<string, unknown>];
  for (const [name, inner] of Object.entries(value)) yield* objectsIn(inner, `${at}/${name}`);
}

function resolve(root: unknown, reference: string): unknown {
  let value = root;
  for (const part of reference.replace("#/", "").split("/")) {
    value = (value as Record<string, unknown> | undefined)?.[part];
  }
  return value;
}

t.test("the site describes its API in OpenAPI 3.1, to whoever asks", async (t) => {
  const { url, apiSite } = await startSiteApi(t);
  const answer = await fetch(`${url}/openapi.json`);
  t.equal(answer.status, 200);
  const document: Description = JSON.parse(await answer.text());
  t.match(document, { openapi: "3.1.0", info: { title: "Postern", version: String } });

  const routes = siteApiRoutes({
    site: apiSite,
    applyFile: () => Promise.reject(new Error("not asked")),
  });
  const described = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  );
  t.strictSame(
    described.sort(),
    routes.flatMap(({ path, methods: of }) => of.map((method) => `${method} ${path}`)).sort(),
  );

  const names = new Set<string>();
  for (const [path, item] of Object.entries(document.paths)) {
    t.match(path, /^\/[a-z_/-]+$/);
    for (const [method, operation] of Object.entries(item)) {
      const at = `${method} ${path}`;
      t.ok(methods.includes(method), at);
      t.notOk(names.has(operation.operationId), `${at}: its operationId is its own`);
      names.add(operation.operationId);
      t.ok(operation.summary.length > 0, at);
      t.ok("200" in operation.responses && "default" in operation.responses, at);
      const isQuery = ["get", "delete"].includes(method);
      t.notOk(isQuery && operation.requestBody !== undefined, `${at}: no body`);
      const parameters = operation.parameters ?? [];
      t.equal(new Set(parameters.map(({ name }) => name)).size, parameters.length, at);
      t.ok(
        parameters.every((parameter) => parameter.in === "query"),
        at,
      );
    }
  }

  for (const [at, value] of objectsIn(document)) {
    const reference = value["$ref"];
    if (typeof reference === "string") t.ok(resolve(document, reference), `${at}: ${reference}`);
    const { type, required, properties } = value;
    if (typeof type === "string" && at.includes("schema")) {
      t.ok(types.includes(type) || at.includes("securitySchemes"), `${at}: ${type}`);
    }
    if (Array.isArray(required) && properties !== undefined) {
      const known = Object.keys(properties as object);
      t.ok(
        required.every((name) => known.includes(String(name))),
        `${at}: ${String(required)}`,
      );
    }
  }
});

t.test("what is described is what is checked: fields, bounds, nothing beside", async (t) => {
  const { url } = await startSiteApi(t);
  const document: Description = JSON.parse(await (await fetch(`${url}/openapi.json`)).text());
  const bodyOf = (path: string) => {
    const { content } = document.paths[path]?.["post"]?.requestBody ?? { content: {} };
    return content["application/json"];
  };
  t.match(bodyOf("/acs/credentials/create"), {
    schema: {
      required: ["access_method", "acs_user_id"],
      additionalProperties: false,
      properties: { access_method: { enum: ["code", "card", "mobile_key", "cloud_key"] } },
    },
  });
  t.match(bodyOf("/postern/doors/create"), {
    schema: { properties: { unlock_ms: { type: "integer", minimum: 500, maximum: 600_000 } } },
  });
  t.match(bodyOf("/postern/schedules/create"), {
    schema: {
      properties: {
        intervals: { items: { required: ["days", "from", "to"], additionalProperties: false } },
      },
    },
  });
});

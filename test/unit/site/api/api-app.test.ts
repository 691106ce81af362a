import t from "tap";
import * as v from "valibot";
import { SimClock } from "../../../../hal/sim/sim-clock.ts";
import { succeed } from "../../../../src/domain/result.ts";
import { type ApiAppOptions, createApiApp } from "../../../../src/site/api/api-app.ts";
import { invalidInput } from "../../../../src/site/api/api-fault.ts";
import { type ApiCall, jsonRoute } from "../../../../src/site/api/route.ts";
import { StoreError } from "../../../../src/site/store/store-error.ts";
import type { ApiRole } from "../../../../src/site/store/store-schema.ts";
import { LogText } from "../site-rig.ts";

const pet = v.strictObject({
  name: v.string("a name"),
  age: v.exactOptional(v.number("a number")),
  tame: v.exactOptional(v.boolean("true or false")),
  keeper: v.exactOptional(v.nullable(v.string("a name or null"))),
  tags: v.exactOptional(v.array(v.string("a tag"), "a list of tags")),
  home: v.exactOptional(v.strictObject({ street: v.string("a street") }, "an object")),
});

const keys = new Map<string, ApiRole>([
  ["seam_read", "read"],
  ["seam_issue", "issue"],
  ["seam_admin", "admin"],
]);

function startApp(part: Partial<ApiAppOptions> = {}) {
  const clock = new SimClock({ wallAt: 1_800_000_000_000 });
  const log = new LogText();
  const calls: { input: unknown; call: ApiCall }[] = [];
  const app = createApiApp({
    routes: [
      jsonRoute({
        methods: ["GET", "POST", "DELETE"],
        path: "/pets/find",
        role: "issue",
        summary: "Finds a pet.",
        input: pet,
        handle: async (input, call) => {
          calls.push({ input, call });
          if (input.name === "broken") throw new Error("a cage is open");
          if (input.name === "nobody") return invalidInput({ "home.street": ["a known street"] });
          return succeed({ pet: input });
        },
      }),
    ],
    open: { "/health": () => ({ ok: true }) },
    keys: {
      check: async (key) => {
        const role = keys.get(key);
        return role === undefined ? undefined : { id: key, name: `${role} key`, role };
      },
    },
    clock,
    log,
    ...part,
  });
  const send = async (path: string, init: RequestInit & { key?: string; from?: string } = {}) => {
    const { key = "seam_issue", from = "10.0.0.1", ...rest } = init;
    const headers = new Headers(rest.headers);
    if (key !== "") headers.set("authorization", `Bearer ${key}`);
    if (rest.body !== undefined && !headers.has("content-type")) {
      headers.set("content-type", "application/json");
    }
    const request = new Request(`http://site.test${path}`, { ...rest, headers });
    const answer = await app.answer(request, from);
    return {
      status: answer.status,
      headers: answer.headers,
      body: JSON.parse(await answer.text()),
    };
  };
  const post = (body: string, headers: Record<string, string> = {}) =>
    send("/pets/find", { method: "POST", body, headers });
  return { app, clock, log, calls, send, post };
}

t.test("an answer has the number of its request, and an error says it too", async (t) => {
  const { send, calls } = startApp();
  const found = await send("/pets/find?name=Rex");
  t.same([found.status, found.body], [200, { pet: { name: "Rex" }, ok: true }]);
  const id = found.headers.get("seam-request-id");
  t.match(id, /^[0-9a-f-]{36}$/);
  t.equal(found.headers.get("x-request-id"), id);
  t.equal(found.headers.get("cache-control"), "no-store");
  t.match(calls[0]?.call, { role: "issue", author: { name: "issue key", requestId: id } });
  const refused = await send("/pets/find");
  t.equal(refused.body.error.request_id, refused.headers.get("seam-request-id"));
  t.not(refused.body.error.request_id, id);
});

t.test("without a right key nothing is told, not even whether a path exists", async (t) => {
  const { send, calls } = startApp();
  for (const path of ["/pets/find?name=Rex", "/pets/none", "/"]) {
    for (const key of ["", "seam_wrong", "seam_issuex", "toString"]) {
      const { status, body } = await send(path, { key });
      t.equal(status, 401);
      t.match(body, { error: { type: "unauthorized", message: String }, ok: false });
    }
  }
  t.same(calls, []);
  t.equal((await send("/health", { key: "" })).status, 200);
});

t.test("a key does what its role may, and less", async (t) => {
  const { send } = startApp();
  const asked = async (key: string) => (await send("/pets/find?name=Rex", { key })).status;
  t.same(
    [await asked("seam_read"), await asked("seam_issue"), await asked("seam_admin")],
    [403, 200, 200],
  );
  const { body } = await send("/pets/find?name=Rex", { key: "seam_read" });
  t.match(body.error, { type: "forbidden", message: /issue/ });
});

t.test("a query is read as the official client writes it", async (t) => {
  const { send, calls } = startApp();
  await send(
    "/pets/find?_strict=true&age=3&home.street=Main+St&keeper=&name=Re%20x&tags=a&tags=b&tame=false",
  );
  await send("/pets/find?_strict=true&name=Rex&tags=");
  await send("/pets/find?name=Rex&tags=one");
  t.same(
    calls.map(({ input }) => input),
    [
      {
        age: 3,
        home: { street: "Main St" },
        keeper: null,
        name: "Re x",
        tags: ["a", "b"],
        tame: false,
      },
      { name: "Rex", tags: [] },
      { name: "Rex", tags: ["one"] },
    ],
  );
});

t.test("what is wrong with an input is told by field, all of it at once", async (t) => {
  const { send, post } = startApp();
  const { status, body } = await post('{"age":"old","nmae":"Rex","home":{"stret":1}}');
  t.equal(status, 400);
  t.match(body, { ok: false, error: { type: "invalid_input", message: String } });
  t.strictSame(body.error.validation_errors, {
    _errors: [],
    name: { _errors: ["expected this field"] },
    age: { _errors: ["expected a number"] },
    nmae: { _errors: ["unknown field; expected one of name, age, tame, keeper, tags, home"] },
    home: {
      _errors: [],
      stret: { _errors: ["unknown field; expected one of street"] },
      street: { _errors: ["expected this field"] },
    },
  });
  const twice = await send("/pets/find?name=Rex&name=Bello&age=1x");
  t.strictSame(twice.body.error.validation_errors, {
    _errors: [],
    name: { _errors: ["expected once"] },
  });
  const told = await post('{"name":"nobody"}');
  t.equal(told.body.error.validation_errors.home.street._errors[0], "a known street");
});

const deep = (levels: number) => `{"name":${"[".repeat(levels)}1${"]".repeat(levels)}}`;

for (const [what, body, field, expected] of [
  ["a field twice", '{"name":"Rex","name":"Bello"}', "name", /once/],
  ["a field twice, once escaped", '{"name":"Rex","n\\u0061me":"Bello"}', "name", /once/],
  ["a field twice further in", '{"name":"R","tags":[1,{"a":1,"a":2}]}', "tags.1.a", /once/],
  ["a field called __proto__", '{"name":"R","__proto__":{"age":1}}', "__proto__", /another/],
  ["a hundred thousand levels", deep(100_000), "name", /levels/],
  ["half a character", '{"name":"\\ud83d"}', "name", /control/],
  ["a control character", '{"name":"a\\u0000b"}', "name", /control/],
  ["a line that ends", '{"name":"a\\u2028b"}', "name", /control/],
  ["a half character in a name", '{"name":"R","\\udc00":1}', "", /names/],
  ["no JSON", '{"name":', "", /JSON/],
  ["two values", '{"name":"Rex"} {}', "", /JSON/],
  ["a list", '[{"name":"Rex"}]', "", /object/],
  ["a word", '"Rex"', "", /object/],
  ["null", "null", "", /object/],
] as const) {
  t.test(`${what} is refused with the field`, async (t) => {
    const { post, calls } = startApp();
    const answer = await post(body);
    t.equal(answer.status, 400);
    let node = answer.body.error.validation_errors;
    for (const name of field === "" ? [] : field.split(".")) {
      t.ok(Object.hasOwn(node, name), `${name} in ${JSON.stringify(node).slice(0, 200)}`);
      node = node[name];
      if (node._errors.length > 0) break;
    }
    t.match(node._errors[0], expected);
    t.same(calls, []);
  });
}

t.test("names may be in any script, with any sign", async (t) => {
  const { post, calls } = startApp();
  for (const name of ["Zoë", "李小龍", "Ольга", "👩‍🚀", "محمد", "a\u0301", "\uffff"]) {
    t.equal((await post(JSON.stringify({ name }))).status, 200, name);
  }
  t.equal(calls.length, 7);
});

t.test("a body that is too long, no UTF-8, or no JSON by name is refused", async (t) => {
  const { send, post } = startApp();
  const long = await post(`{"name":"${"a".repeat(1_024 * 1_024)}"}`);
  t.same([long.status, long.body.error.type], [413, "payload_too_large"]);
  const bytes = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
  const odd = await send("/pets/find", { method: "POST", body: bytes });
  t.same([odd.status, odd.body.error.type], [400, "invalid_input"]);
  const form = await post("name=Rex", { "content-type": "application/x-www-form-urlencoded" });
  t.same([form.status, form.body.error.type], [415, "unsupported_media_type"]);
  t.equal(
    (await post('{"name":"R"}', { "content-type": "Application/JSON;charset=utf-8" })).status,
    200,
  );
  const both = await send("/pets/find?name=Rex", { method: "POST", body: '{"name":"Rex"}' });
  t.equal(both.status, 400);
  t.equal((await send("/pets/find?name=%ff")).status, 400);
});

t.test("a body without an end is left as soon as it is too long", async (t) => {
  const { app, calls } = startApp();
  let chunkCount = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      chunkCount += 1;
      // Whoever read on would never answer: here it ends all the same, for the test's sake.
      if (chunkCount === 500) controller.close();
      else controller.enqueue(new Uint8Array(64 * 1_024).fill(0x20));
    },
  });
  const request = new Request("http://site.test/pets/find", {
    method: "POST",
    headers: { authorization: "Bearer seam_issue", "content-type": "application/json" },
    body,
    duplex: "half",
  });
  t.equal((await app.answer(request, "10.0.0.1")).status, 413);
  t.ok(chunkCount < 30, `${chunkCount} chunks of 64 KiB`);
  t.same(calls, []);
});

t.test(
  "a store that is away is told as what passes, and an overtaken one as what does not",
  async (t) => {
    for (const [kind, status] of [
      ["unavailable", 503],
      ["overtaken", 500],
    ] as const) {
      const { send } = startApp({
        keys: {
          check: async () => {
            throw new StoreError(kind, "store: away");
          },
        },
      });
      const answer = await send("/pets/find?name=Rex");
      t.equal(answer.status, status);
      t.equal(answer.headers.get("retry-after"), kind === "unavailable" ? "5" : null);
    }
  },
);

t.test("another method and another path are told apart", async (t) => {
  const { send } = startApp();
  const method = await send("/pets/find?name=Rex", { method: "PUT" });
  t.same([method.status, method.headers.get("allow")], [405, "GET, POST, DELETE"]);
  const path = await send("/pets/lose?name=Rex");
  t.same([path.status, path.body.error.type], [404, "not_found"]);
});

t.test("what fails inside is told without saying what it was, and logged", async (t) => {
  const { send, log } = startApp();
  const { status, body, headers } = await send("/pets/find?name=broken");
  t.same([status, body.error.type], [500, "internal_error"]);
  t.notMatch(JSON.stringify(body), /cage/);
  t.match(log.text, /a cage is open/);
  t.match(log.text, headers.get("seam-request-id") ?? "none");
  t.notMatch(log.text, /seam_issue/);
});

t.test("a key that asks too often waits, and other keys do not", async (t) => {
  const limits = { key: { burst: 3, perSecond: 2 }, wrongKey: { burst: 2, perSecond: 1 } };
  const { send, clock } = startApp({ limits });
  const ask = (key = "seam_issue") => send("/pets/find?name=Rex", { key });
  t.same([(await ask()).headers.get("ratelimit-remaining"), (await ask()).status], ["2", 200]);
  t.equal((await ask()).status, 200);
  const late = await ask();
  t.same([late.status, late.body.error.type], [429, "too_many_requests"]);
  t.same(
    ["retry-after", "ratelimit-limit", "ratelimit-remaining"].map((name) => late.headers.get(name)),
    ["1", "3", "0"],
  );
  t.equal((await ask("seam_admin")).status, 200);
  clock.advance(500);
  t.same([(await ask()).status, (await ask()).status], [200, 429]);
});

t.test("an address whose keys are wrong is slowed, and a right key from it is not", async (t) => {
  const limits = { key: { burst: 9, perSecond: 1 }, wrongKey: { burst: 2, perSecond: 1 } };
  const { send } = startApp({ limits });
  const ask = async (key: string, from: string) =>
    (await send("/pets/find?name=Rex", { key, from })).status;
  t.same([await ask("seam_x", "10.0.0.1"), await ask("", "10.0.0.1")], [401, 401]);
  t.equal(await ask("seam_y", "10.0.0.1"), 429);
  t.equal(await ask("seam_y", "10.0.0.2"), 401);
  t.equal(await ask("seam_issue", "10.0.0.1"), 200);
});

t.test("why something is done is taken from its header, in any script", async (t) => {
  const { send, calls } = startApp();
  const reason = Buffer.from("Schlüssel verloren, 紛失").toString("latin1");
  await send("/pets/find?name=Rex", { headers: { "postern-reason": reason } });
  t.equal(calls[0]?.call.author.reason, "Schlüssel verloren, 紛失");
  for (const odd of ["\xff", "a".repeat(201), "a\tb"]) {
    const { status } = await send("/pets/find?name=Rex", { headers: { "postern-reason": odd } });
    t.equal(status, 400);
  }
  t.equal(calls.length, 1);
});

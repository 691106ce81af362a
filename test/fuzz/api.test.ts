import t, { type Test } from "tap";
import { Seeded, seedFor } from "../../hal/sim/seeded.ts";
import { isPublicAddress } from "../../src/compose/public-address.ts";
import { controllerId } from "../../src/domain/ids.ts";
import { hardwareRoutes } from "../../src/site/api/hardware-routes.ts";
import { noticeRoutes } from "../../src/site/api/notice-routes.ts";
import type { JsonRoute } from "../../src/site/api/route.ts";
import { createSiteApi, siteApiRoutes } from "../../src/site/api/site-api.ts";
import { openApiKey } from "../../src/site/api-key.ts";
import { EventStream } from "../../src/site/event-stream.ts";
import { nameUuid } from "../../src/site/name-uuid.ts";
import { openStateFolder } from "../../src/site/state-folder.ts";
import { type ApiRig, addUser, doorIds, startSiteApi } from "../unit/site/api/api-rig.ts";
import { startHardware, writerId } from "../unit/site/api/hardware-rig.ts";
import { site } from "../unit/site/site-rig.ts";
import { TableTaker } from "../unit/site/table-taker.ts";
import { oddNames, sampleObject, wrongFor } from "./nasty-input.ts";

const runCount = Number(process.env["FUZZ_RUNS"] ?? 1_000);
const seed = seedFor(process.env["FUZZ_SEED"]);
t.comment(`FUZZ_SEED=${seed} FUZZ_RUNS=${runCount}`);

/** Nobody is slowed: time stands still in these tests. */
const limits = {
  key: { burst: 1e9, perSecond: 1e9 },
  wrongKey: { burst: 1e9, perSecond: 1e9 },
};

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function start(t: Test) {
  const rig = await startHardware(t);
  const { apiSite, clock, engine, hardware, log } = rig;
  const fileKey = openApiKey(openStateFolder(rig.folder));
  const stream = new EventStream({ engine, clock, log });
  t.teardown(() => stream.close());
  const applyFile = () => Promise.reject(new Error("not asked"));
  const parts = {
    reach: { allowPrivate: false, isPublicAddress },
    stream,
    isAllowed: async () => true,
  };
  const further = [...hardwareRoutes(apiSite, hardware), ...noticeRoutes(apiSite, parts)];
  const app = createSiteApi({
    site: apiSite,
    fileKey,
    clock,
    log,
    applyFile,
    routes: further,
    limits,
  });
  const routes = siteApiRoutes({ site: apiSite, applyFile, routes: further }).filter(
    (route) => route.kind === "json",
  );
  const send = async (
    { path }: Pick<JsonRoute, "path">,
    method: string,
    body: string | Uint8Array<ArrayBuffer> | undefined,
    query = "",
  ): Promise<Answer> => {
    const request = new Request(`http://site.test${path}${query}`, {
      method,
      headers: { authorization: `Bearer ${rig.key}`, "content-type": "application/json" },
      ...(body !== undefined && { body }),
    });
    const answer = await app.answer(request, "10.0.0.1");
    return { status: answer.status, text: await answer.text() };
  };
  return { rig, routes, send };
}

/** All that is asked of a refusal: what it is, where it is, and that nothing came of it. */
function refusalFault(answer: Answer, field: string): string | undefined {
  if (isDryRunOfFaults(answer)) return undefined;
  if (answer.status < 400 || answer.status > 499) return `answered ${answer.status}`;
  const { error, ok } = JSON.parse(answer.text);
  if (ok !== false || typeof error.type !== "string") return "is no refusal in Seam's shape";
  if (answer.status === 413) return undefined;
  const tree = error.validation_errors ?? {};
  if (field === "" ? tree._errors?.length > 0 : Object.hasOwn(tree, field)) return undefined;
  return `does not name ${JSON.stringify(field)}: ${answer.text.slice(0, 300)}`;
}

/** A dry run of an import is asked what is wrong, and answers with that. */
function isDryRunOfFaults({ status, text }: Answer): boolean {
  return status === 200 && JSON.parse(text).import?.faults?.length > 0;
}

interface Spoilt {
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Which field must be named. */
  readonly field: string;
}

const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

/** An input that nothing can be made of, and where that shows. */
function spoil(route: JsonRoute, input: Record<string, unknown>, random: Seeded): Spoilt {
  const { entries } = route.input;
  const names = Object.keys(entries);
  const field = names[random.between(0, names.length - 1)];
  const entry = field === undefined ? undefined : entries[field];
  const rest = (): string => JSON.stringify(input).slice(1, -1);
  const joined = (member: string): string => `{${[rest(), member].filter(Boolean).join(",")}}`;
  switch (
    random.pick(["value", "value", "value", "twice", "unknown", "deep", "huge", "cut", "bytes"])
  ) {
    case "value": {
      const wrong = entry === undefined ? undefined : wrongFor(entry, random);
      if (field === undefined || wrong === undefined) break;
      return { body: JSON.stringify({ ...input, [field]: wrong.value }), field };
    }
    case "twice": {
      const [name] = Object.keys(input);
      if (name === undefined) break;
      return { body: joined(`"${name}":1`), field: name };
    }
    case "deep":
      return { body: joined(`"deep":${deep(random.between(20, 50_000))}`), field: "deep" };
    case "huge":
      return { body: joined(`"huge":"${"x".repeat(1_024 * 1_024)}"`), field: "huge" };
    case "cut":
      return {
        body: JSON.stringify({ ...input, more: 1 }).slice(0, -random.between(1, 5)),
        field: "",
      };
    case "bytes":
      return { body: Uint8Array.from({ length: 40 }, () => random.between(128, 255)), field: "" };
    default:
  }
  const odd = random.pick(["nope", "toString", "hasOwnProperty", "__proto__", "ends_At", "0"]);
  return { body: joined(`${JSON.stringify(odd)}:${random.pick(["1", "null", "{}"])}`), field: odd };
}

t.test("an input that is spoilt is refused with its field, and changes nothing", async (t) => {
  const { rig, routes, send } = await start(t);
  const paths = new Set(routes.map(({ path }) => path));
  t.strictSame(
    furtherPaths.filter((path) => !paths.has(path)),
    [],
    "nothing is left out",
  );
  const random = new Seeded(seed, "spoilt");
  const known = await knownIds(rig);
  const before = await rig.store.revision();
  for (let run = 0; run < runCount; run += 1) {
    const route = routes[run % routes.length];
    if (route === undefined) break;
    const method = route.methods.find((name) => name !== "GET" && name !== "DELETE");
    if (method === undefined) continue;
    const input = sampleObject(route.input.entries, random, known);
    const { body, field } = spoil(route, input, random);
    const answer = await send(route, method, body);
    const fault = refusalFault(answer, field);
    if (fault !== undefined) {
      t.fail(`${method} ${route.path}: ${fault}`, { run, body: String(body).slice(0, 500) });
      return;
    }
  }
  t.equal(await rig.store.revision(), before);
  t.notMatch(rig.log.text, "a request failed");
});

t.test("a query that is spoilt is refused, and changes nothing", async (t) => {
  const { rig, routes, send } = await start(t);
  const random = new Seeded(seed, "query");
  const before = await rig.store.revision();
  for (let run = 0; run < runCount / 4; run += 1) {
    const route = routes[random.between(0, routes.length - 1)];
    const method = route?.methods.find((name) => name === "GET" || name === "DELETE");
    if (route === undefined || method === undefined) continue;
    const names = Object.keys(route.input.entries);
    const name = names[random.between(0, Math.max(0, names.length - 1))] ?? "none";
    const [query, field] = random.pick([
      ["?nope=1", "nope"],
      ["?__proto__=1", "__proto__"],
      ["?a.b.c=1", "a.b.c"],
      [`?${name}=%00`, name],
      [`?${name}=%ed%a0%80`, ""],
      ["?%ff=1", ""],
      ["?=1", ""],
      [`?${"x".repeat(4_000)}=1`, "x".repeat(64)],
    ] as const);
    const answer = await send(route, method, undefined, query);
    const fault = refusalFault(answer, field.split(".")[0] ?? "");
    if (fault !== undefined) {
      t.fail(`${method} ${route.path}${query.slice(0, 100)}: ${fault}`, { run });
      return;
    }
  }
  t.equal(await rig.store.revision(), before);
});

t.test(
  "whatever is asked, nothing fails inside, and what is refused changes nothing",
  async (t) => {
    const { rig, routes, send } = await start(t);
    await begin(rig, send);
    const random = new Seeded(seed, "likely");
    const counts = new Map<number, number>();
    const done = new Set<string>();
    // The takers below know the site's first key alone, and nobody plays a controller that obeys.
    const left = ["/postern/site/rotate-key", "/postern/doors/override"];
    const asked = routes.filter(({ path }) => !left.includes(path));
    for (let run = 0; run < runCount / 4; run += 1) {
      const route = asked[random.between(0, asked.length - 1)];
      const method = route?.methods.find((name) => name !== "GET" && name !== "DELETE");
      if (route === undefined || method === undefined) continue;
      const known = await knownIds(rig);
      const input = sampleObject(route.input.entries, random, known);
      const before = await rig.store.revision();
      const { status, text } = await send(route, method, JSON.stringify(input));
      counts.set(status, (counts.get(status) ?? 0) + 1);
      if (status === 200) done.add(route.path);
      const isRefused = status >= 400;
      if (status >= 500 || (isRefused && (await rig.store.revision()) !== before)) {
        t.fail(`${route.path} answered ${status}`, {
          run,
          input,
          text,
          log: rig.log.text.slice(-500),
        });
        return;
      }
    }
    t.comment(`done at least once: ${[...done].sort().join(" ")}`);
    t.comment(`answers: ${[...counts].map(([status, count]) => `${status} ${count}x`).join(", ")}`);
    t.ok((counts.get(200) ?? 0) > 0);
    // Every controller could open up with what came of it.
    for (const { controller } of await rig.engine.controllers()) {
      const taker = new TableTaker({ broker: rig.broker, service: rig.keys }, controller);
      t.doesNotThrow(() => taker.follow(), controller);
    }
  },
);

t.test("a name in any script takes no door down", async (t) => {
  const rig = await startSiteApi(t, { limits });
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${rig.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${rig.key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: JSON.parse(await answer.text()) };
  };
  for (const [index, name] of oddNames.entries()) {
    const user = await addUser(rig, name);
    t.equal(user.full_name, name);
    const door = { id: `door-${index}`, name, controller: "one" };
    t.strictSame((await post("/postern/doors/create", door)).body.door?.name, name);
    const { acs_user_id } = user;
    await rig.client.acs.entrances.grantAccess({ acs_entrance_id: doorIds.front, acs_user_id });
    await rig.client.acs.credentials.create({ acs_user_id, access_method: "code" });
  }
  const taker = new TableTaker({ broker: rig.broker, service: rig.keys }, controllerId("one"));
  t.equal([...taker.follow().passRecords()].length, oddNames.length);
});

const readerUuid = nameUuid(site, "acs_encoder", "one/front");

const furtherPaths: readonly `/${string}`[] = [
  "/acs/encoders/scan_credential",
  "/acs/encoders/scan_to_assign_credential",
  "/acs/encoders/encode_credential",
  "/acs/entrances/unlock",
  "/action_attempts/get",
  "/events/get",
  "/events/list",
  "/postern/enrolments/create",
  "/webhooks/create",
  "/webhooks/delete",
  "/postern/webhooks/deliveries",
];

/** Something of each kind that hardware, events and webhooks have, whose ids are known then. */
async function begin(rig: ApiRig, send: Awaited<ReturnType<typeof start>>["send"]): Promise<void> {
  const { acs_user_id } = await addUser(rig, "Ada");
  const made = [
    ["/webhooks/create", { url: "https://hooks.example.com/postern" }],
    ["/acs/credentials/create", { acs_user_id, access_method: "code" }],
    ["/acs/encoders/scan_credential", { acs_encoder_id: readerUuid }],
    ["/acs/entrances/unlock", { acs_entrance_id: doorIds.front }],
  ] as const;
  for (const [path, body] of made) {
    const { status, text } = await send({ path }, "POST", JSON.stringify(body));
    if (status !== 200) throw new Error(`${path}: ${text}`);
  }
}

/** Ids of everything, so that now and then a request means something that is there. */
async function knownIds({
  store,
  apiSite,
}: Pick<ApiRig, "store" | "apiSite">): Promise<readonly string[]> {
  const { rows } = store;
  const found = await Promise.all([
    rows.selectFrom("users").select(["id", "uuid"]).limit(5).execute(),
    rows.selectFrom("passes").select(["id", "uuid"]).limit(5).execute(),
    rows.selectFrom("rules").select(["id", "uuid"]).limit(5).execute(),
    rows.selectFrom("surroundings").select(["id", "uuid"]).limit(9).execute(),
  ]);
  const told = await Promise.all([
    rows.selectFrom("webhooks").select("id").limit(5).execute(),
    rows.selectFrom("actionAttempts").select("id").limit(5).execute(),
    rows.selectFrom("notices").select("id").limit(5).execute(),
  ]);
  return [
    apiSite.identity.systemId,
    writerId,
    readerUuid,
    ...found.flat().flatMap(({ id, uuid }) => [id, uuid]),
    ...told.flat().map(({ id }) => id),
  ];
}

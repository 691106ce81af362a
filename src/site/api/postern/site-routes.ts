import * as v from "valibot";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import { isZoneName } from "../../../protocols/sync/zone-name.ts";
import { describeTomlFault, type TomlFault } from "../../../protocols/toml/toml-fault.ts";
import { textLike } from "../../../protocols/toml/toml-schema.ts";
import { zoneFact } from "../../model-rows.ts";
import { versionJson } from "../../site-json.ts";
import type { Author } from "../../store/site-store.ts";
import type { AppliedTable } from "../../table-publisher.ts";
import { countOf, type Rows } from "../acs/find-rows.ts";
import { nameFact } from "../acs/system-routes.ts";
import { answerJson } from "../api-answer.ts";
import { type ApiFault, inputFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { issue } from "../issue.ts";
import { readText } from "../request-body.ts";
import { jsonRoute, type Route } from "../route.ts";
import { nameText } from "../schema-parts.ts";

/** The longest site file that is taken over HTTP. */
export const siteFileBytesMax = 4 * 1_024 * 1_024;

/** What faults call a file that came without a name. */
const namelessFile = "site.toml";

/** Makes the site what a file says. */
export type ApplySiteFile = (applied: {
  readonly text: string;
  readonly name: string;
  readonly author: Author;
}) => Promise<Result<readonly AppliedTable[], readonly TomlFault[]>>;

export function siteRoutes(site: ApiSite, apply: ApplySiteFile): readonly Route[] {
  return [getRoute(site), updateRoute(site), applyRoute(apply), rotateRoute(site)];
}

function getRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET"],
    path: "/postern/site",
    role: "read",
    summary: "How much of everything the site has, and which tables its controllers are to have.",
    input: v.strictObject({}),
    answer: { key: "site", is: "object", of: "site" },
    handle: async () => {
      const { store, engine } = site.issuer;
      const tables = (await engine.controllers()).flatMap(({ controller, sync }) =>
        sync === undefined ? [] : [{ controller, ...versionJson(sync.wanted) }],
      );
      return succeed({ site: site.site, applied: await appliedJson(store.rows), tables });
    },
  });
}

/** Counts only: what people and cards are called is not for whoever watches versions. */
async function appliedJson(rows: Rows) {
  const file = await rows
    .selectFrom("audit")
    .select("detail")
    .where("action", "=", "site_file.apply")
    .orderBy("position", "desc")
    .limit(1)
    .executeTakeFirst();
  const { file: name = null } = JSON.parse(file?.detail ?? "{}") as { readonly file?: string };
  const facts = await rows.selectFrom("facts").selectAll().where("key", "=", zoneFact).execute();
  const surroundings = await rows.selectFrom("surroundings").select(["kind", "body"]).execute();
  const of = (kind: string) => surroundings.filter((row) => row.kind === kind);
  const controllers = of("door").map(
    ({ body }) => (JSON.parse(body) as { readonly controller: string }).controller,
  );
  return {
    file: name,
    zone: facts[0]?.value ?? "UTC",
    counts: {
      controllers: new Set(controllers).size,
      doors: of("door").length,
      users: await countOf(rows, "users"),
      passes: await countOf(rows, "passes"),
      rules: await countOf(rows, "rules"),
      schedules: of("schedule").length,
      zones: of("zone").length,
      areas: of("area").length,
      calendar_days: of("calendar_day").length,
    },
  };
}

function updateRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["PATCH", "POST"],
    path: "/postern/site/update",
    role: "admin",
    summary: "Changes the site's name, or the zone in which all its wall times are read.",
    input: v.strictObject({
      name: v.exactOptional(nameText),
      zone: v.exactOptional(textLike(isZoneName, "an IANA time zone such as Europe/Berlin")),
    }),
    handle: async ({ name, zone }, call) =>
      await issue(site, call, async ({ rows, touch, note }) => {
        const facts = [
          ...(name === undefined ? [] : [{ key: nameFact, value: name }]),
          ...(zone === undefined ? [] : [{ key: zoneFact, value: zone }]),
        ];
        for (const fact of facts) {
          await rows
            .insertInto("facts")
            .values(fact)
            .onConflict((known) => known.column("key").doUpdateSet(fact))
            .execute();
        }
        if (zone !== undefined) touch.surroundings();
        const detail = Object.fromEntries(facts.map(({ key, value }) => [key, value]));
        note({ action: "site.update", subject: { kind: "site", id: site.site }, detail });
        return succeed({});
      }),
  });
}

function applyRoute(apply: ApplySiteFile): Route {
  return {
    kind: "raw",
    methods: ["POST"],
    path: "/postern/site",
    role: "admin",
    summary: "Applies a site file: what it names is made so. The query's `file` is its name.",
    takes: "application/toml",
    gives: "application/json",
    run: async (request, { url, author }) => {
      const name = fileNameOf(url);
      if (!name.ok) return name;
      const text = await readText(request, siteFileBytesMax);
      if (!text.ok) return text;
      const applied = await apply({ text: text.value, name: name.value, author });
      if (!applied.ok) return fail(fileFault(applied.fault));
      const tables = applied.value.map(({ controller, table, changed }) => ({
        controller,
        ...versionJson(table),
        changed,
      }));
      return succeed(answerJson({ tables, ok: true }));
    },
  };
}

function fileNameOf({ searchParams }: URL): Result<string, ApiFault> {
  const unknown = [...searchParams.keys()].filter((key) => key !== "file");
  if (unknown.length > 0) {
    const faults = unknown.map((key) => [key, ["unknown parameter; expected file"]] as const);
    return fail(inputFault(Object.fromEntries(faults)));
  }
  const [name = namelessFile, ...others] = searchParams.getAll("file");
  if (others.length === 0 && /^[^\p{Cc}\p{Cs}]{1,200}$/u.test(name)) return succeed(name);
  return fail(inputFault({ file: ["expected a file's name of 1 to 200 characters"] }));
}

function fileFault(faults: readonly TomlFault[]): ApiFault {
  const fields = new Map<string, string[]>();
  for (const fault of faults) {
    const field = fault.key === "" ? "body" : fault.key;
    fields.set(field, [...(fields.get(field) ?? []), describeTomlFault(fault)]);
  }
  return {
    status: 400,
    type: "invalid_input",
    message: faults.map(describeTomlFault).join("\n"),
    fields: Object.fromEntries(fields),
    more: { faults },
  };
}

function rotateRoute({ issuer, site }: ApiSite): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/postern/site/rotate-key",
    role: "admin",
    summary: "Signs with a new key from now on; controllers follow.",
    input: v.strictObject({}),
    answer: { key: "serial", is: "object", of: "serial" },
    handle: async (_input, { author }) => {
      const serial = await issuer.engine.rotateKey();
      await issuer.store.change(author, async ({ note }) => {
        const subject = { kind: "site", id: site };
        note({ action: "site.rotate_key", subject, detail: { serial } });
        return succeed(undefined);
      });
      return succeed({ serial });
    },
  });
}

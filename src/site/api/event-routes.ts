import * as v from "valibot";
import { fail, type Result, succeed } from "../../domain/result.ts";
import { noticeTypes } from "../notice.ts";
import { findNotice, listNotices } from "../store/notices.ts";
import { type ApiFault, inputFault, notFound } from "./api-fault.ts";
import type { ApiSite } from "./api-site.ts";
import { pageLimit } from "./page.ts";
import { jsonRoute, type Route } from "./route.ts";
import { countUpTo, instantText, textOf, uuidList, uuidText } from "./schema-parts.ts";

/** Seam's events: what was issued and who was let in. */
export function eventRoutes(site: ApiSite): readonly Route[] {
  return [getRoute(site), listRoute(site)];
}

function getRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/events/get",
    role: "read",
    summary: "Gets an event, or the newest of a type.",
    input: v.strictObject({
      event_id: v.exactOptional(uuidText),
      event_type: v.exactOptional(textOf(100)),
      device_id: v.exactOptional(uuidText),
    }),
    answer: { key: "event", is: "object", of: "event" },
    handle: async ({ event_id: id, event_type: type, device_id: device }) => {
      const { rows } = issuer.store;
      if (id === undefined && type === undefined && device === undefined) {
        return fail(inputFault({ event_id: ["expected this, or event_type"] }));
      }
      // Doors are no devices here.
      if (device !== undefined) return notFound("event");
      if (id !== undefined) {
        const found = await findNotice(rows, id);
        if (found === undefined || (type ?? found.type) !== found.type) return notFound("event");
        return succeed({ event: JSON.parse(found.body) as object });
      }
      const types = noticeTypes.filter((known) => known === type);
      const [newest] = await listNotices(rows, { types, subjects: [], limit: 1, offset: 0 });
      if (newest === undefined) return notFound("event");
      return succeed({ event: JSON.parse(newest.body) as object });
    },
  });
}

const instantPair = v.pipe(
  v.array(instantText, "a list of two instants"),
  v.length(2, "a list of two instants"),
);

/** What Seam's events may be of and ours never are: whoever asks for one gets none. */
const neverEntries = {
  customer_key: v.exactOptional(textOf(200)),
  device_id: v.exactOptional(uuidText),
  device_ids: v.exactOptional(uuidList),
  access_code_id: v.exactOptional(uuidText),
  access_code_ids: v.exactOptional(uuidList),
  access_grant_id: v.exactOptional(uuidText),
  access_grant_ids: v.exactOptional(uuidList),
  access_method_id: v.exactOptional(uuidText),
  access_method_ids: v.exactOptional(uuidList),
  connect_webview_id: v.exactOptional(uuidText),
  space_id: v.exactOptional(uuidText),
  space_ids: v.exactOptional(uuidList),
  user_identity_id: v.exactOptional(uuidText),
};

/** What an event may be of, the one likely to have the fewest first. */
const subjectEntries = {
  acs_credential_id: v.exactOptional(uuidText),
  acs_user_id: v.exactOptional(uuidText),
  acs_access_group_id: v.exactOptional(uuidText),
  acs_encoder_id: v.exactOptional(uuidText),
  acs_entrance_id: v.exactOptional(uuidText),
};

const offsetMax = 10_000;

const listInput = v.strictObject({
  since: v.exactOptional(instantText),
  between: v.exactOptional(instantPair),
  event_type: v.exactOptional(textOf(100)),
  event_types: v.exactOptional(
    v.pipe(v.array(textOf(100), "a list of types"), v.maxLength(200, "at most 200 types")),
  ),
  event_ids: v.exactOptional(uuidList),
  acs_system_id: v.exactOptional(uuidText),
  acs_system_ids: v.exactOptional(uuidList),
  connected_account_id: v.exactOptional(uuidText),
  ...subjectEntries,
  ...neverEntries,
  limit: v.exactOptional(countUpTo(pageLimit), pageLimit),
  unstable_offset: v.exactOptional(
    v.pipe(
      v.number(`a whole number from 0 to ${offsetMax}`),
      v.integer(`a whole number from 0 to ${offsetMax}`),
      v.minValue(0, `a whole number from 0 to ${offsetMax}`),
      v.maxValue(offsetMax, `a whole number from 0 to ${offsetMax}`),
    ),
    0,
  ),
});

type ListInput = v.InferOutput<typeof listInput>;

function listRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/events/list",
    role: "read",
    summary: "Lists events, the newest first.",
    input: listInput,
    answer: { key: "events", is: "list", of: "event" },
    handle: async (input) => {
      const span = spanOf(input);
      if (!span.ok) return span;
      if (isOfOthers(site, input)) return succeed({ events: [] });
      const { event_ids: ids, limit, unstable_offset: offset } = input;
      const notices = await listNotices(site.issuer.store.rows, {
        types: noticeTypes.filter((type) => isAskedFor(input, type)),
        subjects: Object.keys(subjectEntries).flatMap(
          (name) => input[name as keyof typeof subjectEntries] ?? [],
        ),
        limit,
        offset,
        ...(ids !== undefined && { ids }),
        ...span.value,
      });
      return succeed({ events: notices.map(({ body }) => JSON.parse(body) as object) });
    },
  });
}

function spanOf({
  since,
  between,
}: ListInput): Result<{ readonly since?: number; readonly until?: number }, ApiFault> {
  const [from, until] = between ?? [];
  if (since !== undefined && from !== undefined) {
    return fail(inputFault({ since: ["expected this or between"] }));
  }
  const begins = since ?? from;
  return succeed({
    ...(begins !== undefined && { since: begins }),
    ...(until !== undefined && { until }),
  });
}

function isAskedFor({ event_type: one, event_types: several }: ListInput, type: string): boolean {
  return (one ?? type) === type && (several?.includes(type) ?? true);
}

/** Of another system, or of something that this one does not have. */
function isOfOthers({ identity }: ApiSite, input: ListInput): boolean {
  const { acs_system_id: system, acs_system_ids: systems, connected_account_id: account } = input;
  return (
    (system ?? identity.systemId) !== identity.systemId ||
    !(systems?.includes(identity.systemId) ?? true) ||
    (account ?? identity.connectedAccountId) !== identity.connectedAccountId ||
    input.event_ids?.length === 0 ||
    Object.keys(neverEntries).some((name) => input[name as keyof typeof neverEntries] !== undefined)
  );
}

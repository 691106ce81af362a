import * as v from "valibot";
import { succeed } from "../../../domain/result.ts";
import { remoteUnlockFact, remoteUnlockPolicies, remoteUnlockPolicy } from "../../remote-unlock.ts";
import type { ApiSite } from "../api-site.ts";
import { issue } from "../issue.ts";
import { jsonRoute, type Route } from "../route.ts";

const answer = { key: "remote_unlock", is: "object", of: "remote_unlock" } as const;
const policyText = v.picklist(remoteUnlockPolicies, `one of ${remoteUnlockPolicies.join(", ")}`);

/** Who may unlock doors from afar: behaviour 36. */
export function remoteUnlockRoutes(site: ApiSite): readonly Route[] {
  return [
    jsonRoute({
      methods: ["GET", "POST"],
      path: "/postern/remote_unlock/get",
      role: "read",
      summary: "Gets who may unlock doors from afar.",
      input: v.strictObject({}),
      answer,
      handle: async () =>
        succeed({ remote_unlock: { policy: await remoteUnlockPolicy(site.issuer.store.rows) } }),
    }),
    jsonRoute({
      methods: ["POST"],
      path: "/postern/remote_unlock/update",
      role: "admin",
      summary: "Says who may unlock doors from afar.",
      input: v.strictObject({ policy: policyText }),
      answer,
      handle: async ({ policy }, call) =>
        await issue(site, call, async ({ rows, note }) => {
          const row = { key: remoteUnlockFact, value: policy };
          await rows
            .insertInto("facts")
            .values(row)
            .onConflict((clash) => clash.column("key").doUpdateSet({ value: policy }))
            .execute();
          const subject = { kind: "site", id: site.site };
          note({ action: "remote_unlock.update", subject, detail: { policy } });
          return succeed({ remote_unlock: { policy } });
        }),
    }),
  ];
}

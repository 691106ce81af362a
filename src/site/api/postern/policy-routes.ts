import * as v from "valibot";
import { pinDigitsMax, pinDigitsMin } from "../../../domain/credential.ts";
import { fail, succeed } from "../../../domain/result.ts";
import { wholeNumber } from "../../../protocols/toml/toml-schema.ts";
import type { Rows } from "../acs/find-rows.ts";
import { cardFormats, usualFormat, usualFormatFact } from "../acs/given-card.ts";
import { pinLength, pinLengthFact } from "../acs/pins.ts";
import { inputFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { jsonRoute, type Route } from "../route.ts";
import { textOf } from "../schema-parts.ts";

const answer = { key: "issuing_policy", is: "object", of: "issuing_policy" } as const;

export function policyRoutes(site: ApiSite): readonly Route[] {
  return [getRoute(site), updateRoute(site)];
}

async function policyJson(rows: Rows) {
  return {
    issuing_policy: {
      pin_digits_min: pinDigitsMin,
      pin_digits_max: pinDigitsMax,
      drawn_pin_digits: await pinLength(rows),
      usual_card_format: await usualFormat(rows),
    },
  };
}

function getRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["GET", "POST"],
    path: "/postern/issuing_policy/get",
    role: "read",
    summary: "How long PINs are, and which cards are meant by a number alone.",
    input: v.strictObject({}),
    answer,
    handle: async () => succeed(await policyJson(issuer.store.rows)),
  });
}

function updateRoute({ issuer }: ApiSite): Route {
  return jsonRoute({
    methods: ["PATCH", "POST"],
    path: "/postern/issuing_policy/update",
    role: "admin",
    summary: "Changes how long drawn PINs are, or which cards are meant by a number alone.",
    input: v.strictObject({
      drawn_pin_digits: v.exactOptional(wholeNumber({ min: pinDigitsMin, max: pinDigitsMax })),
      usual_card_format: v.exactOptional(textOf(32)),
    }),
    answer,
    handle: async (input, { author }) =>
      await issuer.store.change(author, async ({ rows, note }) => {
        const { drawn_pin_digits: digits, usual_card_format: format } = input;
        const formats = await cardFormats(rows);
        if (format !== undefined && !formats.some(({ name }) => name === format)) {
          const names = formats.map(({ name }) => name).join(", ");
          return fail(inputFault({ usual_card_format: [`expected one of ${names}`] }));
        }
        const facts = [
          ...(digits === undefined ? [] : [{ key: pinLengthFact, value: String(digits) }]),
          ...(format === undefined ? [] : [{ key: usualFormatFact, value: format }]),
        ];
        for (const fact of facts) {
          await rows
            .insertInto("facts")
            .values(fact)
            .onConflict((known) => known.column("key").doUpdateSet(fact))
            .execute();
        }
        const subject = { kind: "issuing_policy", id: "site" };
        note({ action: "issuing_policy.update", subject, detail: input });
        return succeed(await policyJson(rows));
      }),
  });
}

import * as v from "valibot";
import { succeed } from "../../../domain/result.ts";
import { siteKeyText } from "../../../protocols/mobile-pass/phone-state.ts";
import { siteKeyFingerprint } from "../../../protocols/mobile-pass/site-key-fingerprint.ts";
import type { ApiSite } from "../api-site.ts";
import { jsonRoute, type Route } from "../route.ts";

/** What a phone has to know of a site before it is enrolled: public, and nothing else. */
export function mobileKeyRoutes({ site, mobileKey }: ApiSite): readonly Route[] {
  return [
    jsonRoute({
      methods: ["GET", "POST"],
      path: "/postern/mobile_key/get",
      role: "read",
      summary:
        "Gets the key by which phones know the site's readers, as a phone is given it, and its " +
        "fingerprint for people to compare.",
      input: v.strictObject({}),
      answer: { key: "mobile_key", is: "object", of: "mobile_key" },
      handle: async () => {
        const key = mobileKey();
        const fingerprint = siteKeyFingerprint(key);
        return succeed({ mobile_key: { site, public_key: siteKeyText(key), fingerprint } });
      },
    }),
  ];
}

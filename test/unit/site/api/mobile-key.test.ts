import { createHash } from "node:crypto";
import t from "tap";
import { parseSiteKey } from "../../../../src/protocols/mobile-pass/phone-state.ts";
import { startSiteApi } from "./api-rig.ts";

t.test(
  "whoever may read gets the key that phones are given, and no other of the site",
  async (t) => {
    const rig = await startSiteApi(t);
    const reading = await rig.addKey("read");
    const get = async (method: "GET" | "POST") => {
      const response = await fetch(`${rig.url}/postern/mobile_key/get`, {
        method,
        headers: { authorization: `Bearer ${reading}` },
      });
      t.equal(response.status, 200);
      return JSON.parse(await response.text());
    };
    const { mobile_key, ok } = await get("GET");
    t.equal(ok, true);
    t.same(Object.keys(mobile_key).sort(), ["fingerprint", "public_key", "site"]);
    const key = parseSiteKey(mobile_key.public_key);
    t.ok(key.ok && key.value.equals(rig.keys.mobileKey()), "the one that certifies readers");
    const bytes = Buffer.from(mobile_key.public_key, "base64url");
    const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 32);
    t.equal(mobile_key.fingerprint, (digest.match(/.{4}/g) ?? []).join("-"));
    t.equal(mobile_key.site, "test");
    t.same((await get("POST")).mobile_key, mobile_key, "and it stays the same");
    const stranger = await fetch(`${rig.url}/postern/mobile_key/get`);
    t.equal(stranger.status, 401);
  },
);

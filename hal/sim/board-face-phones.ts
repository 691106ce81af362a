import type { Hono } from "hono";
import * as v from "valibot";
import { readerId } from "../../src/domain/ids.ts";
import { unreachable } from "../../src/domain/unreachable.ts";
import { parseSiteKey, serialisePhone } from "../../src/protocols/mobile-pass/phone-state.ts";
import { bodyOf, parsedBy, type Refusal, refuse } from "./face-request.ts";
import type { SimPhoneFault, SimPhones } from "./sim-phones.ts";

/** Next to the reader. */
const defaultRssi = -50;

const nameExpected = "a phone's name: 1 to 64 letters, digits, - or _";
const rssiExpected = "dBm, from -127 to 20";
const phoneSchema = v.strictObject(
  {
    phone: v.pipe(v.string(nameExpected), v.regex(/^[A-Za-z0-9_-]{1,64}$/, nameExpected)),
    action: v.picklist(["enrol", "present"], '"enrol" or "present"'),
    site_key: v.exactOptional(v.string("the site's mobile key, a text")),
    rssi: v.exactOptional(
      v.pipe(v.number(rssiExpected), v.minValue(-127, rssiExpected), v.maxValue(20, rssiExpected)),
    ),
  },
  (issue) => (issue.expected === "never" ? "no field of this name" : "a field that is there"),
);

/** Somebody holds a phone to a reader. The answer comes when the phone has its own. */
export function addPhones(face: Hono, phones: SimPhones): void {
  face.post("/sim/readers/:reader/phone", async (c) => {
    const body = await bodyOf(c);
    const parsed = body.ok ? parsedBy(phoneSchema, body.value) : body;
    if (!parsed.ok) return refuse(c, { status: 400, ...parsed.fault });
    const { site_key, rssi = defaultRssi, ...use } = parsed.value;
    const key = site_key === undefined ? undefined : parseSiteKey(site_key);
    if (key !== undefined && !key.ok) {
      return refuse(c, { status: 400, field: "site_key", expected: key.fault });
    }
    const siteKey = key && { siteKey: key.value };
    const reader = readerId(c.req.param("reader"));
    const outcome = await phones.use(reader, { ...use, rssi, ...siteKey });
    if (typeof outcome === "string") return refuse(c, refusalOf(outcome, phones));
    return c.json({ ok: true, ...outcome });
  });

  // Its keys open the doors of a simulated board, which whoever is here opens anyway.
  face.get("/sim/phones/:phone", (c) => {
    const state = phones.stateOf(c.req.param("phone"));
    if (state !== undefined) {
      return c.body(serialisePhone(state), 200, { "content-type": "application/json" });
    }
    return refuse(c, { status: 404, field: "phone", expected: "one that was used here" });
  });
}

function refusalOf(fault: SimPhoneFault, phones: SimPhones): Refusal {
  switch (fault) {
    case "no_radio": {
      const ids = phones.readers.join(", ");
      const expected = `one that takes phones: ${ids === "" ? "there is none" : ids}`;
      return { status: 404, field: "reader", expected };
    }
    case "site_key_missing": {
      const expected = "the site's mobile key, the first time that this phone is used";
      return { status: 400, field: "site_key", expected };
    }
    case "too_many":
      return { status: 503, field: "phone", expected: "fewer phones" };
    case "in_use":
      return { status: 503, field: "phone", expected: "one reader at a time" };
    default:
      return unreachable(fault);
  }
}

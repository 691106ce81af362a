import { parsePhoneCredential, rawBitsMax } from "../domain/credential.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { CardArgument } from "../protocols/local/local-message.ts";

export const cardExample = "as H10301:12:34567";
export const cardExpectation = `a format and its fields, ${cardExample}`;

/**
 * `H10301:12:34567`: a format's name and its fields in their order, which the controller knows.
 * `12:34567`, as it is printed on most cards, is H10301. `{"format": "H10301", "facility": 12, …}`
 * is what the simulated board takes: one card can be shown to both. `phone:0123…` is a phone, as
 * `postern phone list` tells it.
 */
export function parseCardArgument(text: string): Result<CardArgument, string> {
  if (text.trimStart().startsWith("{")) return parseCardObject(text);
  if (/^[0-9]+:[0-9]+$/.test(text)) return succeed({ format: "H10301", values: text.split(":") });
  if (parsePhoneCredential(text).ok) return succeed({ phone: text.slice(text.indexOf(":") + 1) });
  const [format = "", ...values] = text.split(":");
  if (format === "" || values.length === 0 || values.includes("")) return fail(cardExpectation);
  return succeed({ format, values });
}

function parseCardObject(text: string): Result<CardArgument, string> {
  const { format, ...rest } = parseObject(text);
  if (typeof format !== "string" || format === "") return fail(cardExpectation);
  const fields: [string, number | string][] = [];
  for (const [name, value] of Object.entries(rest)) {
    if (typeof value !== "number" && typeof value !== "string") return fail(cardExpectation);
    fields.push([name, value]);
  }
  return succeed({ format, fields: Object.fromEntries(fields) });
}

/** Empty where `text` is no JSON object. */
function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return { ...(JSON.parse(text) as object) };
  } catch {
    return {};
  }
}

export function parseBitsArgument(text: string): Result<CardArgument, string> {
  const bits = text.replaceAll(" ", "");
  if (!/^[01]+$/.test(bits) || bits.length > rawBitsMax) {
    return fail(`1 to ${rawBitsMax} of 0 and 1, first bit on the wire first`);
  }
  return succeed({ bits });
}

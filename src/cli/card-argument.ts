import { rawBitsMax } from "../domain/credential.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { CardArgument } from "../protocols/local/local-message.ts";

/** `H10301:12:34567`: a format's name and its fields in their order. The controller knows them. */
export function parseCardArgument(text: string): Result<CardArgument, string> {
  const [format = "", ...values] = text.split(":");
  if (format === "" || values.length === 0 || values.includes("")) {
    return fail("a format and its fields, as H10301:12:34567");
  }
  return succeed({ format, values });
}

export function parseBitsArgument(text: string): Result<CardArgument, string> {
  const bits = text.replaceAll(" ", "");
  if (!/^[01]+$/.test(bits) || bits.length > rawBitsMax) {
    return fail(`1 to ${rawBitsMax} of 0 and 1, first bit on the wire first`);
  }
  return succeed({ bits });
}

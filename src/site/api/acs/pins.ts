import { randomInt } from "node:crypto";
import { type PinDigest, pinDigitsMax, pinDigitsMin } from "../../../domain/credential.ts";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import { type ApiFault, conflict, inputFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import type { Rows } from "./find-rows.ts";

/** The fact that says how many digits a generated PIN has. */
export const pinLengthFact = "pin_length";
export const usualPinLength = 6;

/** With that many PINs in use that none is found, more digits are called for. */
const drawsMax = 100;

export interface FreePin {
  readonly digits: string;
  readonly digest: PinDigest;
}

/** `of`: the pass whose own it may be. */
export async function givenPin(
  { digestPin }: ApiSite,
  rows: Rows,
  digits: string,
  of?: string,
): Promise<Result<FreePin, ApiFault>> {
  if (digits.length < pinDigitsMin || digits.length > pinDigitsMax) {
    return fail(inputFault({ code: [`expected ${pinDigitsMin} to ${pinDigitsMax} digits`] }));
  }
  const digest = digestPin(digits);
  if (await isFree(rows, digest, of)) return succeed({ digits, digest });
  return conflict("duplicate_code", "Another credential has this code.", {
    code: ["expected a code that no other credential has"],
  });
}

/** Each as likely as any other that is free: what people choose is guessed first. */
export async function drawPin(
  { digestPin }: ApiSite,
  rows: Rows,
): Promise<Result<FreePin, ApiFault>> {
  const length = await pinLength(rows);
  for (let draw = 0; draw < drawsMax; draw += 1) {
    const digits = Array.from({ length }, () => randomInt(10)).join("");
    const digest = digestPin(digits);
    if (await isFree(rows, digest)) return succeed({ digits, digest });
  }
  return conflict("no_code_left", `Hardly any code of ${length} digits is left to be drawn.`);
}

export async function pinLength(rows: Rows): Promise<number> {
  const fact = await rows
    .selectFrom("facts")
    .select("value")
    .where("key", "=", pinLengthFact)
    .executeTakeFirst();
  return fact === undefined ? usualPinLength : Number(fact.value);
}

async function isFree(rows: Rows, digest: PinDigest, of?: string): Promise<boolean> {
  const taken = await rows
    .selectFrom("passes")
    .select("id")
    .where("pinDigest", "=", digest)
    .executeTakeFirst();
  return taken === undefined || taken.id === of;
}

/** One PIN opens for a user, and another one under duress: `isDuress`. */
export async function hasPin(rows: Rows, userId: string, isDuress: boolean): Promise<boolean> {
  const pins = await rows
    .selectFrom("passes")
    .select("traits")
    .where("userId", "=", userId)
    .where("kind", "=", "pin")
    .execute();
  return pins.some(({ traits }) => traits.includes('"duress"') === isDuress);
}

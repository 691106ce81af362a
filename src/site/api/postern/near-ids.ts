import { randomBytes, randomUUID } from "node:crypto";

const base32 = "abcdefghijklmnopqrstuvwxyz234567";
const passIdDigits = 10;
/** So far at most is the next pass's number from the one before. */
const stepMax = 2 ** 20;
const uuidStart = "01234567-89ab".length;

/**
 * What an import names those that it makes. They are as hard to foresee as others, and near one another
 * in the order of an index: those of one change stand in a few of its pages, where each of hundreds
 * would touch a page of its own, which is written to the log and later to the file.
 */
export class NearIds {
  readonly #start = randomUUID().slice(0, uuidStart);
  #number = randomBytes(8).readBigUInt64BE();
  #steps = Buffer.alloc(0);

  uuid(): string {
    return this.#start + randomUUID().slice(uuidStart);
  }

  /** Of as many digits as any other pass's: no two that it gives are alike. */
  pass(): string {
    if (this.#steps.length < 4) this.#steps = randomBytes(4 * 500);
    this.#number += BigInt(1 + (this.#steps.readUInt32BE() % stepMax));
    this.#steps = this.#steps.subarray(4);
    let id = "";
    for (let digit = passIdDigits - 1; digit >= 0; digit -= 1) {
      id += base32[Number((this.#number >> BigInt(5 * digit)) % 32n)] ?? "";
    }
    return id;
  }
}

import { randomBytes } from "node:crypto";
import { type CardEncoder, cardIdentityBytes, type EncoderFault } from "../../hal/card-encoder.ts";
import { type RawCredential, rawCredential } from "../domain/credential.ts";
import { describeFailure } from "../domain/describe-failure.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import type { ActionAttempts, AttemptError, AttemptOutcome } from "./action-attempts.ts";
import { updatePass } from "./api/acs/write-pass.ts";
import { waitsForCard } from "./fill-target.ts";
import type { Issuer } from "./issuer.ts";
import type { SiteLog } from "./site-log.ts";
import type { Author } from "./store/site-store.ts";
import type { ActionAttemptRow, PassRow } from "./store/store-schema.ts";

/** What writes cards, and where it stands. */
export interface CardWriter {
  /** Of the reader whose port it is; else its own. */
  readonly uuid: string;
  readonly name: string;
  readonly encoder: CardEncoder;
}

/** Many times what writing a card takes. */
const encodeMsMax = 60_000;

export interface EncodersParts {
  readonly issuer: Issuer;
  readonly attempts: ActionAttempts;
  readonly log: SiteLog;
  readonly writers: readonly CardWriter[];
}

/** Writes NFC passes to cards: behaviour 8. */
export class Encoders {
  readonly writers: readonly CardWriter[];
  readonly #parts: EncodersParts;
  readonly #underWay = new Set<Promise<void>>();

  constructor(parts: EncodersParts) {
    this.writers = parts.writers;
    this.#parts = parts;
  }

  /** Resolves when the attempt is made; what comes of it, the attempt says. */
  async encode(author: Author, encoder: string, pass: PassRow): Promise<ActionAttemptRow> {
    const attempt = await this.#parts.attempts.begin(author, {
      type: "ENCODE_CREDENTIAL",
      action: "pass.encode",
      subject: { kind: "pass", id: pass.id },
      detail: { encoder },
      forMs: encodeMsMax,
    });
    const order = { author, encoder, pass: pass.id };
    const over = this.#carryOut(attempt.id, order).finally(() => this.#underWay.delete(over));
    this.#underWay.add(over);
    return attempt;
  }

  /** When all that is under way has been written down. */
  async close(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** Never rejects. */
  async #carryOut(attempt: string, order: EncodeOrder): Promise<void> {
    const { attempts, log } = this.#parts;
    try {
      const written = await this.#write(order);
      const outcome: AttemptOutcome = written.ok
        ? { status: "success", result: { pass: order.pass } }
        : { status: "error", error: written.fault };
      await attempts.end(attempt, outcome);
    } catch (error) {
      log.warn({ attempt, failure: describeFailure(error) }, "a card was not encoded");
      const message = "The site could not save what was written; its log says why.";
      const failure: AttemptError = { type: "uncategorized_error", message };
      await attempts.end(attempt, { status: "error", error: failure });
    }
  }

  async #write({
    author,
    encoder: uuid,
    pass,
  }: EncodeOrder): Promise<Result<string, AttemptError>> {
    const writer = this.writers.find((one) => one.uuid === uuid);
    if (writer === undefined) return fail(noWriter);
    const before = await this.#parts.issuer.store.rows
      .selectFrom("passes")
      .selectAll()
      .where("id", "=", pass)
      .executeTakeFirst();
    const fault = faultOf(before);
    if (fault !== undefined) return fail(fault);
    const identity = randomBytes(cardIdentityBytes);
    const read = await writer.encoder.write(identity);
    if (!read.ok) return fail(encoderErrors[read.fault]);
    // Nothing is bound to a card that may say something else at the door.
    if (!identity.equals(read.value)) return fail(notVerified);
    return await this.#bind(author, pass, rawOf(identity));
  }

  async #bind(
    author: Author,
    pass: string,
    raw: RawCredential,
  ): Promise<Result<string, AttemptError>> {
    const { issuer } = this.#parts;
    const bound = await issuer.change<string, AttemptError>(author, async (change) => {
      const row = await change.rows
        .selectFrom("passes")
        .selectAll()
        .where("id", "=", pass)
        .executeTakeFirst();
      const fault = faultOf(row);
      if (row === undefined || fault !== undefined) return fail(fault ?? deleted);
      const part = { raw, state: "issued", issuedAt: change.at } as const;
      return succeed((await updatePass(change, row, part, "pass.encode")).id);
    });
    if (bound.ok) return bound;
    return fail("type" in bound.fault ? bound.fault : noTable);
  }
}

interface EncodeOrder {
  readonly author: Author;
  readonly encoder: string;
  readonly pass: string;
}

/** The card's identity as a reader will send it. */
function rawOf(identity: Uint8Array): RawCredential {
  return rawCredential(`${identity.length * 8}:${Buffer.from(identity).toString("hex")}`);
}

function faultOf(row: PassRow | undefined): AttemptError | undefined {
  if (row === undefined) return deleted;
  if (row.kind !== "nfc_card") return notForEncoder;
  return waitsForCard(row) ? undefined : issuedAlready;
}

const deleted: AttemptError = {
  type: "credential_deleted",
  message: "The credential is gone; nothing is bound to the card.",
};
const notForEncoder: AttemptError = {
  type: "incompatible_card_format",
  message: "The credential is not one that is written to cards.",
};
const issuedAlready: AttemptError = {
  type: "credential_cannot_be_reissued",
  message: "The credential was issued already.",
};
const noWriter: AttemptError = {
  type: "encoder_not_online",
  message: "Nothing that writes cards is there.",
};
const notVerified: AttemptError = {
  type: "encoding_interrupted",
  message: "What was read back from the card is not what was written; nothing is bound to it.",
};
const noTable: AttemptError = {
  type: "uncategorized_error",
  message: "The doors could not take what comes of this; nothing was saved.",
};

const encoderErrors: Readonly<Record<EncoderFault, AttemptError>> = {
  no_card: { type: "no_credential_on_encoder", message: "No card lies on the encoder." },
  card_unfit: {
    type: "incompatible_card_format",
    message: "The card is of another kind, or it is somebody else's.",
  },
  interrupted: {
    type: "encoding_interrupted",
    message: "The card was taken away too early.",
  },
  offline: { type: "encoder_not_online", message: "The encoder cannot be reached." },
};

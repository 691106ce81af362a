import type { Kysely } from "kysely";
import { describeFailure } from "../domain/describe-failure.ts";
import { type ControllerId, type DoorId, passId } from "../domain/ids.ts";
import { reasonSentences } from "../domain/reason.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { CommandFault } from "../protocols/sync/site-command.ts";
import type { ActionAttempts, AttemptError, AttemptOutcome } from "./action-attempts.ts";
import type { Issuer } from "./issuer.ts";
import type { SiteLog } from "./site-log.ts";
import type { Author } from "./store/site-store.ts";
import type { ActionAttemptRow, PassRow, StoreSchema } from "./store/store-schema.ts";

/** Who may unlock a door from afar: behaviour 36. */
export const remoteUnlockPolicies = ["off", "admins", "admins_and_users"] as const;
export type RemoteUnlockPolicy = (typeof remoteUnlockPolicies)[number];

/** The fact that says so. */
export const remoteUnlockFact = "remote_unlock";
const usualPolicy: RemoteUnlockPolicy = "admins";

/** To reach the controller and to hear from it, at the longest. */
const attemptMs = 15_000;

export async function remoteUnlockPolicy(rows: Kysely<StoreSchema>): Promise<RemoteUnlockPolicy> {
  const fact = await rows
    .selectFrom("facts")
    .select("value")
    .where("key", "=", remoteUnlockFact)
    .executeTakeFirst();
  return remoteUnlockPolicies.find((policy) => policy === fact?.value) ?? usualPolicy;
}

export interface UnlockOrder {
  readonly author: Author;
  readonly door: DoorId;
  readonly controller: ControllerId;
  /** Whose access decides; absent: an administrator's word does. */
  readonly pass?: PassRow;
}

export interface RemoteUnlockParts {
  readonly issuer: Issuer;
  readonly attempts: ActionAttempts;
  readonly log: SiteLog;
}

/** Unlocks doors from afar, each for its own time. */
export class RemoteUnlock {
  readonly #parts: RemoteUnlockParts;
  readonly #underWay = new Set<Promise<void>>();

  constructor(parts: RemoteUnlockParts) {
    this.#parts = parts;
  }

  /** Resolves when the attempt is made; what comes of it, the attempt says. */
  async begin(order: UnlockOrder): Promise<ActionAttemptRow> {
    const { author, door, pass } = order;
    const attempt = await this.#parts.attempts.begin(author, {
      type: "UNLOCK_DOOR",
      action: "door.unlock",
      subject: { kind: "door", id: door },
      ...(pass !== undefined && { detail: { pass: pass.id } }),
      forMs: attemptMs,
    });
    const over = this.#carryOut(attempt.id, order).finally(() => this.#underWay.delete(over));
    this.#underWay.add(over);
    return attempt;
  }

  /** When all that is under way has been written down. */
  async close(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** Never rejects. */
  async #carryOut(attempt: string, order: UnlockOrder): Promise<void> {
    const { attempts, log } = this.#parts;
    try {
      await attempts.end(attempt, await this.#outcome(attempt, order));
    } catch (error) {
      log.warn({ attempt, failure: describeFailure(error) }, "an unlocking failed");
      const message = "The site could not ask for it; its log says why.";
      await attempts.end(attempt, failed({ type: "uncategorized_error", message }));
    }
  }

  async #outcome(attempt: string, order: UnlockOrder): Promise<AttemptOutcome> {
    const { controller, door, pass } = order;
    const denial = pass === undefined ? undefined : await this.#denial(door, pass);
    if (denial !== undefined) return failed(denial);
    const { engine } = this.#parts.issuer;
    const answer = await engine.command(controller, { kind: "unlock", attempt, door });
    if (!answer.ok) return failed(commandError(answer.fault));
    // The controller has commanded the strike: nobody knows whether somebody went through.
    return { status: "success", result: { was_confirmed_by_device: true } };
  }

  /** What the door itself would say to this pass now; of one for phones, to one of them. */
  async #denial(door: DoorId, pass: PassRow): Promise<AttemptError | undefined> {
    const { engine, store } = this.#parts.issuer;
    const presented =
      pass.isMultiPhone === 1
        ? await store.rows
            .selectFrom("passes")
            .select("id")
            .where("parentId", "=", pass.id)
            .execute()
        : [pass];
    let denial: AttemptError = noAccess;
    for (const { id } of presented) {
      const answer = await engine.explain({ door, pass: passId(id) });
      if (!answer.ok) continue;
      const { decision } = answer.value.explanation;
      if (decision.kind === "granted") return undefined;
      if (decision.kind === "denied") {
        denial = { type: decision.reason, message: reasonSentences[decision.reason] };
      } else denial = { type: decision.kind, message: notAlone };
    }
    return denial;
  }
}

const failed = (error: AttemptError): AttemptOutcome => ({ status: "error", error });

const noAccess: AttemptError = { type: "no_access", message: reasonSentences.no_access };
const notAlone = "The door asks for more than this credential, which nobody can show from afar.";

function commandError(fault: CommandFault): AttemptError {
  switch (fault.reason) {
    case "controller_offline":
      return { type: "device_offline", message: "The door's controller cannot be reached." };
    case "no_answer":
      return {
        type: "no_answer",
        message: "The controller did not answer: whether the door was unlocked is not known.",
      };
    case "refused":
      return { type: fault.detail, message: refusals.get(fault.detail) ?? "It was refused." };
    default:
      return unreachable(fault);
  }
}

const refusals: ReadonlyMap<string, string> = new Map([
  ["lockdown", "The door is in lockdown."],
  ["disabled", "The door is disabled."],
  ["leaf_open", "The door's leaf stands open: there was nothing to unlock."],
  ["interlock", "Another door of the interlock is open or unlocked."],
  ["strike_failed", "The strike did not take the command; it is commanded again until it does."],
  ["door_unknown", "The controller's board has no such door."],
]);

import Database from "better-sqlite3";
import type { Clock } from "../../hal/clock.ts";
import type { ControllerId } from "../domain/ids.ts";
import type { MonotonicMs } from "../domain/time.ts";
import { type EventAck, sealEventAck } from "../protocols/sync/ack-message.ts";
import type { MessageScope } from "../protocols/sync/authenticated-message.ts";
import type { BrokerLink } from "../protocols/sync/broker-link.ts";
import { openEventBatch } from "../protocols/sync/event-message.ts";
import { topicsFor } from "../protocols/sync/topics.ts";
import { storedAck } from "./event-fork.ts";
import type { EventStore, IntakeOutcome, IntakeRefusal } from "./event-store.ts";
import type { RefusalDigest } from "./refusal-digest.ts";
import type { SiteKeys } from "./site-keys.ts";
import type { SiteLog } from "./site-log.ts";

/** Saying that a journal forked, at most once in this time to each: what it was said of can be replayed. */
const forkQuietMs = 1_000;

export interface EventIntake {
  /** One message from the broker on this controller's event topic. Never throws. */
  take(controller: ControllerId, payload: Uint8Array): void;
  /** Messages that did not pass, since the start. */
  refusedCount(controller: ControllerId): number;
}

export interface EventIntakeParts {
  readonly store: EventStore;
  readonly keys: Pick<SiteKeys, "site" | "keysFor">;
  readonly link: Pick<BrokerLink, "publish">;
  readonly clock: Pick<Clock, "wall" | "monotonic">;
  readonly log: SiteLog;
  readonly refusals: Pick<RefusalDigest, "note">;
  /** What became of a batch, after its acknowledgement is on its way. */
  readonly stored: (controller: ControllerId, outcome: IntakeOutcome) => void;
}

/**
 * Verifies, stores, and acknowledges what is stored. In that order: an acknowledged entry may be
 * forgotten by its controller in the next moment.
 */
export function createEventIntake(parts: EventIntakeParts): EventIntake {
  const { store, keys, log, clock } = parts;
  const refusedCounts = new Map<ControllerId, number>();
  const refuse = prepareRefuse(parts);

  const take = (controller: ControllerId, payload: Uint8Array): void => {
    const scope = scopeOf(keys, controller);
    const batch = openEventBatch(scope, payload);
    if (!batch.ok) {
      const { reason, detail } = batch.fault;
      refusedCounts.set(controller, (refusedCounts.get(controller) ?? 0) + 1);
      // Written down only where the MAC held: else whoever reaches the broker could keep the disk
      // busy.
      if (reason === "invalid_content" || reason === "foreign") {
        store.recordTrouble({ controller, kind: `events_${reason}`, detail, at: clock.wall().at });
      }
      parts.refusals.note(controller, `events_${reason}`);
      return;
    }
    const { entries, oldest } = batch.value;
    const remains = oldest === undefined ? undefined : { oldest, at: clock.wall().at };
    const outcome = store.intake(entries, remains);
    if (!outcome.ok) {
      refuse(controller, outcome.fault);
      return;
    }
    const { journal, number, hash, follows, lost } = outcome.value;
    if (lost !== undefined) {
      const { from, to } = lost;
      log.warn(
        { controller, journal, from, to },
        "events are lost: their controller had them last",
      );
    }
    if (follows !== undefined) {
      const before = `journal ${follows.journal}, which is stored up to ${follows.number}`;
      const detail = `journal ${journal} is begun beside ${before}`;
      store.recordTrouble({ controller, kind: "journal_replaced", detail, at: clock.wall().at });
      log.warn({ controller, journal }, "the controller's journal is a new one");
    }
    acknowledge(parts, scope, storedAck(journal, number, hash));
    parts.stored(controller, outcome.value);
  };

  return {
    take: (controller, payload) => {
      try {
        take(controller, payload);
      } catch (error) {
        if (!(error instanceof Database.SqliteError)) throw error;
        // Not acknowledged, so it is sent again; by then the disk may have room.
        log.warn({ controller, code: error.code }, "events could not be stored");
      }
    },
    refusedCount: (controller) => refusedCounts.get(controller) ?? 0,
  };
}

export function scopeOf(keys: EventIntakeParts["keys"], controller: ControllerId): MessageScope {
  return { site: keys.site, controller, messageKey: keys.keysFor(controller).messageKey };
}

function prepareRefuse(
  parts: EventIntakeParts,
): (controller: ControllerId, fault: IntakeRefusal) => void {
  const { store, keys, clock, refusals } = parts;
  const saidForkedAt = new Map<ControllerId, MonotonicMs>();
  return (controller, { reason, journal, number, stored, answer }) => {
    refusals.note(controller, troubleOf(reason));
    if (reason === "altered") {
      const now = clock.monotonic();
      const saidAt = saidForkedAt.get(controller);
      if (saidAt !== undefined && now - saidAt < forkQuietMs) return;
      saidForkedAt.set(controller, now);
    }
    const detail = `entry ${number} of journal ${journal}, which is stored up to ${stored}`;
    store.recordTrouble({ controller, kind: troubleOf(reason), detail, at: clock.wall().at });
    if (answer !== undefined) acknowledge(parts, scopeOf(keys, controller), answer);
  };
}

/** A gap that the controller can still fill is not yet one in the evidence: `journal_gap` is. */
function troubleOf(reason: IntakeRefusal["reason"]): string {
  return reason === "gap" ? "events_missing" : `journal_${reason}`;
}

function acknowledge({ link, log }: EventIntakeParts, scope: MessageScope, ack: EventAck): void {
  const topic = topicsFor(scope.site, scope.controller).eventAck;
  link
    .publish(topic, sealEventAck(scope, ack), { qos: 1, retain: false })
    .catch((error: unknown) => {
      // The controller sends the batch again, and is answered then.
      log.info(
        { controller: scope.controller, error: String(error) },
        "an acknowledgement was lost",
      );
    });
}

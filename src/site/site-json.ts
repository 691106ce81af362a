import type { Explanation } from "../core/explain.ts";
import type { NextGrant } from "../core/next-grant.ts";
import type { TableVersion } from "../domain/access.ts";
import { reasonSentences } from "../domain/reason.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { ControllerStatus } from "../protocols/sync/status-message.ts";
import type { DoorExplanation, ExplainQuestion } from "./door-explainer.ts";
import type { StoredEvent } from "./event-row.ts";
import type { TroubleRow } from "./event-store.ts";
import type { ControllerReport } from "./site-service.ts";

/**
 * The forms in which the site's API shows things: snake case, instants in ISO 8601, null for none.
 */

export function eventJson(event: StoredEvent) {
  return {
    position: event.position,
    controller: event.controller,
    journal: event.journal,
    number: event.number,
    at: new Date(event.at).toISOString(),
    clock_quality: event.clockQuality,
    kind: event.kind,
    door: event.door,
    reader: event.reader,
    user: event.user,
    pass: event.pass,
    result: event.result,
    reason: event.reason,
    table_epoch: event.tableEpoch,
    table_version: event.tableVersion,
    table_age_ms: event.tableAgeMs,
    /** What is particular to its kind, as it was journalled. */
    event: JSON.parse(event.event) as unknown,
    previous: event.previous,
    hash: event.hash,
  };
}

export function controllerJson(report: ControllerReport) {
  const { controller, sync, status, journal, troubles, refusedCount } = report;
  return {
    controller,
    sync: sync && {
      state: sync.state,
      percent: sync.percent ?? null,
      wanted: versionJson(sync.wanted),
      in_force: sync.inForce ?? null,
      reason: sync.reason ?? null,
      detail: sync.detail ?? null,
    },
    /** Null: nothing was heard since the site started. */
    online: status?.said.online ?? null,
    status:
      status === undefined
        ? null
        : { heard_at: new Date(status.heardAt).toISOString(), ...statusJson(status.said) },
    journal: journal ?? null,
    troubles: troubles.map(troubleJson),
    refused_message_count: refusedCount,
  };
}

/** Without the tag that only controllers compare. */
export function versionJson({ epoch, version }: TableVersion) {
  return { epoch, version };
}

function statusJson(status: ControllerStatus) {
  if (!status.online) return {};
  return {
    software: status.software,
    table: status.table ?? null,
    table_age_ms: status.tableAgeMs ?? null,
    clock_quality: status.clock,
    troubles: status.troubles,
  };
}

function troubleJson({ kind, detail, firstAt, lastAt, count }: TroubleRow) {
  return {
    kind,
    detail,
    first_at: new Date(firstAt).toISOString(),
    last_at: new Date(lastAt).toISOString(),
    count,
  };
}

/** Passes, users and rules are named; what a pass presents is not. */
export function explanationJson(
  { door, pass }: ExplainQuestion,
  { wall, table: { table, compiledAt }, assumes, explanation, nextGrant }: DoorExplanation,
) {
  return {
    explanation: {
      door,
      pass,
      at: new Date(wall.at).toISOString(),
      clock_quality: wall.quality,
      table: { ...table, compiled_at: new Date(compiledAt).toISOString() },
      assumes,
      decision: decisionJson(explanation.decision),
      ladder: explanation.ladder.map(({ check, verdict, saw, remedy }) => ({
        check,
        verdict,
        saw,
        remedy: remedy ?? null,
      })),
    },
    next_grant: nextGrantJson(nextGrant),
  };
}

function decisionJson(decision: Explanation["decision"]) {
  const reason = decision.kind === "denied" ? decision.reason : null;
  return {
    kind: decision.kind,
    reason,
    sentence: reason === null ? null : reasonSentences[reason],
    pass: decision.pass ?? null,
    user: decision.user ?? null,
  };
}

function nextGrantJson(next: NextGrant) {
  switch (next.kind) {
    case "at":
      return { kind: next.kind, at: new Date(next.at).toISOString(), reason: null };
    case "never":
    case "unknown":
      return { kind: next.kind, at: null, reason: next.reason };
    default:
      return unreachable(next);
  }
}

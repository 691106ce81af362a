import type { AccessTable } from "./access-table/access-table.ts";
import { type AccessRequest, lookUp, type Subject } from "./checks.ts";
import { type CompiledSchedule, lookAhead } from "./schedule.ts";
import { rulesHere } from "./subject-words.ts";

/**
 * What `ask` finds out about this presentation, at whatever time. Whoever stands at a door meanwhile
 * is not to wait for it: the schedules remember afterwards what they did before.
 */
export function askAside<Found>(
  table: AccessTable | undefined,
  request: AccessRequest,
  ask: (worked: () => number) => Found,
): Found {
  // Of a time that nobody vouches for no schedule is asked, not even by looking up the posture.
  const { at } = request.wall;
  const subject = lookUp(table, { ...request, wall: { at, quality: "unknown" } });
  return lookAhead(schedulesOf(subject), ask);
}

function schedulesOf(subject: Subject): ReadonlySet<CompiledSchedule> {
  const { table, door, waiting } = subject;
  const found = new Set<CompiledSchedule>(waiting && schedulesOf(waiting.subject));
  for (const { schedule } of table.unlockRules(door)) if (schedule) found.add(schedule);
  for (const rule of rulesHere(subject)) {
    const schedule = table.rules.schedule(rule);
    if (schedule >= 0) found.add(table.schedule(schedule).compiled);
  }
  return found;
}

import { fail, type Result, succeed } from "../domain/result.ts";
import { type EpochMs, epochMs } from "../domain/time.ts";

export const momentExpectation =
  "a date and time with its offset from UTC, as 2026-11-21T08:00:00+01:00 or 2026-11-21T07:00Z";

const momentPattern =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,3})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** Without an offset the same words would mean different moments on two machines. */
export function parseMoment(text: string): Result<EpochMs, string> {
  const match = momentPattern.exec(text);
  const [, year, month, day] = (match ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined)
    return fail(momentExpectation);
  // Date.parse takes the 31st of any month and means a day of the next.
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return fail(momentExpectation);
  return succeed(epochMs(Date.parse(text)));
}

/** UTC to the second, for columns; `?` stands for a time that no calendar has. */
export function tellMoment(at: EpochMs): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "?";
  return date
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
}

/** The two largest units: a technician wants to know whether it is minutes or days. */
export function tellDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  if (minutes > 0) return `${minutes} min ${seconds % 60} s`;
  return `${seconds} s`;
}

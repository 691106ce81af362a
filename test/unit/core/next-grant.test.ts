import fc from "fast-check";
import t from "tap";
import { type AccessTable, buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import { type AccessRequest, authorize } from "../../../src/core/authorize.ts";
import { checks, lookUp } from "../../../src/core/checks.ts";
import { nextGrantAt } from "../../../src/core/next-grant.ts";
import { unknownPremises } from "../../../src/core/premises.ts";
import { type DoorPosture, doorPostures, type TableContent } from "../../../src/domain/access.ts";
import { areaId, dayTypeId } from "../../../src/domain/ids.ts";
import { epochMs, monotonicMs } from "../../../src/domain/time.ts";
import { arbitraryContent, arbitraryRequest } from "./arbitrary-request.ts";
import { checkProperty } from "./property.ts";

const halfHourMs = 1_800_000;
const probedHalfHours = 48 * 9;
const vault = areaId("vault");

/** What makes a grant come and go with time, beside what the random content has of it. */
const timely = fc.record({
  postures: fc.array(fc.oneof(fc.constant("locked" as const), fc.constantFrom(...doorPostures)), {
    minLength: 3,
    maxLength: 3,
  }),
  twoFactors: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
  passback: fc.constantFrom("none" as const, "hard" as const, "timed" as const),
  passbackMinutes: fc.integer({ min: 1, max: 3_000 }),
  holidays: fc.subarray([5, 6, 7, 8, 12, 13]),
});

type Timely = typeof timely extends fc.Arbitrary<infer Value> ? Value : never;

function withTimely(content: TableContent, part: Timely): TableContent {
  return {
    ...content,
    calendar: part.holidays.map((day) => ({
      month: 1,
      day,
      dayType: dayTypeId("holiday"),
    })),
    areas: [
      {
        id: vault,
        passback: part.passback,
        passbackMs: part.passbackMinutes * 60_000,
        managerIn: "not_required",
      },
    ],
    doors: content.doors.map(({ outside: _, ...door }, index) => ({
      ...door,
      inside: vault,
      posture: part.postures[index] ?? "locked",
    })),
    // Nothing comes of a pass that only its site can mend.
    users: content.users.map((user) => ({ ...user, suspended: false })),
    passes: content.passes.map((pass) => ({ ...pass, active: true })),
    rules: content.rules.map((rule, index) =>
      rule.kind === "grant" && part.twoFactors[index] === true
        ? { ...rule, kind: "grant_two_factors" }
        : rule,
    ),
  };
}

const premisesArbitrary = fc.record({
  override: fc.option(
    fc.record({ posture: fc.constantFrom(...doorPostures), halfHours: fc.nat(300) }),
  ),
  insideMinutes: fc.option(fc.nat(2_000)),
  /** Which of the passes is asked about; none for what the random request presents. */
  pass: fc.option(fc.nat(9), { freq: 6 }),
});

interface Situation {
  readonly request: AccessRequest;
  /** Instants beside the half-hours at which something about it changes. */
  readonly instants: readonly number[];
}

function situation(
  content: TableContent,
  asked: AccessRequest,
  premises: typeof premisesArbitrary extends fc.Arbitrary<infer Value> ? Value : never,
): Situation {
  const { override, insideMinutes } = premises;
  const pass = premises.pass === null ? undefined : content.passes[premises.pass];
  const { at } = asked.wall;
  const start = Math.floor(at / halfHourMs) * halfHourMs;
  const until = start + (override?.halfHours ?? 0) * halfHourMs;
  const posture: DoorPosture | undefined = override?.posture;
  const now = monotonicMs(10_000_000_000);
  const since = now - (insideMinutes ?? 0) * 60_000;
  const forgivenAt = (content.areas[0]?.passbackMs ?? 0) - (now - since) + at;
  const request: AccessRequest = {
    ...asked,
    ...(pass !== undefined && { presented: { pass: pass.id } }),
    now,
    premises: {
      ...unknownPremises,
      postureState: () =>
        posture === undefined ? {} : { override: { posture, until: epochMs(until) } },
      whereabouts: () =>
        insideMinutes === null ? undefined : { area: vault, since: monotonicMs(since) },
    },
  };
  const starts = content.passes.flatMap(({ startsAt }) => startsAt ?? []);
  return { request, instants: [until, forgivenAt, ...starts] };
}

/** Whether nobody is denied, whatever else is asked for. */
function isGranted(table: AccessTable, request: AccessRequest): boolean {
  const decision = authorize(table, request);
  if (decision.kind === "granted") return true;
  if (decision.kind === "denied") return false;
  // It asked for something; a later check may deny whoever has it.
  const subject = lookUp(table, request);
  return checks.every(({ judge }) => {
    const verdict = judge(subject);
    return verdict === "passed" || verdict.endsWith("_required");
  });
}

t.test("the next grant is the first of all moments at which it would be granted", async (t) => {
  const seen = new Map<string, number>();
  const property = fc.property(
    arbitraryContent,
    timely,
    fc.array(fc.tuple(arbitraryRequest, premisesArbitrary), { minLength: 4, maxLength: 4 }),
    (plain, part, asked) => {
      const content = withTimely(plain, part);
      const table = buildAccessTable(content, [1, 2]);
      for (const [one, premises] of asked) {
        const { request, instants } = situation(content, one, premises);
        const { at, quality } = request.wall;
        const start = Math.floor(at / halfHourMs) * halfHourMs;
        const halfHours = Array.from(
          { length: probedHalfHours },
          (_, index) => start + index * halfHourMs,
        );
        const first = [at, ...instants, ...halfHours]
          .filter((instant) => instant >= at)
          .toSorted((left, right) => left - right)
          .find((instant) => {
            return isGranted(table, {
              ...request,
              wall: { at: epochMs(instant), quality },
              now: monotonicMs(request.now + (instant - at)),
            });
          });
        const next = nextGrantAt(table, request);
        const found = next.kind === "at" ? next.at : undefined;
        // A time that nobody vouches for names no moment but now; "never" is as true as ever.
        const isBeyond = first === undefined && (found ?? 0) > start + probedHalfHours * halfHourMs;
        const isUnnameable = quality === "unknown" && first !== at && next.kind === "unknown";
        if (found !== first && !isUnnameable && !isBeyond) {
          throw new Error(`said ${JSON.stringify(next)}, tried out ${first}, asked at ${at}`);
        }
        const word = next.kind !== "at" ? next.kind : next.at === at ? "now" : "later";
        seen.set(word, (seen.get(word) ?? 0) + 1);
      }
    },
  );
  checkProperty(t, 50, property);
  for (const word of ["now", "later", "never", "unknown"]) {
    t.ok((seen.get(word) ?? 0) > 2, `${word}: ${seen.get(word)}`);
  }
});

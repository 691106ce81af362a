import fc from "fast-check";
import type { AccessRequest } from "../../../src/core/authorize.ts";
import { unknownPremises } from "../../../src/core/premises.ts";
import type { Presented } from "../../../src/core/presented.ts";
import type { IsoWeekday, PassRecord, TableContent } from "../../../src/domain/access.ts";
import { pinDigest, rawCredential } from "../../../src/domain/credential.ts";
import { doorId, ruleId, scheduleId } from "../../../src/domain/ids.ts";
import { epochMs, monotonicMs } from "../../../src/domain/time.ts";
import { at, cardPass, digestOf, door, pinPass, tableContent, user } from "./sample-table.ts";

const userNames = ["ada", "bob", "cleo", "dan", "eve"];
const doorNames = ["front", "lab", "cellar"];
const scheduleNames = ["office", "night", "odd"];
const cards = ["26:0190e0f", "26:0000001", "27:0000001", "32:00000001", "56:04a1b2c3d4e5f6", "1:1"];
const digests = [digestOf("0"), digestOf("7"), digestOf("a"), digestOf("f")];

/** A fortnight in January, when no zone in use changes its clocks. */
const fortnightFrom = at("2026-01-05T00:00:00Z");
const fortnightMs = 14 * 86_400_000;

const instant = fc
  .integer({ min: 0, max: 48 * 14 })
  .chain((halfHours) =>
    fc
      .constantFrom(-1, 0, 1, 60_000)
      .map((ms) => epochMs(fortnightFrom + halfHours * 1_800_000 + ms)),
  );

const validity = fc
  .record({ startsAt: fc.option(instant), endsAt: fc.option(instant), active: fc.boolean() })
  // Mostly good passes, so that the later checks are reached as well.
  .chain((limits) =>
    fc.constantFrom(
      {},
      {},
      { active: limits.active },
      {
        ...(limits.startsAt === null ? {} : { startsAt: limits.startsAt }),
        ...(limits.endsAt === null ? {} : { endsAt: limits.endsAt }),
      },
    ),
  );

function passes(): fc.Arbitrary<readonly PassRecord[]> {
  const one = fc.tuple(fc.constantFrom(...userNames), validity);
  const cardPasses = fc.tuple(fc.subarray(cards), fc.array(one, { minLength: 6, maxLength: 6 }));
  const pinPasses = fc.tuple(fc.subarray(digests), fc.array(one, { minLength: 4, maxLength: 4 }));
  return fc.tuple(cardPasses, pinPasses).map(([[raws, cardOwners], [pins, pinOwners]]) => [
    ...raws.map((raw, index) => {
      const [owner, part] = cardOwners[index] ?? ["ada", {}];
      return cardPass(`card-${index}`, owner, raw, part);
    }),
    ...pins.map((pin, index) => {
      const [owner, part] = pinOwners[index] ?? ["ada", {}];
      return pinPass(`pin-${index}`, owner, pin, part);
    }),
  ]);
}

const weekly = fc.record({
  days: fc.subarray<IsoWeekday>([1, 2, 3, 4, 5, 6, 7]),
  fromMinute: fc.nat(47).map((half) => half * 30),
  toMinute: fc.nat(48).map((half) => half * 30),
});

export const arbitraryContent: fc.Arbitrary<TableContent> = fc
  .record({
    zone: fc.constantFrom("Europe/Berlin", "Asia/Kolkata", "America/New_York", "UTC"),
    doors: fc.tuple(
      ...doorNames.map((name) =>
        fc
          .record({
            factors: fc.constantFrom(
              "card" as const,
              "card_or_pin" as const,
              "card_and_pin" as const,
            ),
            clockUnknown: fc.constantFrom("deny" as const, "allow" as const),
          })
          .map((part) => door(name, part)),
      ),
    ),
    users: fc.tuple(
      ...userNames.map((name) =>
        fc.constantFrom(false, false, false, true).map((suspended) => user(name, { suspended })),
      ),
    ),
    passes: passes(),
    schedules: fc.tuple(
      ...scheduleNames.map((name) =>
        fc
          .array(weekly, { maxLength: 3 })
          .map((intervals) => ({ id: scheduleId(name), intervals })),
      ),
    ),
    rules: fc.array(
      fc.record({
        users: fc.subarray(userNames),
        doors: fc.subarray(doorNames),
        schedule: fc.option(fc.constantFrom(...scheduleNames)),
      }),
      { maxLength: 6 },
    ),
  })
  .map(({ rules, ...part }) =>
    tableContent({
      ...part,
      rules: rules.map((one, index) => ({
        id: ruleId(`rule-${index}`),
        kind: "grant",
        zones: [],
        users: part.users.map(({ id }) => id).filter((id) => one.users.includes(id)),
        doors: part.doors.map(({ id }) => id).filter((id) => one.doors.includes(id)),
        ...(one.schedule === null ? {} : { schedule: scheduleId(one.schedule) }),
      })),
    }),
  );

const presentations: fc.Arbitrary<Presented> = fc.oneof(
  fc.constantFrom(...cards).map((raw) => ({ card: rawCredential(raw) })),
  fc.constantFrom(...digests).map((digest) => ({ pin: pinDigest(digest) })),
  fc.tuple(fc.constantFrom(...cards), fc.constantFrom(...digests)).map(([raw, digest]) => ({
    card: rawCredential(raw),
    pin: pinDigest(digest),
  })),
);

export const arbitraryRequest: fc.Arbitrary<AccessRequest> = fc.record({
  door: fc.constantFrom(...doorNames, ...doorNames, "attic").map(doorId),
  presented: presentations,
  now: fc.constant(monotonicMs(0)),
  premises: fc.constant(unknownPremises),
  wall: fc.record({
    at: fc.oneof(
      instant,
      fc.nat(fortnightMs).map((ms) => epochMs(fortnightFrom + ms)),
    ),
    quality: fc.constantFrom(
      "trusted" as const,
      "trusted" as const,
      "holdover" as const,
      "unknown" as const,
    ),
  }),
});

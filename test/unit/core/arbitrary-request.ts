import fc from "fast-check";
import type { AccessRequest } from "../../../src/core/authorize.ts";
import type { PostureState } from "../../../src/core/posture.ts";
import type { Presented } from "../../../src/core/presented.ts";
import {
  type AreaRecord,
  type CalendarDay,
  type DoorPosture,
  type DoorSettings,
  type IsoWeekday,
  type PassRecord,
  type PassTrait,
  type RuleKind,
  type TableContent,
  type UserTrait,
  userTraits,
  type ZoneRecord,
} from "../../../src/domain/access.ts";
import { phoneCredential, pinDigest, rawCredential } from "../../../src/domain/credential.ts";
import {
  areaId,
  dayTypeId,
  doorId,
  passId,
  readerId,
  ruleId,
  scheduleId,
  zoneId,
} from "../../../src/domain/ids.ts";
import { epochMs, monotonicMs } from "../../../src/domain/time.ts";
import { type PremisesFacts, premisesOf } from "./premises-facts.ts";
import { area, at, cardPass, digestOf, door, pinPass, tableContent, user } from "./sample-table.ts";

const userNames = ["ada", "bob", "cleo", "dan", "eve"];
const doorNames = ["front", "lab", "cellar"];
const areaNames = ["vault", "hall"];
const zoneNames = ["floor", "house"];
const readerNames = ["inner", "outer"];
const scheduleNames = ["office", "night", "odd"];
const digests = [digestOf("0"), digestOf("7"), digestOf("a"), digestOf("f")];
/** The last ones have the digits of PINs, and of one another: a card, and two phones. */
const cards = [
  "26:0190e0f",
  "26:0000001",
  "27:0000001",
  "32:00000001",
  "56:04a1b2c3d4e5f6",
  "1:1",
  `128:${digestOf("7")}`,
  phoneCredential(digestOf("7")),
  phoneCredential(digestOf("a")),
];

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
      {},
      {},
      { active: limits.active },
      {
        ...(limits.startsAt === null ? {} : { startsAt: limits.startsAt }),
        ...(limits.endsAt === null ? {} : { endsAt: limits.endsAt }),
      },
    ),
  );

/** Mostly `usual`, so that the rules after it are reached as well. */
function rarely<Value>(usual: Value, ...others: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(usual, ...others) },
  );
}

const someUses = fc.record({
  usesMax: fc.integer({ min: 1, max: 3 }),
  spentHere: fc.nat(2),
  spentElsewhere: fc.nat(1),
});
const cardUses = fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, someUses);
const pinUses = fc.oneof(fc.constant({}), { weight: 2, arbitrary: someUses });
const cardTraits = rarely<readonly PassTrait[]>([], ["pass_through"], ["toggle"]);
const pinTraits = rarely<readonly PassTrait[]>([], ["duress"], ["pass_through", "duress"]);

const areas: fc.Arbitrary<readonly AreaRecord[]> = fc.tuple(
  ...areaNames.map((name) =>
    fc
      .record({
        passback: fc.constantFrom<AreaRecord["passback"]>("none", "soft", "hard", "timed"),
        passbackMs: fc.constantFrom(undefined, 10),
        occupancyMax: rarely(undefined, 1, 2, 3),
        managerIn: fc.constantFrom<AreaRecord["managerIn"]>("not_required", "required"),
      })
      .map(({ passback, passbackMs, occupancyMax, managerIn }) =>
        area(name, {
          passback,
          managerIn,
          ...(passbackMs !== undefined && { passbackMs }),
          ...(occupancyMax !== undefined && { occupancyMax }),
        }),
      ),
  ),
);

const doorSettings: fc.Arbitrary<Partial<DoorSettings>> = fc
  .record({
    posture: rarely<DoorPosture>("locked", "unlocked", "free_access", "lockdown", "disabled"),
    factors: rarely<DoorSettings["factors"]>("card", "card_or_pin", "card_and_pin"),
    clockUnknown: fc.constantFrom<DoorSettings["clockUnknown"]>("deny", "allow"),
    sides: fc.constantFrom<readonly (string | undefined)[]>(
      [undefined, undefined],
      ["vault", undefined],
      ["vault", "hall"],
      [undefined, "hall"],
    ),
    exitReaders: fc.subarray(["inner"]).map((names) => names.map(readerId)),
    interlock: rarely<readonly string[]>([], ["front"], ["front", "lab"]),
    twoPerson: fc.constantFrom<DoorSettings["twoPerson"]>("not_required", "required"),
    tamper: fc.constantFrom<DoorSettings["tamper"]>("deny", "go_on"),
  })
  .map(({ sides: [inside, outside], interlock, ...part }) => ({
    ...part,
    interlock: interlock.map(doorId),
    ...(inside !== undefined && { inside: areaId(inside) }),
    ...(outside !== undefined && { outside: areaId(outside) }),
  }));

const zones: fc.Arbitrary<readonly ZoneRecord[]> = fc
  .tuple(fc.subarray(doorNames), fc.subarray(doorNames), fc.boolean())
  .map(([floor, house, isWithin]) => [
    {
      id: zoneId("floor"),
      doors: floor.map(doorId),
      ...(isWithin && { parent: zoneId("house") }),
    },
    { id: zoneId("house"), doors: house.map(doorId) },
  ]);

const calendar: fc.Arbitrary<readonly CalendarDay[]> = fc
  .tuple(fc.uniqueArray(fc.integer({ min: 4, max: 20 }), { maxLength: 4 }), fc.boolean())
  .map(([days, isDated]) =>
    days.map((day, index) => ({
      ...(isDated && index % 2 === 0 && { year: 2026 }),
      month: 1,
      day,
      dayType: dayTypeId(index % 3 === 0 ? "special" : "holiday"),
    })),
  );

function passes(): fc.Arbitrary<readonly PassRecord[]> {
  const one = (uses: fc.Arbitrary<object>, traits: fc.Arbitrary<readonly PassTrait[]>) =>
    fc.tuple(
      fc.constantFrom(...userNames),
      fc
        .tuple(validity, uses, traits)
        .map(([limits, counts, having]) => ({ ...limits, ...counts, traits: having })),
    );
  const cardPasses = fc.tuple(
    fc.subarray(cards, { minLength: 4 }),
    fc.array(one(cardUses, cardTraits), { minLength: 9, maxLength: 9 }),
  );
  const pinPasses = fc.tuple(
    fc.subarray(digests, { minLength: 2 }),
    fc.array(one(pinUses, pinTraits), { minLength: 4, maxLength: 4 }),
  );
  // In a third of the tables everything is one user's, so that PINs often complete cards.
  const isOneUsers = fc.constantFrom(true, false, false);
  return fc
    .tuple(cardPasses, pinPasses, isOneUsers)
    .map(([[raws, cardOwners], [pins, pinOwners], alone]) => [
      ...raws.map((raw, index) => {
        const [owner, part] = cardOwners[index] ?? ["ada", {}];
        return cardPass(`card-${index}`, alone ? "ada" : owner, raw, {
          ...part,
          ...(raw.startsWith("phone:") && { kind: "mobile" as const }),
        });
      }),
      ...pins.map((pin, index) => {
        const [owner, part] = pinOwners[index] ?? ["ada", {}];
        return pinPass(`pin-${index}`, alone ? "ada" : owner, pin, part);
      }),
    ]);
}

const weekly = fc
  .record({
    days: fc.subarray<IsoWeekday>([1, 2, 3, 4, 5, 6, 7]),
    dayType: rarely(undefined, "holiday", "special"),
    fromMinute: fc.nat(47).map((half) => half * 30),
    toMinute: fc.nat(48).map((half) => half * 30),
  })
  .map(({ dayType, ...times }) => ({
    ...times,
    ...(dayType !== undefined && { dayType: dayTypeId(dayType) }),
  }));

/** In half of the tables, so that what comes after the rules is reached often. */
const everybodyEverywhere = {
  kind: "grant" as const,
  users: userNames,
  doors: doorNames,
  zones: [],
  schedule: null,
};

export const arbitraryContent: fc.Arbitrary<TableContent> = fc
  .record({
    zone: fc.constantFrom("Europe/Berlin", "Asia/Kolkata", "America/New_York", "UTC"),
    calendar,
    zones,
    areas,
    doors: fc.tuple(...doorNames.map((name) => doorSettings.map((part) => door(name, part)))),
    users: fc.tuple(
      ...userNames.map((name) =>
        fc
          .record({
            suspended: rarely(false, true),
            traits: fc.oneof(
              fc.constant<UserTrait[]>([]),
              fc.subarray([...userTraits], { maxLength: 2 }),
            ),
          })
          .map((part) => user(name, part)),
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
        kind: fc.constantFrom<RuleKind>(
          "grant",
          "grant",
          "grant",
          "grant_two_factors",
          "auto_unlock",
          "first_person_in",
        ),
        users: fc.subarray(userNames, { minLength: 2 }),
        doors: fc.subarray(doorNames),
        zones: fc.subarray(zoneNames, { maxLength: 1 }),
        schedule: fc.option(fc.constantFrom(...scheduleNames)),
      }),
      { maxLength: 6 },
    ),
    everybody: fc.constantFrom([], [everybodyEverywhere]),
  })
  .map(({ rules, everybody, ...part }) =>
    tableContent({
      ...part,
      rules: [...rules, ...everybody].map((one, index) => ({
        id: ruleId(`rule-${index}`),
        kind: one.kind,
        zones: one.zones.map(zoneId),
        users: part.users.map(({ id }) => id).filter((id) => one.users.includes(id)),
        doors: part.doors.map(({ id }) => id).filter((id) => one.doors.includes(id)),
        ...(one.schedule === null ? {} : { schedule: scheduleId(one.schedule) }),
      })),
    }),
  );

const shownCards = fc.constantFrom(...cards).map((raw) => ({ card: rawCredential(raw) }));
const presentations: fc.Arbitrary<Presented> = fc.oneof(
  fc.constantFrom(...cards.map((_, index) => `card-${index}`), "pin-0", "nothing").map((id) => ({
    pass: passId(id),
  })),
  { weight: 4, arbitrary: shownCards },
  fc.constantFrom(...digests).map((digest) => ({ pin: pinDigest(digest) })),
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(...cards), fc.constantFrom(...digests))
      .map(([raw, digest]) => ({
        card: rawCredential(raw),
        pin: pinDigest(digest),
      })),
  },
);

const recorded = fc.tuple(fc.constantFrom("vault", "hall", ""), fc.nat(30));
const coming = fc.tuple(fc.constantFrom("vault", "hall"), fc.constantFrom(...doorNames));
const plainKeys = { noNullPrototype: true };
const overrides: fc.Arbitrary<PostureState> = fc
  .record({
    posture: fc.constantFrom<DoorPosture>("lockdown", "disabled", "free_access", "locked"),
    until: fc.option(instant),
  })
  .map(({ posture, until }) => ({ override: { posture, ...(until !== null && { until }) } }));
const counts = (names: readonly string[], most: number): fc.Arbitrary<Record<string, number>> =>
  fc.dictionary(fc.constantFrom(...names), fc.nat(most), plainKeys);

const premisesFacts: fc.Arbitrary<PremisesFacts> = fc.record({
  spent: counts(["card-0", "card-1", "card-2", "pin-0"], 3),
  where: fc.dictionary(fc.constantFrom(...userNames), recorded, { ...plainKeys, minKeys: 2 }),
  coming: fc.dictionary(fc.constantFrom(...userNames), coming, { ...plainKeys, maxKeys: 2 }),
  occupancy: counts(areaNames, 3),
  managers: counts(areaNames, 1),
  postures: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.dictionary(fc.constantFrom(...doorNames), overrides, plainKeys) },
  ),
  notShut: fc.subarray(doorNames, { maxLength: 1 }),
  tampered: rarely<readonly string[]>([], ["inner"], [""]),
});

export const arbitraryRequest: fc.Arbitrary<AccessRequest> = fc
  .record({
    reader: fc.option(fc.constantFrom(...readerNames).map(readerId)),
    waiting: fc.option(presentations, { freq: 2 }),
    isEscorted: fc.boolean(),
    now: fc.nat(40).map(monotonicMs),
    premises: premisesFacts.map(premisesOf),
    door: fc.constantFrom(...doorNames, ...doorNames, "attic").map(doorId),
    presented: presentations,
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
  })
  .map(({ reader, waiting, isEscorted, ...request }) => ({
    ...request,
    ...(reader !== null && { reader }),
    company: { isEscorted, ...(waiting !== null && { waiting }) },
  }));

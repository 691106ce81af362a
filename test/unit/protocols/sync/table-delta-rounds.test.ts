import fc from "fast-check";
import t from "tap";
import {
  type PassRecord,
  passTraits,
  type UserRecord,
  userTraits,
} from "../../../../src/domain/access.ts";
import { phoneCredential, pinDigest, rawFromBits } from "../../../../src/domain/credential.ts";
import { passId, ruleId, userId } from "../../../../src/domain/ids.ts";
import type { TableChange } from "../../../../src/domain/table-change.ts";
import { epochMs, epochMsMax } from "../../../../src/domain/time.ts";
import {
  decodeTableDelta,
  encodeTableDelta,
  openTableDelta,
  sealTableDelta,
} from "../../../../src/protocols/sync/table-delta.ts";
import { checkProperty } from "../../core/property.ts";
import { fullFrame, pairing } from "./samples.ts";

const { sealer, opener } = pairing();

const id = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
  fc.uuid(),
  fc.uuid().map((uuid) => uuid.toUpperCase()),
);

/** Whole minutes, seconds and milliseconds, and fractions, which a clock may have. */
const instant = fc
  .oneof(
    fc.integer({ min: 0, max: Math.floor(epochMsMax / 60_000) }).map((minutes) => minutes * 60_000),
    fc.integer({ min: 0, max: Math.floor(epochMsMax / 1_000) }).map((seconds) => seconds * 1_000),
    fc.integer({ min: 0, max: epochMsMax }),
    fc.integer({ min: 0, max: 2 ** 40 }).map((halves) => halves / 2),
  )
  .map(epochMs);

const raw = fc.stringMatching(/^[01]{1,128}$/).map(rawFromBits);
const phone = fc.stringMatching(/^[0-9a-f]{32}$/).map(phoneCredential);
const digest = fc.stringMatching(/^[0-9a-f]{32}$/).map(pinDigest);
const count = fc.integer({ min: 1, max: 1_000_000_000 });

/** In the order of the domain's list, and none rather than an empty list: as they are read. */
const traitsOf = <Trait extends string>(all: readonly Trait[]) =>
  fc.subarray([...all], { minLength: 1 });

type Optional = "startsAt" | "endsAt" | "usesMax" | "spentHere" | "spentElsewhere" | "traits";

const pass: fc.Arbitrary<PassRecord> = fc
  .tuple(
    fc.record({ id: id.map(passId), user: id.map(userId), active: fc.boolean() }),
    fc.record<Required<Pick<PassRecord, Optional>>, never>(
      {
        startsAt: instant,
        endsAt: instant,
        usesMax: count,
        spentHere: count,
        spentElsewhere: count,
        traits: traitsOf(passTraits.filter((trait) => trait !== "duress")),
      },
      { requiredKeys: [] },
    ),
    fc.oneof(
      fc.record({
        kind: fc.constantFrom("mobile", "nfc_card", "csn_card"),
        presents: fc.record({ as: fc.constant("raw"), raw }),
      }),
      fc.record({
        kind: fc.constant("mobile"),
        presents: fc.record({ as: fc.constant("raw"), raw: phone }),
      }),
      fc.record({
        kind: fc.constant("pin"),
        presents: fc.record({ as: fc.constant("pin"), digest }),
      }),
    ),
  )
  .map(([base, optional, presented]) => ({ ...base, ...optional, ...presented }))
  .filter(({ startsAt = 0, endsAt = epochMsMax }) => startsAt <= endsAt);

const user = fc
  .tuple(
    fc.record({ id: id.map(userId), suspended: fc.boolean() }),
    fc.record<Required<Pick<UserRecord, "traits">>, never>(
      { traits: traitsOf(userTraits) },
      { requiredKeys: [] },
    ),
    fc.uniqueArray(id.map(ruleId), { maxLength: 5 }),
  )
  .map(([base, optional, rules]) => ({ ...base, ...optional, rules }));

const people: fc.Arbitrary<TableChange> = fc.oneof(
  pass.map((pass): TableChange => ({ kind: "pass", pass })),
  user.map((user): TableChange => ({ kind: "user", user })),
  id.map((gone): TableChange => ({ kind: "user_gone", user: userId(gone) })),
  id.map((gone): TableChange => ({ kind: "pass_gone", pass: passId(gone) })),
);

const subjectOf = (change: TableChange): string => {
  switch (change.kind) {
    case "frame":
      return "frame";
    case "user":
      return `user ${change.user.id}`;
    case "pass":
      return `pass ${change.pass.id}`;
    case "user_gone":
      return `user ${change.user}`;
    case "pass_gone":
      return `pass ${change.pass}`;
  }
};

const step = fc.record({
  from: fc.record({
    epoch: fc.integer({ min: 0, max: 2 ** 48 }),
    version: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    tag: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  }),
  compiledAt: instant,
  changes: fc
    .tuple(
      fc.constantFrom<readonly TableChange[]>([], [{ kind: "frame", frame: fullFrame() }]),
      fc.uniqueArray(people, { maxLength: 12, selector: subjectOf }),
    )
    .map(([frame, changes]) => [...frame, ...changes]),
});

t.test("every delta is read as it was made, from the wire and from disk", async (t) => {
  checkProperty(
    t,
    300,
    fc.property(step, (made) => {
      const { message, to } = sealTableDelta(sealer, made);
      const delta = { ...made, to };
      t.same(openTableDelta(opener, message), { ok: true, value: delta });
      t.same(decodeTableDelta(encodeTableDelta(delta)), { ok: true, value: delta });
    }),
  );
});

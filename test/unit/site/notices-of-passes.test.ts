import t from "tap";
import { noticesOfPass } from "../../../src/site/notices-of-passes.ts";
import type { PassRow } from "../../../src/site/store/store-schema.ts";
import { passRow } from "./store/store-names.ts";

const card = passRow("card", "csn_card");
const told = (before: Partial<PassRow> | undefined, after: Partial<PassRow> | undefined) =>
  noticesOfPass(before && { ...card, ...before }, after && { ...card, ...after }).map(
    ({ type }) => type,
  );

t.test("a card is told of when it opens doors, opens them otherwise, or no more", async (t) => {
  const waiting = { state: "waiting" } as const;
  t.same(told(undefined, {}), ["acs_credential.issued"]);
  t.same(told(undefined, waiting), [], "nobody has it yet");
  t.same(told(waiting, waiting), []);
  t.same(told(waiting, {}), ["acs_credential.issued"]);
  t.same(told({}, waiting), ["acs_credential.invalidated"]);
  t.same(told({}, { active: 0 }), ["acs_credential.invalidated"]);
  t.same(told({ active: 0 }, { active: 0, raw: "26:1" }), ["acs_credential.reissued"]);
  t.same(told({ active: 0 }, {}), ["acs_credential.reissued"]);
  t.same(told({}, { raw: "26:1" }), ["acs_credential.reissued"]);
  t.same(told({}, { pinDigest: "abc" }), ["acs_credential.reissued"]);
  t.same(told({}, undefined), ["acs_credential.deleted"]);
  t.same(told(waiting, undefined), ["acs_credential.deleted"]);
  t.same(told(undefined, undefined), []);
});

t.test("whose a card is, and until when, is told nobody", async (t) => {
  t.same(told({}, { userId: null, endsAt: 5, displayName: "Other" }), []);
  t.match(noticesOfPass(card, undefined), [{ credential: card.uuid }]);
});

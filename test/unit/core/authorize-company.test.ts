import type { AreaRecord, DoorSettings, UserTrait } from "../../../src/domain/access.ts";
import { areaId, doorId, readerId } from "../../../src/domain/ids.ts";
import {
  adaCard,
  adaPin,
  adaSuspended,
  bobCard,
  bobPin,
  card,
  decisionTable,
  pin,
} from "./decision-case.ts";
import type { PremisesFacts } from "./premises-facts.ts";
import { area, rule, user } from "./sample-table.ts";

const inner = { exitReaders: [readerId("inner")] };
const twoPerson = { ...inner, twoPerson: "required" } as const;
const bob = card(bobCard);
const ada = card(adaCard);

const people = (of: {
  readonly ada?: readonly UserTrait[];
  readonly bob?: readonly UserTrait[];
}) => ({
  users: [user("ada", { traits: of.ada ?? [] }), user("bob", { traits: of.bob ?? [] })],
});

decisionTable("a two-person door wants two users, each of whom would be admitted", [
  { name: "the first", door: twoPerson, expect: "second_person_required ada-card ada" },
  {
    name: "the second",
    door: twoPerson,
    waiting: bob,
    expect: "granted ada-card ada along:bob-card",
  },
  {
    name: "the same card again",
    door: twoPerson,
    waiting: ada,
    expect: "same_person_twice ada-card ada",
  },
  {
    name: "another pass of the same user",
    door: { ...twoPerson, factors: "card_or_pin" },
    waiting: pin(adaPin),
    expect: "same_person_twice ada-card ada",
  },
  {
    name: "the one who waits has no access any more",
    door: twoPerson,
    content: { rules: [rule("all", ["ada"], ["front"])] },
    waiting: bob,
    expect: "second_person_required ada-card ada",
  },
  {
    name: "the second has no access",
    door: twoPerson,
    content: { rules: [rule("all", ["bob"], ["front"])] },
    waiting: bob,
    expect: "no_access ada-card ada",
  },
  {
    name: "the second is suspended",
    door: twoPerson,
    content: adaSuspended,
    waiting: bob,
    expect: "user_suspended ada-card ada",
  },
  {
    name: "an unknown card waits",
    door: twoPerson,
    waiting: card("8:01"),
    expect: "second_person_required ada-card ada",
  },
  {
    name: "both with card and PIN",
    door: { ...twoPerson, factors: "card_and_pin" },
    shows: card(adaCard, adaPin),
    waiting: card(bobCard, bobPin),
    expect: "granted ada-card ada along:bob-card",
  },
  {
    name: "the first without the PIN",
    door: { ...twoPerson, factors: "card_and_pin" },
    shows: card(adaCard, adaPin),
    waiting: bob,
    expect: "second_person_required ada-card ada",
  },
  {
    name: "who leaves needs nobody",
    door: twoPerson,
    reader: "inner",
    expect: "granted ada-card ada",
  },
  {
    name: "and takes nobody along",
    door: twoPerson,
    reader: "inner",
    waiting: bob,
    expect: "granted ada-card ada",
  },
  {
    name: "a visitor waits, and the second is no escort",
    door: twoPerson,
    content: people({ bob: ["needs_escort"] }),
    waiting: bob,
    expect: "second_person_required ada-card ada",
  },
  {
    name: "a visitor waits, and the second is an escort",
    door: twoPerson,
    content: people({ ada: ["may_escort"], bob: ["needs_escort"] }),
    waiting: bob,
    expect: "granted ada-card ada escorts along:bob-card",
  },
  {
    name: "where two are not required, who waits is nobody's business",
    waiting: bob,
    expect: "granted ada-card ada",
  },
]);

const adaVisits = people({ ada: ["needs_escort"], bob: ["may_escort"] });
const bobVisits = people({ ada: ["may_escort"], bob: ["needs_escort"] });

decisionTable("who needs an escort is admitted in the company of one", [
  { name: "alone", content: adaVisits, expect: "escort_required ada-card ada" },
  { name: "escorted", content: adaVisits, isEscorted: true, expect: "granted ada-card ada" },
  {
    name: "leaving",
    door: inner,
    content: adaVisits,
    reader: "inner",
    expect: "granted ada-card ada",
  },
  {
    name: "the escort, while the visitor waits",
    content: bobVisits,
    waiting: bob,
    expect: "granted ada-card ada escorts along:bob-card",
  },
  {
    name: "the escort, and the visitor has no access",
    content: { ...bobVisits, rules: [rule("all", ["ada"], ["front"])] },
    waiting: bob,
    expect: "granted ada-card ada escorts",
  },
  {
    name: "somebody who is no escort, while the visitor waits",
    content: people({ bob: ["needs_escort"] }),
    waiting: bob,
    expect: "granted ada-card ada",
  },
  {
    name: "another visitor, while the visitor waits",
    content: people({ ada: ["needs_escort"], bob: ["needs_escort"] }),
    waiting: bob,
    expect: "escort_required ada-card ada",
  },
  {
    name: "somebody who needs an escort is none himself",
    content: people({ ada: ["needs_escort", "may_escort"], bob: ["needs_escort"] }),
    waiting: bob,
    isEscorted: true,
    expect: "granted ada-card ada",
  },
  {
    name: "the visitor, while his escort waits for a second person",
    door: twoPerson,
    content: people({ ada: ["needs_escort"], bob: ["may_escort"] }),
    waiting: bob,
    expect: "granted ada-card ada along:bob-card+escorts",
  },
  {
    name: "the visitor, while somebody who is no escort waits for a second person",
    door: twoPerson,
    content: people({ ada: ["needs_escort"] }),
    waiting: bob,
    expect: "escort_required ada-card ada",
  },
  {
    name: "the visitor, while an escort waits who would not be admitted",
    door: twoPerson,
    content: {
      ...people({ ada: ["needs_escort"], bob: ["may_escort"] }),
      rules: [rule("all", ["ada"], ["front"])],
    },
    waiting: bob,
    expect: "second_person_required ada-card ada",
  },
  {
    name: "a visitor who would be denied is denied, escort or not",
    content: { ...adaVisits, rules: [] },
    isEscorted: true,
    expect: "no_access ada-card ada",
  },
]);

decisionTable("the doors of an interlock open one at a time", [
  {
    name: "the other is shut",
    door: { interlock: [doorId("lab")] },
    expect: "granted ada-card ada",
  },
  {
    name: "the other is not",
    door: { interlock: [doorId("lab")] },
    premises: { notShut: ["lab"] },
    expect: "interlock ada-card ada",
  },
  {
    name: "one of the others is not",
    door: { interlock: [doorId("lab"), doorId("cellar")] },
    premises: { notShut: ["cellar"] },
    expect: "interlock ada-card ada",
  },
  {
    name: "who leaves waits as well",
    door: { ...inner, interlock: [doorId("lab")] },
    reader: "inner",
    premises: { notShut: ["lab"] },
    expect: "interlock ada-card ada",
  },
  {
    name: "a door that is none of them",
    door: { interlock: [doorId("lab")] },
    premises: { notShut: ["cellar", "front"] },
    expect: "granted ada-card ada",
  },
]);

const vaultDoor: Partial<DoorSettings> = { ...inner, inside: areaId("vault") };
const vault = (part: Partial<AreaRecord>) => ({ areas: [area("vault", part)] });
const forTwo = vault({ occupancyMax: 2 });
const holding = (count: number): PremisesFacts => ({ occupancy: { vault: count } });

decisionTable("an area holds no more people than it may", [
  {
    name: "room for one",
    door: vaultDoor,
    content: forTwo,
    premises: holding(1),
    expect: "granted ada-card ada to:vault",
  },
  {
    name: "full",
    door: vaultDoor,
    content: forTwo,
    premises: holding(2),
    expect: "area_full ada-card ada",
  },
  {
    name: "full, leaving",
    door: vaultDoor,
    content: forTwo,
    reader: "inner",
    premises: holding(2),
    expect: "granted ada-card ada to:outside",
  },
  {
    name: "room for one where two would come in",
    door: { ...vaultDoor, twoPerson: "required" },
    content: forTwo,
    waiting: bob,
    premises: holding(1),
    expect: "area_full ada-card ada",
  },
  {
    name: "room for both",
    door: { ...vaultDoor, twoPerson: "required" },
    content: forTwo,
    waiting: bob,
    premises: holding(0),
    expect: "granted ada-card ada to:vault along:bob-card+to:vault",
  },
  {
    name: "room for the escort alone",
    door: vaultDoor,
    content: { ...forTwo, ...bobVisits },
    waiting: bob,
    premises: holding(1),
    expect: "area_full ada-card ada",
  },
  {
    name: "full, and the presenter is one of those inside",
    door: vaultDoor,
    content: forTwo,
    premises: { ...holding(2), where: { ada: ["vault", 0] } },
    expect: "granted ada-card ada to:vault",
  },
  {
    name: "one more would be too many, and only one of two is inside",
    door: { ...vaultDoor, twoPerson: "required" },
    content: forTwo,
    waiting: bob,
    premises: { ...holding(2), where: { ada: ["vault", 0] } },
    expect: "area_full ada-card ada",
  },
]);

const guarded = vault({ managerIn: "required" });
const guardedWith = (...of: Parameters<typeof people>) => ({ ...guarded, ...people(...of) });

decisionTable("nobody but a manager enters while no manager is inside", [
  {
    name: "no manager inside",
    door: vaultDoor,
    content: guarded,
    expect: "manager_not_in ada-card ada",
  },
  {
    name: "a manager inside",
    door: vaultDoor,
    content: guarded,
    premises: { managers: { vault: 1 } },
    expect: "granted ada-card ada to:vault",
  },
  {
    name: "a manager in another area",
    door: vaultDoor,
    content: guarded,
    premises: { managers: { hall: 1 } },
    expect: "manager_not_in ada-card ada",
  },
  {
    name: "a manager enters",
    door: vaultDoor,
    content: guardedWith({ ada: ["manager"] }),
    expect: "granted ada-card ada to:vault manager",
  },
  {
    name: "who leaves needs none",
    door: vaultDoor,
    content: guarded,
    reader: "inner",
    expect: "granted ada-card ada to:outside",
  },
  {
    name: "a manager comes in with him",
    door: { ...vaultDoor, twoPerson: "required" },
    content: guardedWith({ bob: ["manager"] }),
    waiting: bob,
    expect: "granted ada-card ada to:vault along:bob-card+to:vault+manager",
  },
  {
    name: "a manager brings somebody in",
    door: { ...vaultDoor, twoPerson: "required" },
    content: guardedWith({ ada: ["manager"] }),
    waiting: bob,
    expect: "granted ada-card ada to:vault manager along:bob-card+to:vault",
  },
  {
    name: "a manager waits, and is not along",
    door: vaultDoor,
    content: guardedWith({ bob: ["manager", "needs_escort"] }),
    waiting: bob,
    expect: "manager_not_in ada-card ada",
  },
]);

import type { AreaRecord, DoorSettings } from "../../../src/domain/access.ts";
import { areaId, readerId } from "../../../src/domain/ids.ts";
import { adaSuspended, type Case, decisionTable } from "./decision-case.ts";
import { area, user } from "./sample-table.ts";

/** `front` leads from outside into the vault; the reader `inner` stands in the vault. */
const vaultDoor: Partial<DoorSettings> = {
  inside: areaId("vault"),
  exitReaders: [readerId("inner")],
};
const vault = (part: Partial<AreaRecord>, ...others: readonly AreaRecord[]) => ({
  door: vaultDoor,
  content: { areas: [area("vault", part), area("hall"), ...others] },
});
const hard = vault({ passback: "hard" });
const soft = vault({ passback: "soft" });
const timed = vault({ passback: "timed", passbackMs: 60_000 });
const inVault = { where: { ada: ["vault", 1_000] } } as const;
const inHall = { where: { ada: ["hall", 1_000] } } as const;
const outside = { where: { ada: ["", 1_000] } } as const;

const enters = (part: Partial<Case> & Pick<Case, "name" | "expect">): Case => ({
  reader: "outer",
  ...part,
});
const leaves = (part: Partial<Case> & Pick<Case, "name" | "expect">): Case => ({
  reader: "inner",
  ...part,
});

decisionTable("hard anti-passback denies who enters where he is, or leaves where he is not", [
  enters({ name: "nobody knows where", ...hard, expect: "granted ada-card ada to:vault" }),
  enters({
    name: "from outside",
    ...hard,
    premises: outside,
    expect: "granted ada-card ada to:vault",
  }),
  enters({
    name: "from the hall",
    ...hard,
    premises: inHall,
    expect: "granted ada-card ada to:vault",
  }),
  enters({ name: "while inside", ...hard, premises: inVault, expect: "passback ada-card ada" }),
  {
    name: "by a reader that nobody named",
    ...hard,
    premises: inVault,
    expect: "passback ada-card ada",
  },
  leaves({ name: "nobody knows where", ...hard, expect: "granted ada-card ada to:outside" }),
  leaves({
    name: "from inside",
    ...hard,
    premises: inVault,
    expect: "granted ada-card ada to:outside",
  }),
  leaves({ name: "while outside", ...hard, premises: outside, expect: "passback ada-card ada" }),
  leaves({
    name: "while in the hall",
    ...hard,
    premises: inHall,
    expect: "passback ada-card ada",
  }),
  enters({
    name: "another is inside",
    ...hard,
    premises: { where: { bob: ["vault", 0] } },
    expect: "granted ada-card ada to:vault",
  }),
  enters({
    name: "in free access as well",
    ...hard,
    door: { ...vaultDoor, posture: "free_access" },
    premises: inVault,
    expect: "passback ada-card ada",
  }),
  enters({
    name: "who is denied anyway hears that first",
    door: vaultDoor,
    content: { ...hard.content, ...adaSuspended },
    premises: inVault,
    expect: "user_suspended ada-card ada",
  }),
]);

decisionTable("an exempt user is neither stopped nor reported, and recorded as everybody is", [
  enters({
    name: "enters while inside",
    door: vaultDoor,
    content: {
      ...hard.content,
      users: [user("ada", { traits: ["passback_exempt"] }), user("bob")],
    },
    premises: inVault,
    expect: "granted ada-card ada to:vault",
  }),
  leaves({
    name: "leaves a soft area while outside",
    door: vaultDoor,
    content: {
      ...soft.content,
      users: [user("ada", { traits: ["passback_exempt"] }), user("bob")],
    },
    premises: outside,
    expect: "granted ada-card ada to:outside",
  }),
]);

const comingInBy = (door: string) => ({ coming: { ada: ["vault", door] } }) as const;

decisionTable("who was let in by another door and is not through it yet counts as inside", [
  enters({
    name: "recorded nowhere",
    ...hard,
    premises: comingInBy("lab"),
    expect: "passback ada-card ada",
  }),
  enters({
    name: "recorded outside",
    ...hard,
    premises: { ...outside, ...comingInBy("lab") },
    expect: "passback ada-card ada",
  }),
  enters({
    name: "by the same door it is the same way in",
    ...hard,
    premises: comingInBy("front"),
    expect: "granted ada-card ada to:vault",
  }),
  enters({
    name: "into another area",
    ...hard,
    premises: { coming: { ada: ["hall", "lab"] } },
    expect: "granted ada-card ada to:vault",
  }),
  enters({
    name: "another is coming",
    ...hard,
    premises: { coming: { bob: ["vault", "lab"] } },
    expect: "granted ada-card ada to:vault",
  }),
  enters({
    name: "an exempt user",
    door: vaultDoor,
    content: {
      ...hard.content,
      users: [user("ada", { traits: ["passback_exempt"] }), user("bob")],
    },
    premises: comingInBy("lab"),
    expect: "granted ada-card ada to:vault",
  }),
  leaves({
    name: "leaving is a matter of where one is",
    ...hard,
    premises: { ...inVault, ...comingInBy("lab") },
    expect: "granted ada-card ada to:outside",
  }),
  enters({
    name: "soft anti-passback tells of it",
    ...soft,
    premises: { ...outside, ...comingInBy("lab") },
    expect: "granted ada-card ada to:vault violates:vault",
  }),
]);

decisionTable("soft anti-passback tells and never denies", [
  enters({
    name: "enters while inside",
    ...soft,
    premises: inVault,
    expect: "granted ada-card ada to:vault violates:vault",
  }),
  leaves({
    name: "leaves while outside",
    ...soft,
    premises: outside,
    expect: "granted ada-card ada to:outside violates:outside",
  }),
  leaves({
    name: "leaves while in the hall",
    ...soft,
    premises: inHall,
    expect: "granted ada-card ada to:outside violates:hall",
  }),
  enters({
    name: "enters from outside",
    ...soft,
    premises: outside,
    expect: "granted ada-card ada to:vault",
  }),
]);

decisionTable("after passbackMs a record is forgiven by itself", [
  enters({
    name: "hard, a millisecond before",
    ...vault({ passback: "hard", passbackMs: 60_000 }),
    premises: inVault,
    now: 60_999,
    expect: "passback ada-card ada",
  }),
  enters({
    name: "hard, then",
    ...vault({ passback: "hard", passbackMs: 60_000 }),
    premises: inVault,
    now: 61_000,
    expect: "granted ada-card ada to:vault",
  }),
  leaves({
    name: "soft, then",
    ...vault({ passback: "soft", passbackMs: 60_000 }),
    premises: outside,
    now: 61_000,
    expect: "granted ada-card ada to:outside",
  }),
  enters({
    name: "without it never",
    ...hard,
    premises: inVault,
    now: 1e12,
    expect: "passback ada-card ada",
  }),
]);

decisionTable("timed anti-passback stops who entered from entering again for a while", [
  enters({
    name: "soon",
    ...timed,
    premises: inVault,
    now: 2_000,
    expect: "passback_timed ada-card ada",
  }),
  enters({
    name: "a millisecond before",
    ...timed,
    premises: inVault,
    now: 60_999,
    expect: "passback_timed ada-card ada",
  }),
  enters({
    name: "then",
    ...timed,
    premises: inVault,
    now: 61_000,
    expect: "granted ada-card ada to:vault",
  }),
  enters({
    name: "who has left since",
    ...timed,
    premises: outside,
    now: 2_000,
    expect: "granted ada-card ada to:vault",
  }),
  leaves({
    name: "leaving is free",
    ...timed,
    premises: outside,
    now: 2_000,
    expect: "granted ada-card ada to:outside",
  }),
]);

/** `front` between two areas with rules of their own. */
const between = (lobby: AreaRecord["passback"], inner: AreaRecord["passback"]) => ({
  door: { ...vaultDoor, outside: areaId("lobby") },
  content: {
    areas: [
      area("vault", { passback: inner, passbackMs: 60_000 }),
      area("lobby", { passback: lobby, passbackMs: 60_000 }),
    ],
  },
});

decisionTable("between two areas the worse violation counts", [
  enters({
    name: "soft behind, hard ahead",
    ...between("soft", "hard"),
    premises: inVault,
    expect: "passback ada-card ada",
  }),
  enters({
    name: "hard behind, soft ahead",
    ...between("hard", "soft"),
    premises: inVault,
    expect: "passback ada-card ada",
  }),
  enters({
    name: "hard behind, timed ahead",
    ...between("hard", "timed"),
    premises: inVault,
    expect: "passback ada-card ada",
  }),
  enters({
    name: "soft behind, timed ahead",
    ...between("soft", "timed"),
    premises: inVault,
    expect: "passback_timed ada-card ada",
  }),
  enters({
    name: "none behind, soft ahead",
    ...between("none", "soft"),
    premises: inVault,
    expect: "granted ada-card ada to:vault violates:vault",
  }),
  enters({
    name: "hard behind, none ahead, from outside of both",
    ...between("hard", "none"),
    premises: outside,
    expect: "passback ada-card ada",
  }),
  enters({
    name: "from where the door leads from",
    ...between("hard", "hard"),
    premises: { where: { ada: ["lobby", 0] } },
    expect: "granted ada-card ada to:vault",
  }),
  leaves({
    name: "back again",
    ...between("hard", "hard"),
    premises: inVault,
    expect: "granted ada-card ada to:lobby",
  }),
]);

decisionTable("where no area of the door has a rule, nobody's way is recorded", [
  enters({ name: "in", ...vault({}), premises: inVault, expect: "granted ada-card ada" }),
  leaves({ name: "out", ...vault({}), premises: outside, expect: "granted ada-card ada" }),
]);

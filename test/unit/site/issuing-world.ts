import type { Seeded } from "../../../hal/sim/seeded.ts";
import { pinDigest } from "../../../src/domain/credential.ts";
import { passId, ruleId, userId } from "../../../src/domain/ids.ts";
import type { IssuingChange } from "../../../src/site/issuer.ts";
import type { PassRow, RuleRow, UserRow } from "../../../src/site/store/store-schema.ts";
import { digitsOf, rawCount, rawOf } from "./drawn-file.ts";

export const digestOf = (digits: string) => pinDigest(digits.padStart(32, "0"));

interface Move {
  readonly name: string;
  readonly move: () => Promise<void>;
}

/** Draws what an administrator does by the API: rows are written, and what was written is touched. */
export class ApiMoves {
  readonly #random: Seeded;
  #idCount = 0;

  constructor(random: Seeded) {
    this.#random = random;
  }

  /** One of the moves, if the site has what it is about. */
  async make(change: IssuingChange): Promise<string> {
    const { name, move } = this.#random.pick<Move>([
      { name: "a user comes", move: () => this.#createUser(change) },
      { name: "a user changes", move: () => this.#changeUser(change) },
      { name: "another user changes", move: () => this.#changeUser(change) },
      { name: "a user goes", move: () => this.#deleteUser(change) },
      { name: "a pass is issued", move: () => this.#createPass(change) },
      { name: "another pass is issued", move: () => this.#createPass(change) },
      { name: "a pass changes", move: () => this.#changePass(change) },
      { name: "another pass changes", move: () => this.#changePass(change) },
      { name: "a pass goes", move: () => this.#deletePass(change) },
      { name: "a rule comes", move: () => this.#createRule(change) },
      { name: "a rule changes", move: () => this.#changeRule(change) },
      { name: "another rule changes", move: () => this.#changeRule(change) },
      { name: "a rule goes", move: () => this.#deleteRule(change) },
      { name: "a member comes or goes", move: () => this.#toggleMember(change) },
      { name: "another member comes or goes", move: () => this.#toggleMember(change) },
      { name: "a door is renamed", move: () => this.#renameDoor(change) },
    ]);
    await move();
    return name;
  }

  #newId(kind: string): string {
    this.#idCount += 1;
    // Now and then one that a file will name as well.
    return this.#random.chance(0.1)
      ? `${kind}-${this.#random.between(0, 4)}`
      : `api-${kind}-${this.#idCount}`;
  }

  #maybe(from: number, to: number): number | null {
    return this.#random.chance(0.4) ? this.#random.between(from, to) : null;
  }

  #one<Row>(rows: readonly Row[]): Row | undefined {
    return rows[this.#random.between(0, Math.max(0, rows.length - 1))];
  }

  async #createUser({ rows, touch, revision }: IssuingChange): Promise<void> {
    const id = this.#newId("user");
    if ((await usersOf(rows)).some((user) => user.id === id)) return;
    const row: UserRow = {
      id,
      uuid: `user ${id} ${this.#idCount}`,
      origin: "api",
      name: this.#random.pick(["Cyd", "Dan"]),
      email: null,
      phone: null,
      suspended: 0,
      traits: "[]",
      startsAt: this.#maybe(1_000, 5_000),
      endsAt: this.#maybe(4_000, 9_000),
      sought: "",
      revision,
      createdAt: 1,
    };
    await rows.insertInto("users").values(row).execute();
    touch.user(userId(id));
  }

  async #changeUser({ rows, touch, revision }: IssuingChange): Promise<void> {
    const user = this.#one(await usersOf(rows));
    if (user === undefined) return;
    const part = this.#random.pick<Partial<UserRow>>([
      { suspended: this.#random.between(0, 1) },
      { startsAt: this.#maybe(1_000, 5_000), endsAt: this.#maybe(4_000, 9_000) },
      { startsAt: this.#maybe(1_000, 5_000), endsAt: this.#maybe(4_000, 9_000) },
      { traits: this.#random.pick(["[]", '["manager"]']) },
    ]);
    await rows
      .updateTable("users")
      .set({ ...part, revision })
      .where("id", "=", user.id)
      .execute();
    touch.user(userId(user.id));
  }

  async #deleteUser(change: IssuingChange): Promise<void> {
    const { rows, touch } = change;
    const user = this.#one(await usersOf(rows));
    if (user === undefined) return;
    const members = await rows
      .deleteFrom("ruleUsers")
      .where("userId", "=", user.id)
      .returning("ruleId")
      .execute();
    for (const member of members) touch.member(ruleId(member.ruleId), userId(user.id));
    const passes = (await passesOf(rows)).filter((pass) => pass.userId === user.id);
    for (const pass of passes) {
      await rows.updateTable("passes").set({ userId: null }).where("id", "=", pass.id).execute();
      touch.pass(passId(pass.id));
    }
    await rows.deleteFrom("users").where("id", "=", user.id).execute();
    touch.user(userId(user.id));
  }

  async #createPass(change: IssuingChange): Promise<void> {
    const { rows, touch, revision } = change;
    const id = this.#newId("pass");
    const passes = await passesOf(rows);
    if (passes.some((pass) => pass.id === id)) return;
    const user = this.#one(await usersOf(rows));
    const parents = passes.filter(({ isMultiPhone }) => isMultiPhone === 1);
    const parent = this.#random.chance(0.4) ? this.#one(parents) : undefined;
    const isMultiPhone = parent === undefined && this.#random.chance(0.3);
    const card = rawOf(this.#random.between(0, rawCount - 1));
    const digest = digestOf(digitsOf(this.#random.between(0, 9)));
    const isPin = parent === undefined && !isMultiPhone && this.#random.chance(0.3);
    const hasPin = passes.some(({ userId: holder, kind }) => holder === user?.id && kind === "pin");
    if (isPin && (hasPin || passes.some(({ pinDigest: other }) => other === digest))) return;
    const isWaiting = isMultiPhone || this.#random.chance(0.2);
    if (!isPin && !isWaiting && passes.some(({ raw }) => raw === card)) return;
    const row: PassRow = {
      id,
      uuid: `pass ${id} ${this.#idCount}`,
      origin: "api",
      userId: parent === undefined ? (user?.id ?? null) : parent.userId,
      kind: isPin ? "pin" : isMultiPhone || parent !== undefined ? "mobile" : "csn_card",
      state: isWaiting && !isPin ? "waiting" : "issued",
      active: this.#random.between(0, 1),
      startsAt: this.#maybe(1_000, 5_000),
      endsAt: this.#maybe(4_000, 9_000),
      usesMax: this.#maybe(1, 3),
      traits: isPin ? "[]" : this.#random.pick(["[]", '["toggle"]']),
      raw: isPin || isWaiting ? null : card,
      cardFormat: null,
      cardFields: null,
      pinDigest: isPin ? digest : null,
      displayName: "",
      parentId: parent?.id ?? null,
      isMultiPhone: isMultiPhone ? 1 : 0,
      brandMetadata: null,
      warnings: "[]",
      issuedAt: null,
      revision,
      createdAt: 1,
    };
    await rows.insertInto("passes").values(row).execute();
    touch.pass(passId(id));
  }

  async #changePass({ rows, touch, revision }: IssuingChange): Promise<void> {
    const passes = await passesOf(rows);
    const pass = this.#one(passes);
    if (pass === undefined) return;
    const user = this.#one(await usersOf(rows));
    const part = this.#random.pick<Partial<PassRow>>([
      { active: this.#random.between(0, 1) },
      { startsAt: this.#maybe(1_000, 5_000), endsAt: this.#maybe(4_000, 9_000) },
      { usesMax: this.#maybe(1, 3) },
      ...(pass.kind === "pin" ? [] : [{ userId: user?.id ?? null }]),
      { userId: null },
      ...(pass.raw === null ? [] : [{ state: this.#random.pick(["waiting", "issued"]) }]),
    ]);
    await rows
      .updateTable("passes")
      .set({ ...part, revision })
      .where("id", "=", pass.id)
      .execute();
    touch.pass(passId(pass.id));
  }

  async #deletePass({ rows, touch }: IssuingChange): Promise<void> {
    const passes = await passesOf(rows);
    const pass = this.#one(passes);
    if (pass === undefined) return;
    const phones = passes.filter(({ parentId }) => parentId === pass.id);
    for (const { id } of [...phones, pass]) {
      await rows.deleteFrom("passes").where("id", "=", id).execute();
      touch.pass(passId(id));
    }
  }

  async #createRule({ rows, touch }: IssuingChange): Promise<void> {
    const id = this.#newId("rule");
    const all = await rulesOf(rows);
    if (all.some((rule) => rule.id === id)) return;
    const grantedDoor = this.#random.chance(0.3) ? `door-${this.#random.between(0, 3)}` : null;
    if (grantedDoor !== null && all.some((rule) => rule.grantedDoor === grantedDoor)) return;
    const row: RuleRow = {
      id,
      uuid: `rule ${id} ${this.#idCount}`,
      origin: "api",
      kind: "grant",
      name: id,
      doors: JSON.stringify(grantedDoor === null ? [] : [grantedDoor]),
      zones: "[]",
      schedule: null,
      grantedDoor,
      createdAt: 1,
    };
    await rows.insertInto("rules").values(row).execute();
    touch.rule(ruleId(id));
  }

  async #changeRule({ rows, touch }: IssuingChange): Promise<void> {
    const rule = this.#one(await rulesOf(rows));
    if (rule === undefined || rule.grantedDoor !== null) return;
    const places = await rows.selectFrom("surroundings").select(["kind", "id"]).execute();
    const idsOf = (of: string) =>
      places.flatMap(({ kind, id }) => (kind === of && this.#random.chance(0.5) ? [id] : []));
    const part = {
      doors: JSON.stringify(idsOf("door")),
      zones: JSON.stringify(idsOf("zone")),
      schedule: this.#random.chance(0.5) ? (idsOf("schedule")[0] ?? null) : null,
    };
    await rows.updateTable("rules").set(part).where("id", "=", rule.id).execute();
    touch.rule(ruleId(rule.id));
  }

  async #deleteRule({ rows, touch }: IssuingChange): Promise<void> {
    const rule = this.#one(await rulesOf(rows));
    if (rule === undefined) return;
    const members = await rows
      .deleteFrom("ruleUsers")
      .where("ruleId", "=", rule.id)
      .returning("userId")
      .execute();
    for (const member of members) touch.member(ruleId(rule.id), userId(member.userId));
    await rows.deleteFrom("rules").where("id", "=", rule.id).execute();
    touch.rule(ruleId(rule.id));
  }

  async #toggleMember({ rows, touch }: IssuingChange): Promise<void> {
    const rule = this.#one(await rulesOf(rows));
    const user = this.#one(await usersOf(rows));
    if (rule === undefined || user === undefined) return;
    const { numDeletedRows } = await rows
      .deleteFrom("ruleUsers")
      .where("ruleId", "=", rule.id)
      .where("userId", "=", user.id)
      .executeTakeFirst();
    const member = { ruleId: rule.id, userId: user.id };
    if (numDeletedRows === 0n) await rows.insertInto("ruleUsers").values(member).execute();
    touch.member(ruleId(rule.id), userId(user.id));
  }

  async #renameDoor({ rows, touch }: IssuingChange): Promise<void> {
    const doors = await rows
      .selectFrom("surroundings")
      .selectAll()
      .where("kind", "=", "door")
      .orderBy("id")
      .execute();
    const door = this.#one(doors);
    if (door === undefined) return;
    const name = this.#random.pick(["Gate", "Hall"]);
    const body = JSON.stringify({ ...(JSON.parse(door.body) as object), name });
    await rows
      .updateTable("surroundings")
      .set({ name, body })
      .where("kind", "=", "door")
      .where("id", "=", door.id)
      .execute();
    touch.surroundings();
  }
}

type Rows = IssuingChange["rows"];
const usersOf = (rows: Rows) => rows.selectFrom("users").selectAll().orderBy("id").execute();
const passesOf = (rows: Rows) => rows.selectFrom("passes").selectAll().orderBy("id").execute();
const rulesOf = (rows: Rows) => rows.selectFrom("rules").selectAll().orderBy("id").execute();

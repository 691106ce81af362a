import { isDeepStrictEqual } from "node:util";
import * as v from "valibot";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import type { WiegandFormat } from "../../../protocols/wiegand/format.ts";
import { othersTurn } from "../../store/others-turn.ts";
import type { Rows } from "../acs/find-rows.ts";
import { cardFormats } from "../acs/given-card.ts";
import { type ApiFault, type FieldFaults, inputFault } from "../api-fault.ts";
import type { ApiSite } from "../api-site.ts";
import { issue } from "../issue.ts";
import { parseInput } from "../parse-input.ts";
import type { ApiCall, JsonRoute } from "../route.ts";
import { readKnown } from "./import-known.ts";
import { ImportPlan, type ReadUser } from "./import-plan.ts";
import type { ImportMoment } from "./import-rows.ts";
import { importedUser, importedUsersMax, importInput } from "./import-schema.ts";
import { NearIds } from "./near-ids.ts";
import { type PresentedPass, presentedPass } from "./presented-pass.ts";
import { writeImport } from "./write-import.ts";

/** Of one of those who are imported, by its place in the list. */
interface UserFault {
  readonly index: number;
  readonly field: string;
  readonly expected: string;
}

/**
 * Hundreds of people in one change: all of them, or where anything is wrong with one, none. A run with
 * `dry_run` answers with everything that is wrong, of everybody.
 */
export function importRoute(site: ApiSite): JsonRoute {
  return {
    kind: "json",
    methods: ["POST"],
    path: "/postern/import",
    role: "issue",
    summary: "Makes users and their passes as they are said to be, hundreds at a time.",
    input: importInput,
    answer: { key: "import", is: "object", of: "import" },
    run: async (value, call) => {
      // Each by itself: one who is wrong must not keep the others from being looked at.
      const users = usersOf(value);
      const given = parseInput(shellInput, withoutUsers(value, users));
      if (!given.ok) return fail(inputFault(given.fault));
      const { dry_run: isDry } = given.value;
      const batch = new ImportBatch(site, users);
      return isDry ? await batch.check(call) : await batch.write(call);
    },
  };
}

const shellInput = v.strictObject({
  ...importInput.entries,
  users: v.pipe(
    v.array(v.null(), "a list of users"),
    v.maxLength(importedUsersMax, `at most ${importedUsersMax} users`),
  ),
});

function usersOf(value: unknown): readonly unknown[] {
  const isObject = typeof value === "object" && value !== null && "users" in value;
  return isObject && Array.isArray(value.users) ? value.users : [];
}

function withoutUsers(value: unknown, users: readonly unknown[]): unknown {
  return users.length === 0 ? value : { ...Object(value), users: users.map(() => null) };
}

type ReadUsers = ReadonlyMap<number, ReadUser>;

/** After so many, others have their turn. */
const turnUsers = 64;

class ImportBatch {
  readonly #site: ApiSite;
  readonly #users: readonly unknown[];
  readonly #faults: UserFault[] = [];

  constructor(site: ApiSite, users: readonly unknown[]) {
    this.#site = site;
    this.#users = users;
  }

  async check({ at }: ApiCall): Promise<Result<object, ApiFault>> {
    const { rows } = this.#site.issuer.store;
    const read = await this.#read(await cardFormats(rows));
    const plan = await this.#plan(read, { rows, at, revision: 0 });
    return succeed({ import: { ...countsOf(plan), codes: [], faults: this.#faults } });
  }

  async write(call: ApiCall): Promise<Result<object, ApiFault>> {
    // Before its turn has come, while the change before is brought to the doors.
    const formats = await cardFormats(this.#site.issuer.store.rows);
    const read = await this.#read(formats);
    return await issue(this.#site, call, async (change) => {
      const plan = await this.#plan(await this.#readAgain(read, formats, change.rows), change);
      if (this.#faults.length > 0) return fail(inputFault(fieldFaults(this.#faults)));
      const codes = await writeImport(this.#site, change, plan);
      if (!codes.ok) return codes;
      return succeed({ import: { ...countsOf(plan), codes: codes.value, faults: [] } });
    });
  }

  /** Where somebody has changed the formats of cards since they were read. */
  async #readAgain(read: ReadUsers, formats: readonly WiegandFormat[], rows: Rows) {
    const present = await cardFormats(rows);
    if (isDeepStrictEqual(present, formats)) return read;
    this.#faults.length = 0;
    return await this.#read(present);
  }

  async #plan(
    read: ReadUsers,
    { rows, at, revision }: Omit<ImportMoment, "ids"> & { readonly rows: Rows },
  ): Promise<ImportPlan> {
    const known = await readKnown(rows, namesOf(read.values()));
    const plan = new ImportPlan(known, { at, revision, ids: new NearIds() });
    await othersTurn();
    for (const [index, user] of read) {
      plan.add(user, (field, expected) => this.#faults.push({ index, field, expected }));
      if (index % turnUsers === turnUsers - 1) await othersTurn();
    }
    await othersTurn();
    return plan;
  }

  /** Those who are in order by themselves, by their place. */
  async #read(known: readonly WiegandFormat[]): Promise<ReadUsers> {
    const formats = new Map(known.map((format) => [format.name, format]));
    const reading = { formats, digestPin: this.#site.digestPin };
    const read = new Map<number, ReadUser>();
    for (const [index, value] of this.#users.entries()) {
      if (index % turnUsers === turnUsers - 1) await othersTurn();
      const said = parseInput(importedUser, value);
      if (!said.ok) {
        for (const [field, [expected = ""]] of Object.entries(said.fault)) {
          this.#faults.push({ index, field, expected });
        }
        continue;
      }
      const presented: PresentedPass[] = [];
      for (const [at, pass] of said.value.passes.entries()) {
        const how = presentedPass(pass, reading);
        if (how.ok) presented.push(how.value);
        else {
          const { field, expected } = how.fault;
          this.#faults.push({ index, field: `passes.${at}.${field}`, expected });
        }
      }
      if (presented.length === said.value.passes.length) {
        read.set(index, { said: said.value, presented });
      }
    }
    return read;
  }
}

function namesOf(users: Iterable<ReadUser>) {
  const names = {
    users: new Set<string>(),
    cards: new Set<string>(),
    pins: new Set<string>(),
    groups: new Set<string>(),
    members: new Set<string>(),
    pinUsers: new Set<string>(),
  };
  for (const { said, presented } of users) {
    names.users.add(said.id);
    if (said.access_groups !== undefined) names.members.add(said.id);
    for (const group of said.access_groups ?? []) names.groups.add(group);
    for (const how of presented) {
      if (how.as === "card") names.cards.add(how.card.raw);
      else names.pinUsers.add(said.id);
      if (how.as === "pin") names.pins.add(how.digest);
    }
  }
  return names;
}

function countsOf(plan: ImportPlan) {
  const created = (changed: readonly { readonly before?: object }[]): number =>
    changed.filter(({ before }) => before === undefined).length;
  return {
    users: {
      created: created(plan.users),
      changed: plan.users.length - created(plan.users),
      unchanged: plan.unchangedUsers,
    },
    passes: {
      created: created(plan.passes),
      changed: plan.passes.length - created(plan.passes),
      unchanged: plan.unchangedPasses,
    },
  };
}

/** `users.3.email_address`. */
function fieldFaults(faults: readonly UserFault[]): FieldFaults {
  return Object.fromEntries(
    faults.map(({ index, field, expected }) => [
      ["users", String(index), field].filter((part) => part !== "").join("."),
      [expected],
    ]),
  );
}

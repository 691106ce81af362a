import * as v from "valibot";
import type { PeopleColumn } from "./people-columns.ts";
import type { FilePerson, RowFault } from "./people-file.ts";
import { type SiteClient, SiteRefusal } from "./site-client.ts";

const countSchema = v.object({ created: v.number(), changed: v.number(), unchanged: v.number() });
const answerSchema = v.object({
  import: v.object({
    users: countSchema,
    passes: countSchema,
    codes: v.array(v.object({ user: v.string(), code: v.string() })),
    faults: v.array(v.object({ index: v.number(), field: v.string(), expected: v.string() })),
  }),
});
type Answer = v.InferOutput<typeof answerSchema>["import"];
type Counts = v.InferOutput<typeof countSchema>;

export interface ImportCounts {
  readonly users: Counts;
  readonly passes: Counts;
}

interface SenderOptions {
  readonly client: SiteClient;
  /** So many people at a time. */
  readonly atOnce: number;
  readonly run: "dry" | "write";
  /** Told what the site has against somebody. */
  readonly refuse: (person: FilePerson, faults: readonly RowFault[]) => void;
  /** Told the PINs that were drawn, before the next are. */
  readonly drawn?: (codes: Answer["codes"]) => void;
}

/** While the site brings one lot to its doors, it reads the next. */
const underWayMax = 2;

/**
 * Hands people to the site, hundreds at a time. Nobody is in two of these lots, and what one is does
 * not hang on another, so that their order is nothing.
 */
export class ImportSender {
  sent = 0;
  #users: Counts = { created: 0, changed: 0, unchanged: 0 };
  #passes: Counts = { created: 0, changed: 0, unchanged: 0 };
  #waiting: FilePerson[] = [];
  #failed: { readonly why: unknown } | undefined;
  readonly #underWay = new Set<Promise<void>>();
  readonly #options: SenderOptions;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  get counts(): ImportCounts {
    return { users: this.#users, passes: this.#passes };
  }

  /** Throws as `flush` does. */
  async add(person: FilePerson): Promise<void> {
    this.#waiting.push(person);
    if (this.#waiting.length >= this.#options.atOnce) await this.#send(underWayMax - 1);
  }

  /**
   * Resolves once the site has answered all. Throws as the client does; what it has against single
   * people was told before. Something may be under way then still: see `settled`.
   */
  async flush(): Promise<void> {
    await this.#send(0);
  }

  /** Resolves once nothing is under way any more, whatever came of it: all drawn PINs are told. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** Resolves when so many at most are under way. */
  async #send(left: number): Promise<void> {
    const people = this.#waiting;
    this.#waiting = [];
    if (people.length > 0 && this.#failed === undefined) this.#begin(people);
    while (this.#underWay.size > left) await Promise.race(this.#underWay);
    if (this.#failed !== undefined) throw this.#failed.why;
  }

  #begin(people: readonly FilePerson[]): void {
    const asked = this.#ask(people)
      .catch((error: unknown) => {
        this.#failed ??= { why: error };
      })
      .finally(() => this.#underWay.delete(asked));
    this.#underWay.add(asked);
  }

  async #ask(people: readonly FilePerson[]): Promise<void> {
    const { client, run, refuse, drawn } = this.#options;
    const users = people.map(({ user, passes }) => ({
      ...user,
      passes: passes.map(({ body }) => body),
    }));
    try {
      const { import: answer } = await client.ask({
        path: "/postern/import",
        body: { users, dry_run: run === "dry" },
        answer: answerSchema,
      });
      for (const { index, field, expected } of answer.faults) {
        const person = people[index];
        if (person !== undefined) refuse(person, [rowFault(person, field, expected)]);
      }
      if (answer.codes.length > 0) drawn?.(answer.codes);
      this.#users = sum(this.#users, answer.users);
      this.#passes = sum(this.#passes, answer.passes);
      this.sent += people.length;
    } catch (error) {
      if (error instanceof SiteRefusal) this.#tellFields(error, people);
      throw error;
    }
  }

  /** `users.3.email_address`, of those who were sent. */
  #tellFields({ fields }: SiteRefusal, people: readonly FilePerson[]): void {
    for (const [path, expected] of fields) {
      const [, index = "", ...field] = path.split(".");
      const person = people[Number(index)];
      if (person === undefined || index === "") continue;
      this.#options.refuse(person, [rowFault(person, field.join("."), expected)]);
    }
  }
}

const userColumns: Readonly<Record<string, PeopleColumn>> = {
  id: "user",
  full_name: "name",
  email_address: "email",
  phone_number: "phone",
  is_suspended: "suspended",
  starts_at: "user_starts",
  ends_at: "user_ends",
  traits: "user_traits",
  access_groups: "groups",
};

const passColumns: Readonly<Record<string, PeopleColumn>> = {
  card_format: "card_format",
  card_number: "card_number",
  code: "pin",
  starts_at: "starts",
  ends_at: "ends",
  uses: "uses",
  traits: "pass_traits",
  active: "pass_active",
};

/** In terms of the file: its lines and columns instead of what the API calls them. */
function rowFault(person: FilePerson, field: string, expected: string): RowFault {
  const [first = "", index = "", inner = ""] = field.split(".");
  if (first !== "passes") return { line: person.line, column: userColumns[first] ?? "", expected };
  const line = person.passes[Number(index)]?.line ?? person.line;
  return { line, column: passColumns[inner] ?? "", expected };
}

const sum = (one: Counts, other: Counts): Counts => ({
  created: one.created + other.created,
  changed: one.changed + other.changed,
  unchanged: one.unchanged + other.unchanged,
});

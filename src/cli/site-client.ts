import type * as v from "valibot";
import { CommandFailed } from "./terminal.ts";

/** What a verb asks of the running site's API. */
export interface SiteQuestion<Answer extends v.GenericSchema> {
  readonly path: `/${string}`;
  readonly body: object;
  readonly answer: Answer;
  /** What the person typed for a field of `body`: `email_address` is `--email`. */
  readonly called?: Readonly<Record<string, string>>;
}

export interface SiteClient {
  /** Throws `SiteRefusal` with what the site says against it. */
  ask<const Answer extends v.GenericSchema>(
    question: SiteQuestion<Answer>,
  ): Promise<v.InferOutput<Answer>>;
}

export class SiteRefusal extends CommandFailed {
  /** A stable string: `duplicate_card`. */
  readonly type: string;
  /** What was expected, by the path of the field. */
  readonly fields: ReadonlyMap<string, string>;

  constructor(refusal: {
    readonly type: string;
    readonly message: string;
    readonly fields: ReadonlyMap<string, string>;
    readonly called?: Readonly<Record<string, string>>;
  }) {
    const { type, message, fields, called = {} } = refusal;
    const told = [...fields].map(([field, expected]) => `${called[field] ?? field}: ${expected}`);
    super(type === "invalid_input" ? 2 : 1, told.length > 0 ? told.join("; ") : message);
    this.type = type;
    this.fields = fields;
  }
}

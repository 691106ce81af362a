import { Temporal } from "temporal-polyfill";
import { type RawCredential, rawFromBits } from "../domain/credential.ts";
import { passId, userId } from "../domain/ids.ts";
import { type EpochMs, epochMs, epochMsMax } from "../domain/time.ts";
import type { KeyPath } from "../protocols/toml/key-path.ts";
import type { TomlReport } from "../protocols/toml/located-toml.ts";
import { reportRepeats, reportUnknownName } from "../protocols/toml/reference-checks.ts";
import { decodeCard, encodeCard, type WiegandFormat } from "../protocols/wiegand/format.ts";
import { instantExpectation, type PassTable, type SiteTables } from "./site-file-schema.ts";
import type { CardPass, PinPass } from "./site-model.ts";

/** A pass as a file says it. */
export type FilePass = CardPass | FilePinPass;

export interface FilePinPass extends Omit<PinPass, "digest"> {
  /** Digits in clear, here alone. A secret. */
  readonly pin: string;
}

type Instant = NonNullable<PassTable["starts_at"]>;

interface PassContext {
  readonly zone: string;
  readonly formats: readonly WiegandFormat[];
  readonly report: TomlReport;
}

/** Every pass of the file that can be made; what keeps one from being made is reported. */
export function readPasses(
  options: PassContext & { readonly tables: SiteTables },
): readonly FilePass[] {
  const { tables, report } = options;
  const users = new Set(tables.users.map(({ id }) => id));
  const made = tables.passes.flatMap((table, index) => {
    const path = ["passes", index];
    reportUnknownName(report, {
      path: [...path, "user"],
      what: "user",
      name: table.user,
      known: users,
    });
    const pass = sitePass(table, path, options);
    return pass === undefined ? [] : [{ pass, path }];
  });
  // Two passes that present the same would make it a matter of chance who came in.
  const cards = made.flatMap(({ pass, path }) =>
    pass.kind === "pin" ? [] : [[[...path, "card"], pass.raw] as const],
  );
  reportRepeats(report, "a card that no other pass has", cards);
  const pins = made.flatMap(({ pass, path }) => (pass.kind === "pin" ? [{ pass, path }] : []));
  reportRepeats(
    report,
    "a PIN that no other pass has",
    pins.map(({ pass, path }) => [[...path, "pin"], pass.pin]),
  );
  for (const [expected, isDuress] of [
    ["a user who has no other PIN", false],
    ["a user who has no other PIN for duress", true],
  ] as const) {
    const alike = pins.filter(({ pass }) => pass.traits.includes("duress") === isDuress);
    reportRepeats(
      report,
      expected,
      alike.map(({ pass, path }) => [[...path, "user"], pass.user]),
    );
  }
  return made.map(({ pass }) => pass);
}

function sitePass(table: PassTable, path: KeyPath, context: PassContext): FilePass | undefined {
  const startsAt = instantAt(table.starts_at, [...path, "starts_at"], context);
  const endsAt = instantAt(table.ends_at, [...path, "ends_at"], context);
  if (startsAt !== undefined && endsAt !== undefined && endsAt <= startsAt) {
    context.report.fault([...path, "ends_at"], "a time after starts_at");
  }
  checkTraits(table, [...path, "traits"], context);
  const common = {
    id: passId(table.id),
    user: userId(table.user),
    active: table.active,
    ...(startsAt === undefined ? {} : { startsAt }),
    ...(endsAt === undefined ? {} : { endsAt }),
    ...(table.uses === undefined ? {} : { usesMax: table.uses }),
    traits: table.traits,
  };
  const { kind, pin, card } = table;
  if (kind === "pin") {
    if (card !== undefined) {
      context.report.fault([...path, "card"], 'no card in a pass of kind "pin"', "one");
    }
    if (pin === undefined) {
      context.report.fault([...path, "pin"], 'the digits of a pass of kind "pin"');
      return undefined;
    }
    return { ...common, kind, pin };
  }
  if (pin !== undefined) {
    context.report.fault([...path, "pin"], `no PIN in a pass of kind "${kind}"`, "one");
  }
  if (card === undefined) {
    context.report.fault([...path, "card"], `the card of a pass of kind "${kind}"`);
    return undefined;
  }
  const encoded = encodedCard(card, [...path, "card"], context);
  return encoded === undefined ? undefined : { ...common, kind, ...encoded };
}

function checkTraits({ kind, traits }: PassTable, path: KeyPath, { report }: PassContext): void {
  const named = traits.map((trait, index) => [[...path, index], trait] as const);
  reportRepeats(report, "each trait once", named);
  for (const [place, trait] of named) {
    if (trait === "duress" && kind !== "pin") {
      report.fault(place, `no trait "duress" in a pass of kind "${kind}", as it is for PINs`);
    }
  }
}

function encodedCard(
  card: NonNullable<PassTable["card"]>,
  path: KeyPath,
  { formats, report }: PassContext,
): { readonly card: CardPass["card"]; readonly raw: RawCredential } | undefined {
  const { format: name, ...fields } = card;
  const format = formats.find((candidate) => candidate.name === name);
  if (format === undefined) {
    const known = new Set(formats.map((candidate) => candidate.name));
    reportUnknownName(report, { path: [...path, "format"], what: "format", name, known });
    return undefined;
  }
  const bits = encodeCard(format, fields);
  if (!bits.ok) {
    report.fault([...path, bits.fault.field], bits.fault.expected);
    return undefined;
  }
  // As the door would print it: a serial number's digits in one case, whichever the file has.
  const printed = decodeCard(format, bits.value);
  return {
    card: { format: name, fields: printed.ok ? printed.value : fields },
    raw: rawFromBits(bits.value),
  };
}

/** Without an offset it is a time of the site's wall clocks; if there are two, the earlier. */
function instantAt(
  date: Instant | undefined,
  path: KeyPath,
  { zone, report }: PassContext,
): EpochMs | undefined {
  if (date === undefined || !date.isDateTime()) return undefined;
  const at = date.isLocal()
    ? Temporal.PlainDateTime.from(date.toISOString()).toZonedDateTime(zone).epochMilliseconds
    : date.getTime();
  if (at >= 0 && at <= epochMsMax) return epochMs(at);
  report.fault(path, `${instantExpectation}, from 1970 to 9999`);
  return undefined;
}

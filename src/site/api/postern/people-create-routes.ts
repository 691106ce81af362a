import * as v from "valibot";
import { passTraits } from "../../../domain/access.ts";
import { fail, type Result, succeed } from "../../../domain/result.ts";
import { unreachable } from "../../../domain/unreachable.ts";
import { passUsesMax } from "../../../protocols/sync/table-content-schema.ts";
import { idText, oneOf } from "../../../protocols/toml/toml-schema.ts";
import { digitsText, freeCard } from "../acs/credential-create.ts";
import { asField, findUser, type Rows } from "../acs/find-rows.ts";
import { givenCard } from "../acs/given-card.ts";
import { blankCardName, codeName, multiPhoneName } from "../acs/pass-name.ts";
import { passSpan } from "../acs/pass-span.ts";
import { drawPin, givenPin, hasPin } from "../acs/pins.ts";
import { createPass, type NewPass } from "../acs/write-pass.ts";
import { type ApiFault, conflict, inputFault } from "../api-fault.ts";
import { type ApiSite, drawId } from "../api-site.ts";
import { issue } from "../issue.ts";
import { jsonRoute, type Route } from "../route.ts";
import { countUpTo, instantText, nameText, textOf, uuidText } from "../schema-parts.ts";
import { readKnown } from "./import-known.ts";
import { ImportPlan } from "./import-plan.ts";
import { importedUser } from "./import-schema.ts";
import { NearIds } from "./near-ids.ts";
import { passesJson, personJson } from "./people-json.ts";
import { writeImport } from "./write-import.ts";

/** Users and passes with all that is ours and in no word of Seam's, each in one change. */
export function peopleCreateRoutes(site: ApiSite): readonly Route[] {
  return [createUserRoute(site), createPassRoute(site)];
}

const { passes: _passes, ...userEntries } = importedUser.entries;

const userInput = v.strictObject({
  ...userEntries,
  /** Absent: one is drawn. */
  id: v.exactOptional(idText),
  full_name: nameText,
});

function createUserRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/postern/users/create",
    role: "issue",
    summary: "Creates a user, with an id of one's own, traits and access groups.",
    input: userInput,
    answer: { key: "user", is: "object", of: "user" },
    handle: async ({ id = drawId(), ...input }, call) =>
      await issue(site, call, async (change) => {
        const said = { ...input, id, passes: [] };
        const none = new Set<string>();
        const known = await readKnown(change.rows, {
          users: new Set([id]),
          cards: none,
          pins: none,
          groups: new Set(input.access_groups),
          members: none,
          pinUsers: none,
        });
        if (known.users.has(id)) {
          const expected = ["expected one that no other user has"];
          return conflict("duplicate_id", `There is a user ${id} already.`, { id: expected });
        }
        const { at, revision } = change;
        const plan = new ImportPlan(known, { at, revision, ids: new NearIds() });
        const faults = new Map<string, readonly string[]>();
        plan.add({ said, presented: [] }, (field, expected) => faults.set(field, [expected]));
        if (faults.size > 0) return fail(inputFault(Object.fromEntries(faults)));
        const written = await writeImport(site, change, plan);
        if (!written.ok) return written;
        const [made] = plan.users;
        if (made === undefined) throw new Error("a new user was not planned");
        change.tell({ type: "acs_user.created", user: made.after.uuid });
        return succeed({ user: personJson(made.after) });
      }),
  });
}

const passInput = v.strictObject({
  acs_user_id: uuidText,
  kind: v.picklist(["pin", "card", "mobile"], "one of pin, card, mobile"),
  /** Of a PIN. Absent: it is drawn, and told in this answer alone. */
  code: v.exactOptional(digitsText),
  /** The fields of its format in their order, with colons between them. Absent: it is yet to be read. */
  card_number: v.exactOptional(textOf(80)),
  card_format: v.exactOptional(textOf(32)),
  starts_at: v.exactOptional(instantText),
  ends_at: v.exactOptional(instantText),
  uses: v.exactOptional(countUpTo(passUsesMax)),
  traits: v.exactOptional(v.array(oneOf(passTraits), "a list of traits"), []),
});

type PassInput = v.InferOutput<typeof passInput>;

function createPassRoute(site: ApiSite): Route {
  return jsonRoute({
    methods: ["POST"],
    path: "/postern/passes/create",
    role: "issue",
    summary: "Issues a pass with its limits and traits, in force from the first moment.",
    input: passInput,
    answer: { key: "pass", is: "object", of: "pass" },
    handle: async (input, call) => {
      const fault = passFault(input);
      if (fault !== undefined) return fail(fault);
      const issued = await issue(site, call, async (change) => {
        const user = asField(await findUser(change.rows, input.acs_user_id), "acs_user_id");
        if (!user.ok) return user;
        const span = passSpan(input, call.at);
        if (!span.ok) return span;
        const made = await presentedParts(site, change.rows, input, user.value.id);
        if (!made.ok) return made;
        const { pass, code } = made.value;
        const { startsAt, endsAt, warnings } = span.value;
        const row = await createPass(change, {
          ...pass,
          userId: user.value.id,
          startsAt,
          endsAt,
          usesMax: input.uses ?? null,
          traits: JSON.stringify([...new Set(input.traits)].sort()),
          warnings: JSON.stringify(warnings),
        });
        return succeed({ row, code });
      });
      if (!issued.ok) return issued;
      const { row, code } = issued.value;
      const [pass] = await passesJson(site, site.issuer.store.rows, [row]);
      return succeed({ pass: { ...pass, code: code ?? null } });
    },
  });
}

function passFault(input: PassInput): ApiFault | undefined {
  const { kind, traits } = input;
  for (const [field, of] of [
    ["code", "pin"],
    ["card_number", "card"],
    ["card_format", "card"],
  ] as const) {
    if (input[field] === undefined || kind === of) continue;
    return inputFault({ [field]: [`expected only with kind ${of}`] });
  }
  if (traits.includes("duress") && kind !== "pin") {
    return inputFault({ traits: ['expected no trait "duress", as it is for PINs'] });
  }
  if (input.card_format === undefined || input.card_number !== undefined) return undefined;
  return inputFault({ card_number: ["expected the number of a card of this card_format"] });
}

interface PresentedParts {
  readonly pass: Omit<NewPass, "userId">;
  readonly code?: string;
}

async function presentedParts(
  site: ApiSite,
  rows: Rows,
  input: PassInput,
  user: string,
): Promise<Result<PresentedParts, ApiFault>> {
  const { kind, code, card_number: number, card_format: format, traits } = input;
  switch (kind) {
    case "pin": {
      if (await hasPin(rows, user, traits.includes("duress"))) {
        return conflict(
          "user_has_code",
          "The user has such a code already; delete that one first.",
        );
      }
      const pin = code === undefined ? await drawPin(site, rows) : await givenPin(site, rows, code);
      if (!pin.ok) return pin;
      const { digits, digest: pinDigest } = pin.value;
      const pass = { kind, displayName: codeName(digits), pinDigest } as const;
      return succeed({ pass, code: digits });
    }
    case "card": {
      if (number === undefined) {
        const pass = { kind: "nfc_card", displayName: blankCardName, state: "waiting" } as const;
        return succeed({ pass });
      }
      const card = await givenCard(rows, { format, number, field: "card_number" });
      if (!card.ok) return card;
      const free = await freeCard(rows, card.value, { field: "card_number" });
      return free.ok ? succeed({ pass: { kind: "csn_card", ...free.value } }) : free;
    }
    case "mobile": {
      const pass = {
        kind,
        displayName: multiPhoneName,
        isMultiPhone: 1,
        state: "waiting",
      } as const;
      return succeed({ pass });
    }
    default:
      return unreachable(kind);
  }
}

import * as v from "valibot";
import { trueOrFalse, uuidList } from "../schema-parts.ts";

/** Of all of it, as JSON: it is kept for whoever sent it, and means nothing here. */
const metadataCharsMax = 4_096;

const text = v.string("a text");
const some = <const Schema extends v.GenericSchema>(schema: Schema) => v.exactOptional(schema);

function kept<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.exactOptional(
    v.pipe(
      v.looseObject(entries, "an object"),
      v.check(
        (metadata) => JSON.stringify(metadata).length <= metadataCharsMax,
        `at most ${metadataCharsMax} characters of JSON`,
      ),
    ),
  );
}

/**
 * What an issuer may send along for a brand's own system: any fields, but those that Seam's answers
 * describe only as they are described there.
 */
export const brandMetadata = {
  visionline_metadata: kept({
    card_function_type: some(v.picklist(["guest", "staff"], 'one of "guest", "staff"')),
    joiner_acs_credential_ids: some(uuidList),
    guest_acs_entrance_ids: some(uuidList),
    common_acs_entrance_ids: some(uuidList),
    is_valid: some(trueOrFalse),
    auto_join: some(trueOrFalse),
    card_id: some(text),
    credential_id: some(text),
  }),
  assa_abloy_vostio_metadata: kept({
    auto_join: some(trueOrFalse),
    override_guest_acs_entrance_ids: some(uuidList),
    key_id: some(text),
    key_issuing_request_id: some(text),
    door_names: some(v.array(text, "a list of texts")),
    endpoint_id: some(text),
  }),
  salto_space_metadata: kept({}),
  hotek_metadata: kept({}),
};

/** As a row keeps it; null for none. */
export function keptMetadata(
  input: {
    readonly [Brand in keyof typeof brandMetadata]?: object;
  },
): string | null {
  const given = Object.keys(brandMetadata).flatMap((brand) => {
    const metadata = input[brand as keyof typeof brandMetadata];
    return metadata === undefined ? [] : [[brand, metadata] as const];
  });
  return given.length === 0 ? null : JSON.stringify(Object.fromEntries(given));
}

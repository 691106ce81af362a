import type { PinDigest, RawCredential } from "../domain/credential.ts";
import type { PassId } from "../domain/ids.ts";

/**
 * What a person showed one door, whole: a card, a card and its PIN, or a PIN alone. Who asks without
 * standing there may name a pass instead: it counts as shown, as a card or as a PIN alone by its kind.
 */
export type Presented =
  | { readonly card: RawCredential; readonly pass?: undefined; readonly pin?: PinDigest }
  | { readonly card?: undefined; readonly pass?: undefined; readonly pin: PinDigest }
  | { readonly card?: undefined; readonly pass: PassId; readonly pin?: PinDigest };

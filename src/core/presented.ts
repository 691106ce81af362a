import type { PinDigest, RawCredential } from "../domain/credential.ts";

/** What a person showed one door, whole: a card, a card and its PIN, or a PIN alone. */
export type Presented =
  | { readonly card: RawCredential; readonly pin?: PinDigest }
  | { readonly card?: undefined; readonly pin: PinDigest };

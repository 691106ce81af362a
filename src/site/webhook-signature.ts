import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";

/** As the scheme has it: 24 to 64. */
const secretBytes = 32;
const secretPrefix = "whsec_";

export function drawWebhookSecret(): string {
  return `${secretPrefix}${randomBytes(secretBytes).toString("base64")}`;
}

/** What proves to whoever has the secret that it was us who sent it, and when. */
export function signedHeaders(
  secret: string,
  { id, at, body }: { readonly id: string; readonly at: number; readonly body: string },
): Readonly<Record<string, string>> {
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at / 1_000)),
    "webhook-signature": new Webhook(secret).sign(id, new Date(at), body),
  };
}

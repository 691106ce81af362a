/** One attempt, as it is sent. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Once aborted, it is over at once. */
  readonly signal: AbortSignal;
}

/** `failed`: nothing was answered. `why` is a stable word or a code of the system's. */
export type WebhookAnswer =
  | { readonly kind: "answered"; readonly status: number }
  | { readonly kind: "failed"; readonly why: string };

/**
 * Posts to a URL that whoever may make webhooks has chosen: follows no redirect, connects to no
 * address that is not allowed, waits for a limited time and reads a limited answer, which nobody sees.
 * Never rejects.
 */
export type PostWebhook = (request: WebhookRequest) => Promise<WebhookAnswer>;

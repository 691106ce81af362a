/** What a part tells the `up` that started it, over its IPC channel: where it can be reached. */
export interface PartReady {
  readonly ready: Readonly<Record<string, string>>;
}

export function isPartReady(message: unknown): message is PartReady {
  return typeof message === "object" && message !== null && "ready" in message;
}

/** Says that this part serves now. Does nothing where nobody started it as a part. */
export function tellReady(ready: PartReady["ready"]): void {
  process.send?.({ ready } satisfies PartReady);
}

/**
 * Resolves when this process is asked to stop: SIGINT, SIGTERM, or the end of the `up` that started
 * it, however that ended. A second signal while stopping is ignored: the stop is bounded anyway.
 */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    process.on("SIGINT", () => resolve());
    process.on("SIGTERM", () => resolve());
    if (process.channel === undefined) return;
    process.on("disconnect", () => resolve());
    // The listener would keep a part alive that has closed everything because it cannot start.
    process.channel.unref();
  });
}

/**
 * A connection to the broker as sync code sees it. It carries bytes and vouches for nothing: what a
 * message says is believed only after its signature or MAC was checked.
 */
export interface BrokerLink {
  /**
   * Resolves when the broker took the message (QoS 0: when it was written). Rejects when the link
   * is down or goes down before that; the caller keeps the message and sends it again when the link
   * is up. Nothing is queued here across a lost link: the journal and the table store are the
   * queues.
   */
  publish(
    topic: string,
    payload: Uint8Array,
    options: { readonly qos: 0 | 1; readonly retain: boolean },
  ): Promise<void>;
  /**
   * Resolves once the subscription is noted; it is made again after each reconnection, before
   * `onUp` listeners are called. The listener must not throw and gets a payload that is its own.
   */
  subscribe(filter: string, listener: (topic: string, payload: Uint8Array) => void): Promise<void>;
  /** Called each time the link comes up, and soon after registering if it already is. */
  onUp(listener: () => void): void;
  onDown(listener: () => void): void;
  close(): Promise<void>;
}

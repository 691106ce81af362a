import type { Test } from "tap";
import { createSystemClock } from "../../../hal/linux/system-clock.ts";
import { connectMqtt, type MqttLinkOptions } from "../../../src/compose/mqtt-link.ts";
import type { BrokerLink } from "../../../src/protocols/sync/broker-link.ts";

export const systemClock = createSystemClock({ quality: () => "trusted" });

export const text = (payload: Uint8Array) => Buffer.from(payload).toString("utf8");
export const bytes = (content: string) => new Uint8Array(Buffer.from(content));

/** Resolves when `done` says so, asked after each `tell`. */
export class Watched<T> {
  readonly seen: T[] = [];
  #waiting: (() => void)[] = [];

  tell(item: T): void {
    this.seen.push(item);
    for (const check of [...this.#waiting]) check();
  }

  until(done: (seen: readonly T[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!done(this.seen)) return;
        this.#waiting = this.#waiting.filter((other) => other !== check);
        resolve();
      };
      this.#waiting.push(check);
      check();
    });
  }

  atLeast(count: number): Promise<void> {
    return this.until((seen) => seen.length >= count);
  }
}

/** A link that ends with the test, and what happens on it: `up`, `down`, `lost: why`. */
export function watchedLink(
  t: Test,
  options: Omit<MqttLinkOptions, "clock">,
): { readonly link: BrokerLink; readonly happened: Watched<string> } {
  const happened = new Watched<string>();
  const link = connectMqtt({
    ...options,
    clock: systemClock,
    onLost: (why) => happened.tell(`lost: ${why}`),
  });
  link.onUp(() => happened.tell("up"));
  link.onDown(() => happened.tell("down"));
  t.teardown(() => link.close());
  return { link, happened };
}

export const ups = (count: number) => (seen: readonly string[]) =>
  seen.filter((what) => what === "up").length >= count;

export const downs = (count: number) => (seen: readonly string[]) =>
  seen.filter((what) => what === "down").length >= count;

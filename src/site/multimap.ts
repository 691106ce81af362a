/**
 * Values under keys, most of which have one: a set for each of those would take more memory than all
 * that a large site says of them.
 */
export class Multimap<Key, Value extends string> {
  readonly #held = new Map<Key, Value | Set<Value>>();

  /** In the order in which they came. */
  of(key: Key): Iterable<Value> {
    const held = this.#held.get(key);
    if (held === undefined) return [];
    return typeof held === "string" ? [held] : held;
  }

  add(key: Key, value: Value): void {
    const held = this.#held.get(key);
    if (held === undefined) this.#held.set(key, value);
    else if (typeof held !== "string") held.add(value);
    else if (held !== value) this.#held.set(key, new Set([held, value]));
  }

  delete(key: Key, value: Value): void {
    const held = this.#held.get(key);
    if (held === value) this.#held.delete(key);
    if (held === undefined || typeof held === "string") return;
    held.delete(value);
    const [last] = held;
    if (last === undefined) this.#held.delete(key);
    else if (held.size === 1) this.#held.set(key, last);
  }
}

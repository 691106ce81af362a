/** What whoever asked can do about it: stable strings. */
export type StoreFailure =
  /** Nothing was changed, unless a commit's answer was lost; later it may work again. */
  | "unavailable"
  /** Another site service has it. */
  | "in_use"
  /** Another program wrote to it meanwhile: what this one knows of it is stale. Start anew. */
  | "overtaken"
  /** A newer program made it. */
  | "newer"
  | "damaged";

/** The store, and not what was asked of it, is at fault. Messages hold no secret. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly kind: StoreFailure;

  constructor(kind: StoreFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Of a row that this program did not write, or not this way: its content is not told. */
export function damagedRow(table: string, id: string, expected: string): StoreError {
  return new StoreError("damaged", `store: ${table} "${id}": damaged: expected ${expected}`);
}

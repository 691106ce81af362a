/** Something that this building relies on and that did not hold; for whoever replays the seed. */
export class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
}

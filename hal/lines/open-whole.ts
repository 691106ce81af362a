/** What `open` returns. Where it throws, so does this, once `close` has closed what was open by then. */
export function openWhole<T>(open: () => T, close: () => void): T {
  try {
    return open();
  } catch (error) {
    try {
      close();
    } catch {
      // What could not be opened is the cause; a line that then fails to close is its consequence.
    }
    throw error;
  }
}

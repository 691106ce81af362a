/** Why a process does not start, in words for the person who started it. Printed without a stack. */
export class StartRefused extends Error {
  override readonly name = "StartRefused";
}

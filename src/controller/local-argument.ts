import type { LocalFault } from "../protocols/local/local-message.ts";

/** `expected` as in "one of front, lab". */
export function badArgument(name: string, expected: string): LocalFault {
  const field = `args.${name}`;
  return { code: "bad_request", message: `${field}: expected ${expected}`, field };
}

import { getSystemErrorName } from "node:util";
import type { RadioFailure } from "./radio-messages.ts";

const failures: Readonly<Record<string, RadioFailure>> = {
  EAFNOSUPPORT: "not_supported",
  EPROTONOSUPPORT: "not_supported",
  EPERM: "not_permitted",
  EACCES: "not_permitted",
  EBUSY: "adapter_busy",
  EUSERS: "adapter_busy",
  ENODEV: "no_adapter",
  MODULE_NOT_FOUND: "driver_missing",
  ERR_MODULE_NOT_FOUND: "driver_missing",
  ERR_DLOPEN_FAILED: "driver_missing",
};

/** Of Linux; Node has no name for it. */
const rfkilled = 132;

/** By the code of what was thrown, or by its number, which is all that one of the libraries gives. */
export function systemFailure(error: unknown): RadioFailure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errno } = error as { readonly code?: unknown; readonly errno?: unknown };
  if (errno === rfkilled || errno === -rfkilled) return "switched_off";
  if (typeof code === "string" && code !== "") return failures[code];
  if (typeof errno !== "number" || !Number.isSafeInteger(errno) || errno === 0) return undefined;
  return failures[getSystemErrorName(-Math.abs(errno))];
}

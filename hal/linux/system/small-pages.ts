import { getSystemErrorName } from "node:util";
import { HalError } from "../../../src/domain/hal-error.ts";
import { nativeSystem } from "./native-system.ts";

/**
 * Has the kernel leave the memory of this process, and of those that it starts, in pages of the ordinary
 * size. Where transparent huge pages are on for all, a kernel thread of the lowest priority (`khugepaged`)
 * copies pages together and keeps the process's memory locked meanwhile: beside a CPU hog this process stood
 * still for 500 to 800 ms, whatever its own priority, and the kernel's queue of edges overflowed.
 *
 * Throws `HalError`: the addon cannot be loaded, or this kernel does not know it.
 */
export function keepSmallPages(): void {
  const refusal = nativeSystem().keepSmallPages();
  if (refusal === 0) return;
  throw new HalError("not_supported", `huge pages: ${getSystemErrorName(refusal)}`);
}

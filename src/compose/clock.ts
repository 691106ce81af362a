import { join } from "node:path";
import { readBootId } from "../../hal/linux/boot-id.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { createTimeSync } from "../../hal/linux/time-sync.ts";
import { KeptClock } from "../controller/kept-clock.ts";
import type { ControllerConfig } from "./config/controller-config.ts";

/** The clock of this machine, as its configuration has it believed. To be started. */
export function createClock({
  clockRule,
  stateDir,
}: Pick<ControllerConfig, "clockRule" | "stateDir">): KeptClock {
  return new KeptClock({
    // Who vouches for it is the kept clock's business.
    machine: createSystemClock({ quality: () => "unknown" }),
    rule: clockRule,
    timeSync: createTimeSync(),
    boot: readBootId(),
    file: join(stateDir, "clock.floor"),
  });
}

import { type Logger, pino } from "pino";
import type { LogLevel } from "./config/config-file.ts";

/** One JSON object a line on standard output, which journald takes as it is. */
export function createLog(part: string, level: LogLevel): Logger {
  return pino({ name: `postern-${part}`, level });
}

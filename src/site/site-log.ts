/**
 * Where the site says what a technician should know. A pino logger fits. Fields hold no secrets.
 */
export interface SiteLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

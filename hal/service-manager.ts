/**
 * Who started this process, watches it, and starts it again with every strike secured: systemd. Where
 * nobody did (a laptop, a test), each call does nothing. No call throws or waits: a service manager
 * that does not listen is no reason for a door to stop.
 */
export interface ServiceManager {
  /**
   * How long it lets this process be silent, in ms, before it kills it; undefined where it does not
   * watch. Say `alive` several times as often.
   */
  readonly watchdogMs: number | undefined;

  /** The doors are served. From here on the watchdog counts. */
  ready(): void;

  /** Not stuck. What could not be handed over before is said again with this. */
  alive(): void;

  /** Ends on purpose: what follows is no failure. */
  stopping(): void;

  /** One line for whoever asks how the service is. No secrets: anybody on the machine can read it. */
  status(text: string): void;
}

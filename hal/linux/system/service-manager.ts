import { getSystemErrorName } from "node:util";
import { HalError } from "../../../src/domain/hal-error.ts";
import type { ServiceManager } from "../../service-manager.ts";
import { nativeSystem } from "./native-system.ts";

export interface ServiceManagerOptions {
  /** Of it: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, as sd_notify(3) and sd_watchdog_enabled(3) say. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For people: why a word did not get through. It is said again with the next `alive`. */
  readonly onTrouble: (detail: string) => void;
  readonly pid?: number;
  /** Hands one datagram over; returns 0 or the negative errno. */
  readonly send?: (socket: string, message: string) => number;
}

/** What a unit's StatusText can hold is not said anywhere; a line of a terminal is what is read. */
const statusCharactersMax = 200;

/**
 * Speaks systemd's service protocol: datagrams of `NAME=value` lines. Without NOTIFY_SOCKET nobody
 * listens, and the addon that sends them is not even loaded. Where it is missing that is a trouble and
 * no reason not to start: the variable may have come down from somebody else's service.
 */
export function openServiceManager(options: ServiceManagerOptions): ServiceManager {
  const { env, pid = process.pid, onTrouble } = options;
  const socket = env["NOTIFY_SOCKET"];
  // sd_notify(3) also knows vsock addresses, which are for a whole virtual machine.
  if (socket === undefined || !/^[/@]./.test(socket)) return unattended;
  try {
    const send = options.send ?? nativeSystem().notify;
    return new NotifyingServiceManager({
      send: (message) => send(socket, message),
      watchdogMs: watchdogMs(env, pid),
      onTrouble,
    });
  } catch (error) {
    if (!(error instanceof HalError)) throw error;
    onTrouble(error.message);
    return unattended;
  }
}

const unattended: ServiceManager = {
  watchdogMs: undefined,
  ready: () => undefined,
  alive: () => undefined,
  stopping: () => undefined,
  status: () => undefined,
};

/** systemd gives both to whatever it starts; a child that inherits them is not the one it watches. */
function watchdogMs(env: ServiceManagerOptions["env"], pid: number): number | undefined {
  const watched = env["WATCHDOG_PID"];
  if (watched !== undefined && watched !== String(pid)) return undefined;
  const microseconds = Number(env["WATCHDOG_USEC"]);
  return Number.isSafeInteger(microseconds) && microseconds > 0 ? microseconds / 1_000 : undefined;
}

class NotifyingServiceManager implements ServiceManager {
  readonly watchdogMs: number | undefined;
  readonly #send: (message: string) => number;
  readonly #onTrouble: (detail: string) => void;
  /** By name, in the order in which they were said. */
  readonly #unheard = new Map<string, string>();

  constructor(options: {
    readonly send: (message: string) => number;
    readonly watchdogMs: number | undefined;
    readonly onTrouble: (detail: string) => void;
  }) {
    this.#send = options.send;
    this.#onTrouble = options.onTrouble;
    this.watchdogMs = options.watchdogMs;
  }

  ready(): void {
    this.#say("READY", "1");
  }

  alive(): void {
    this.#say("WATCHDOG", "1");
  }

  stopping(): void {
    this.#say("STOPPING", "1");
  }

  status(text: string): void {
    // A line break would begin a word of the protocol.
    this.#say("STATUS", text.replace(/[\r\n\0]+/g, " ").slice(0, statusCharactersMax));
  }

  #say(name: string, value: string): void {
    this.#unheard.set(name, value);
    const lines = [...this.#unheard].map(([word, said]) => `${word}=${said}`);
    const result = this.#send(lines.join("\n"));
    if (result === 0) this.#unheard.clear();
    else this.#onTrouble(`${name}=: ${getSystemErrorName(result)}`);
    // An old sign of life must not vouch for whoever says something else later.
    this.#unheard.delete("WATCHDOG");
  }
}

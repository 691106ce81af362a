import { doorId, idExpectation, isId, readerId } from "../domain/ids.ts";
import type { LocalFault, TriedLight } from "../protocols/local/local-message.ts";
import {
  lightMsMax,
  pulseMsMax,
  pulseMsMin,
  triedLights,
} from "../protocols/local/local-message.ts";
import type { LocalPulsed, LocalShownLight } from "../protocols/local/local-reports.ts";
import { ask } from "./client.ts";
import { CommandFailed, type Terminal } from "./terminal.ts";

interface BenchOptions {
  readonly socketFile: string;
  readonly json: boolean;
  readonly terminal: Terminal;
}

/** Releases a door's strike for a moment, through the door's own rules. */
export async function pulseStrike(
  options: BenchOptions & { readonly door: string; readonly forMs: number },
): Promise<void> {
  const { socketFile, json, terminal, door, forMs } = options;
  if (!isId(door)) throw new CommandFailed(2, `door: expected ${idExpectation}`);
  if (forMs < pulseMsMin || forMs > pulseMsMax) {
    const range = `${pulseMsMin} to ${pulseMsMax}`;
    throw new CommandFailed(2, `--ms: expected a whole number from ${range}`);
  }
  const args = { door: doorId(door), forMs };
  const pulsed = (await ask(socketFile, { verb: "pulse", args }, tellFault)) as LocalPulsed;
  if (json) return terminal.out(`${JSON.stringify(pulsed, undefined, 2)}\n`);
  const short = pulsed.forMs < forMs ? ", which is the coil's limit" : "";
  terminal.out(`The strike of door ${door} is released for ${pulsed.forMs} ms${short}.\n`);
}

/** Lights a reader's lamps for some seconds. */
export async function showLight(
  options: BenchOptions & {
    readonly reader: string;
    readonly light: string;
    readonly seconds: number;
  },
): Promise<void> {
  const { socketFile, json, terminal, reader, light, seconds } = options;
  if (!isId(reader)) throw new CommandFailed(2, `reader: expected ${idExpectation}`);
  const tried = triedLights.find((name): name is TriedLight => name === light);
  if (tried === undefined) {
    throw new CommandFailed(2, `light: expected one of ${triedLights.join(", ")}`);
  }
  if (seconds > lightMsMax / 1_000) {
    const range = `1 to ${lightMsMax / 1_000}`;
    throw new CommandFailed(2, `--seconds: expected a whole number from ${range}`);
  }
  const args = { reader: readerId(reader), light: tried, forMs: seconds * 1_000 };
  const answer = await ask(socketFile, { verb: "show_light", args }, tellFault);
  const shown = answer as LocalShownLight;
  terminal.out(
    json
      ? `${JSON.stringify(shown, undefined, 2)}\n`
      : `Reader ${reader} shows ${light} for ${seconds} s, or until something happens there.\n`,
  );
}

/** The controller names fields of a request, which nobody has typed. */
export function tellFault({ message, field }: LocalFault): string {
  if (field === undefined || !message.startsWith(`${field}: `)) return message;
  const argument = field.split(".").at(-1) ?? field;
  return `${argument === "forMs" ? "time" : argument}: ${message.slice(field.length + 2)}`;
}

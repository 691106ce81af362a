import { type Command, InvalidArgumentError, Option } from "commander";
import type { PhoneClock } from "../protocols/mobile-pass/run-phone.ts";
import type { Entropy } from "../protocols/mobile-pass/version.ts";
import { phoneName } from "./phone-name.ts";
import type { PhoneRadio } from "./phone-session.ts";
import type { Terminal } from "./terminal.ts";

/** What the verbs of a phone need of the process that they are typed at. */
export interface PhoneHost {
  readonly terminal: Terminal;
  /** Where keys are, unless another file is named. */
  readonly keysFile: string;
  readonly drivers: readonly [string, ...string[]];
  readonly openRadio: (driver: string, adapter: number) => Promise<PhoneRadio>;
  readonly clock: PhoneClock;
  readonly entropy: Entropy;
  readonly pause: (forMs: number) => Promise<void>;
}

interface KeyFlags {
  readonly keys: string;
  readonly json: boolean;
}

interface RadioFlags extends KeyFlags {
  readonly adapter: number;
  readonly driver: string;
  readonly within: number;
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[0-9]{1,9}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number, ${least} to ${most}.`);
  };
}

function named(text: string): string {
  if (phoneName.test(text)) return text;
  throw new InvalidArgumentError(
    "Expected lower-case letters, digits, - and _, 32 at most, as ada-work.",
  );
}

const adapterMost = 15;
const timesMost = 100_000;
const pauseMsMost = 600_000;
const withinSecondsMost = 3_600;

/** A phone of which this machine's Bluetooth adapter is the radio: to try a door with. */
export function addPhoneVerbs(postern: Command, host: PhoneHost): void {
  const phone = postern
    .command("phone")
    .description(
      "be a phone with a mobile pass, by this machine's Bluetooth: to try a reader with",
    );
  const keyed = (words: string) =>
    phone
      .command(words)
      .addOption(new Option("--keys <file>", "where phones' keys are").default(host.keysFile))
      .option("--json", "for programs", false);
  const radio = (words: string) =>
    keyed(words)
      .argument("<name>", "which phone", named)
      .option("--adapter <number>", "hci0 is 0; it is to be down", wholeNumber(0, adapterMost), 0)
      .addOption(
        new Option("--driver <name>", "noble of which line")
          .choices(host.drivers)
          .default(host.drivers[0]),
      )
      .option(
        "--within <seconds>",
        "for how long a reader is listened for",
        wholeNumber(1, withinSecondsMost),
        30,
      );
  radio("enrol")
    .description("have a reader that waits for a phone take this one up; makes its keys")
    .option("--site-key <key>", "of a new phone: its site's mobile key, 43 characters of base64url")
    .action(async (name: string, flags: RadioFlags & { readonly siteKey?: string }) => {
      const { enrolPhone } = await import("./phone.ts");
      await enrolPhone(means(host, flags), { name, siteKey: flags.siteKey });
    });
  radio("present")
    .description("show a phone at the nearest reader; fails where it is not granted")
    .option("--times <count>", "so often", wholeNumber(1, timesMost), 1)
    .option("--pause <ms>", "between two times", wholeNumber(0, pauseMsMost), 1_000)
    .option("--full", "as a phone that the reader does not remember: no fast form", false)
    .action(
      async (
        name: string,
        flags: RadioFlags & {
          readonly times: number;
          readonly pause: number;
          readonly full: boolean;
        },
      ) => {
        const { presentPhone } = await import("./phone.ts");
        const form = flags.full ? "full" : "fastest";
        const order = { name, form, times: flags.times, pauseMs: flags.pause } as const;
        await presentPhone({ ...means(host, flags), pause: host.pause }, order);
      },
    );
  keyed("list")
    .description("the phones that have keys here")
    .action(async ({ keys: file, json }: KeyFlags) => {
      const { listPhones } = await import("./phone.ts");
      listPhones({ ...host, withinMs: 0, file, json });
    });
}

function means(host: PhoneHost, { keys: file, json, adapter, driver, within }: RadioFlags) {
  const { terminal, clock, entropy } = host;
  return {
    ...{ terminal, clock, entropy, file, json },
    withinMs: within * 1_000,
    openRadio: () => host.openRadio(driver, adapter),
  };
}

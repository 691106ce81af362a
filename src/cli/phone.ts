import type { KeyObject } from "node:crypto";
import { type Result, succeed } from "../domain/result.ts";
import { unreachable } from "../domain/unreachable.ts";
import { openHello, readHelloCertificate } from "../protocols/mobile-pass/hello.ts";
import type { PhoneFault } from "../protocols/mobile-pass/mobile-fault.ts";
import {
  newPhone,
  type PhoneState,
  parseSiteKey,
  phoneOf,
} from "../protocols/mobile-pass/phone-state.ts";
import type { PhoneClock } from "../protocols/mobile-pass/run-phone.ts";
import { siteKeyFingerprint } from "../protocols/mobile-pass/site-key-fingerprint.ts";
import { type Entropy, protocolVersion } from "../protocols/mobile-pass/version.ts";
import { keepPhone, readPhones } from "./phone-file.ts";
import {
  type PhoneRadio,
  type PhoneResult,
  type PhoneRun,
  type Progress,
  runPhoneSession,
} from "./phone-session.ts";
import { CommandFailed, type Terminal } from "./terminal.ts";
import { printable, textTable } from "./text-table.ts";

/** What a phone needs of the process that it is played in. */
export interface PhoneMeans {
  readonly terminal: Terminal;
  /** Where its keys are. */
  readonly file: string;
  readonly json: boolean;
  readonly clock: PhoneClock;
  readonly entropy: Entropy;
  readonly openRadio: () => Promise<PhoneRadio>;
  /** For how long a reader is listened for. */
  readonly withinMs: number;
}

/** As `newPhone` takes it. */
const deviceSeedBytes = 48;

export interface EnrolOrder {
  readonly name: string;
  /** As it was typed; a phone that has keys already needs none. */
  readonly siteKey?: string | undefined;
}

/** Has a reader that waits for a phone take this one up; makes its keys where it has none yet. */
export async function enrolPhone(means: PhoneMeans, order: EnrolOrder): Promise<void> {
  const { file, terminal } = means;
  const { name } = order;
  const keep = (phone: PhoneState) => keepPhone(file, name, phone);
  const known = phoneToEnrol(means, order);
  const introduce = (phone: PhoneState): PhoneState => {
    // Before it is shown to anybody: where the answer is lost, the site may have it all the same.
    keep(phone);
    terminal.err(`${name} is ${phoneOf(phone.deviceKey)} of site ${phone.site}, `);
    terminal.err(`whose mobile key has the fingerprint ${siteKeyFingerprint(phone.siteKey)}\n`);
    return phone;
  };
  const phone =
    known.kind === "phone"
      ? introduce(known.phone)
      : (hello: Uint8Array) => {
          const made = phoneOfSite(known.siteKey, hello, means.entropy);
          return made.ok ? succeed(introduce(made.value)) : made;
        };
  const radio = await means.openRadio();
  let run: PhoneRun;
  try {
    const onProgress = (progress: Progress) => show(means, progress);
    run = await runPhoneSession({ ...means, radio, phone, action: "enrol", keep, onProgress });
  } finally {
    await radio.close();
  }
  tell(means, name, run);
  if (run.result !== "enrolled") throw new CommandFailed(1, whyNot(run));
}

type ToEnrol =
  | { readonly kind: "phone"; readonly phone: PhoneState }
  | { readonly kind: "new"; readonly siteKey: KeyObject };

function phoneToEnrol({ file }: PhoneMeans, { name, siteKey: text }: EnrolOrder): ToEnrol {
  const phone = readPhones(file).get(name);
  const siteKey = text === undefined ? undefined : keyOf(text);
  if (phone === undefined) {
    if (siteKey !== undefined) return { kind: "new", siteKey };
    throw new CommandFailed(
      2,
      `--site-key: expected the mobile key of the site, for there is no ${name} in ${file} yet`,
    );
  }
  if (siteKey === undefined || siteKey.equals(phone.siteKey)) return { kind: "phone", phone };
  throw new CommandFailed(
    1,
    `${name} belongs to site ${phone.site}, with the mobile key ${siteKeyFingerprint(phone.siteKey)}: a phone ` +
      "has one site. Choose another name",
  );
}

/** A new phone, of the site of which this reader is, where that is the site with this key. */
function phoneOfSite(
  siteKey: KeyObject,
  hello: Uint8Array,
  entropy: Entropy,
): Result<PhoneState, PhoneFault> {
  const certificate = readHelloCertificate(hello);
  if (!certificate.ok) return certificate;
  const { site } = certificate.value;
  // Before a key is made and kept for what any radio in range may have said.
  const known = openHello({ site, siteKey, newestVersion: protocolVersion }, hello);
  if (!known.ok) return known;
  return succeed(newPhone({ site, siteKey, deviceSeed: entropy(deviceSeedBytes) }));
}

export interface PresentOrder {
  readonly name: string;
  /** How often, one after the other. */
  readonly times: number;
  /** Between two of them. */
  readonly pauseMs: number;
  /** `full`: with nothing that was kept for a faster form. */
  readonly form: "fastest" | "full";
}

/** Shows a phone at the nearest reader. Throws `CommandFailed` where not each time is granted. */
export async function presentPhone(
  means: PhoneMeans & { readonly pause: (forMs: number) => Promise<void> },
  { name, times, pauseMs, form }: PresentOrder,
): Promise<void> {
  const { file, terminal, json, pause } = means;
  const found = readPhones(file).get(name);
  if (found === undefined) throw new CommandFailed(1, `there is no ${name} in ${file}`);
  let phone = found;
  const radio = await means.openRadio();
  const runs: PhoneRun[] = [];
  try {
    for (let time = 0; time < times; time += 1) {
      if (time > 0) await pause(pauseMs);
      const run = await runPhoneSession({
        ...means,
        radio,
        action: "present",
        phone: form === "full" ? unremembered(phone) : phone,
        keep: (next) => {
          phone = next;
          keepPhone(file, name, next);
        },
        onProgress: (progress) => show(means, progress),
      });
      tell(means, name, run);
      runs.push(run);
    }
  } finally {
    await radio.close();
  }
  if (times > 1 && !json) terminal.out(`${summaryOf(runs)}\n`);
  const refused = runs.find(({ result }) => result !== "granted");
  if (refused !== undefined) throw new CommandFailed(1, whyNot(refused));
}

const unremembered = (phone: PhoneState): PhoneState => ({
  ...phone,
  known: phone.known.map(({ resumption: _, ...known }) => known),
});

/** The phones of the file, with nothing secret of them. */
export function listPhones({ file, json, terminal }: Omit<PhoneMeans, "openRadio">): void {
  const all = [...readPhones(file)].map(([name, phone]) => ({
    name,
    phone: phoneOf(phone.deviceKey),
    site: phone.site,
    site_key_fingerprint: siteKeyFingerprint(phone.siteKey),
    controllers: phone.known.map(({ controller }) => controller),
  }));
  if (json) return terminal.out(`${JSON.stringify(all)}\n`);
  const rows = all.map((one) => [
    one.name,
    one.site,
    one.phone,
    one.site_key_fingerprint,
    one.controllers.join(" "),
  ]);
  terminal.out(textTable(["NAME", "SITE", "PHONE", "SITE KEY", "KNOWS CONTROLLERS"], rows));
}

function show({ json, terminal }: PhoneMeans, progress: Progress): void {
  if (json) return;
  terminal.out(`${lineOf(progress)}\n`);
}

function lineOf(progress: Progress): string {
  switch (progress.kind) {
    case "in_range":
      return `in range    ${progress.rssi} dBm`;
    case "connecting":
      return "connecting";
    case "reader_known":
      return `reader      ${printable(progress.reader)} of ${printable(progress.controller)}`;
    case "sent":
      return `sent        ${progress.form} form`;
    default:
      return unreachable(progress);
  }
}

function tell({ json, terminal }: PhoneMeans, name: string, run: PhoneRun): void {
  if (json) return terminal.out(`${JSON.stringify({ phone: name, ...run })}\n`);
  const { connected, ended } = run.at;
  const took =
    connected === undefined ? "" : `  ${(ended - connected).toFixed(0)} ms after connecting`;
  terminal.out(`${run.result.padEnd(12)}${took}`.trimEnd());
  terminal.out("\n");
}

const words: Readonly<Partial<Record<PhoneResult, string>>> = {
  denied: "denied: the journal at the controller says why",
  more_needed: "the reader waits for the PIN at its keypad",
  enrolled: "it was taken up",
  not_enrolling: "the reader waits for no phone: begin the enrolment at the site first",
  try_later: "the reader has paused after too many failures: try again in a minute",
  not_heard: "no reader was heard",
  certificate_of_another_site: "the reader is another site's",
  certificate_not_authentic:
    "the reader's certificate is not signed by this phone's site: do not trust it",
  hello_not_authentic: "the reader has not the key that its certificate names: do not trust it",
  link_lost: "the connection was lost",
  too_late: "the reader did not answer in time",
};

function whyNot({ result, detail }: PhoneRun): string {
  if (detail !== undefined) return `not connected: ${printable(detail)}`;
  return words[result] ?? result;
}

function summaryOf(runs: readonly PhoneRun[]): string {
  const granted = runs.filter(({ result }) => result === "granted");
  const took = granted
    .map(({ at }) => at.ended - (at.connected ?? at.ended))
    .toSorted((one, other) => one - other);
  const percentile = (share: number) =>
    (took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0).toFixed(0);
  const fast = granted.filter(({ form }) => form === "fast").length;
  const counted = `${granted.length} of ${runs.length} granted, ${fast} in the fast form`;
  if (granted.length === 0) return counted;
  return `${counted}; connected to answered p50 ${percentile(0.5)} ms, p95 ${percentile(0.95)} ms`;
}

function keyOf(text: string) {
  const key = parseSiteKey(text);
  if (key.ok) return key.value;
  throw new CommandFailed(2, `--site-key: expected ${key.fault}`);
}

import { createHash } from "node:crypto";
import { isId, type SiteId, siteId } from "../domain/ids.ts";
import { unreachable } from "../domain/unreachable.ts";
import {
  newPhone,
  type PhoneState,
  parseSiteKey,
  phoneOf,
} from "../protocols/mobile-pass/phone-state.ts";
import type { PhoneClock } from "../protocols/mobile-pass/run-phone.ts";
import type { Entropy } from "../protocols/mobile-pass/version.ts";
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

const deviceSeedBytes = 48;

export interface EnrolOrder {
  readonly name: string;
  /** As they were typed; a phone that has keys already needs neither. */
  readonly site?: string | undefined;
  readonly siteKey?: string | undefined;
}

/** Has a reader that waits for a phone take this one up; makes its keys where it has none yet. */
export async function enrolPhone(means: PhoneMeans, order: EnrolOrder): Promise<void> {
  const { file, terminal } = means;
  const phone = phoneToEnrol(means, order);
  // Before it is shown: where the answer is lost, the site may have it all the same.
  keepPhone(file, order.name, phone);
  terminal.err(`${order.name} is ${phoneOf(phone.deviceKey)}, of site ${phone.site}, `);
  terminal.err(`whose mobile key has the fingerprint ${fingerprint(phone)}\n`);
  const radio = await means.openRadio();
  let run: PhoneRun;
  try {
    run = await runPhoneSession({
      ...means,
      radio,
      phone,
      action: "enrol",
      keep: (next) => keepPhone(file, order.name, next),
      onProgress: (progress) => show(means, progress),
    });
  } finally {
    await radio.close();
  }
  tell(means, order.name, run);
  if (run.result !== "enrolled") throw new CommandFailed(1, whyNot(run));
}

function phoneToEnrol({ file, entropy }: PhoneMeans, order: EnrolOrder): PhoneState {
  const known = readPhones(file).get(order.name);
  const site = order.site === undefined ? undefined : siteOf(order.site);
  const siteKey = order.siteKey === undefined ? undefined : keyOf(order.siteKey);
  if (known === undefined) {
    if (site === undefined || siteKey === undefined) {
      throw new CommandFailed(
        2,
        `--site and --site-key: expected both, for there is no ${order.name} in ${file} yet`,
      );
    }
    return newPhone({ site, siteKey, deviceSeed: entropy(deviceSeedBytes) });
  }
  const isSame =
    (site === undefined || site === known.site) &&
    (siteKey === undefined || siteKey.equals(known.siteKey));
  if (isSame) return known;
  throw new CommandFailed(
    1,
    `${order.name} belongs to site ${known.site}, with the mobile key ${fingerprint(known)}: a phone has one ` +
      "site. Choose another name",
  );
}

export interface PresentOrder {
  readonly name: string;
  /** How often, one after the other. */
  readonly times: number;
  /** Between two of them. */
  readonly pauseMs: number;
}

/** Shows a phone at the nearest reader. Throws `CommandFailed` where not each time is granted. */
export async function presentPhone(
  means: PhoneMeans & { readonly pause: (forMs: number) => Promise<void> },
  { name, times, pauseMs }: PresentOrder,
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
        phone,
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

/** The phones of the file, with nothing secret of them. */
export function listPhones({ file, json, terminal }: Omit<PhoneMeans, "openRadio">): void {
  const all = [...readPhones(file)].map(([name, phone]) => ({
    name,
    phone: phoneOf(phone.deviceKey),
    site: phone.site,
    site_key_fingerprint: fingerprint(phone),
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

/** For people to compare: of the site's mobile key, the first 16 bytes of SHA-256 in groups. */
function fingerprint({ siteKey }: PhoneState): string {
  const spki = siteKey.export({ type: "spki", format: "der" });
  const digest = createHash("sha256").update(spki.subarray(-rawKeyBytes)).digest("hex");
  return digest.slice(0, 32).replaceAll(/(.{4})(?=.)/g, "$1-");
}

/** An Ed25519 key is the end of its SPKI (RFC 8410, section 4). */
const rawKeyBytes = 32;

function siteOf(text: string): SiteId {
  if (isId(text)) return siteId(text);
  throw new CommandFailed(2, "--site: expected the site's id");
}

function keyOf(text: string) {
  const key = parseSiteKey(text);
  if (key.ok) return key.value;
  throw new CommandFailed(2, `--site-key: expected ${key.fault}`);
}

import { generateKeyPairSync, type KeyObject } from "node:crypto";
import type { TableContent } from "../../../../src/domain/access.ts";
import { phoneCredential, rawCredential } from "../../../../src/domain/credential.ts";
import type { DoorEvent, JournalEntry } from "../../../../src/domain/event.ts";
import {
  areaId,
  type ControllerId,
  controllerId,
  dayTypeId,
  doorId,
  passId,
  readerId,
  ruleId,
  scheduleId,
  siteId,
  userId,
  zoneId,
} from "../../../../src/domain/ids.ts";
import type { FrameRule, TableChange, TableFrame } from "../../../../src/domain/table-change.ts";
import { epochMs } from "../../../../src/domain/time.ts";
import type { MessageScope } from "../../../../src/protocols/sync/authenticated-message.ts";
import { chainStart, hashEntry } from "../../../../src/protocols/sync/journal-chain.ts";
import { deriveKeys, digestPin, type Provision } from "../../../../src/protocols/sync/provision.ts";
import {
  openerOf,
  type SiteOpener,
  type SiteSealer,
} from "../../../../src/protocols/sync/site-seal.ts";
import { door, tableContent } from "../../core/sample-table.ts";

export const site = siteId("test");
export const controller = controllerId("one");
export const attempt = "0b0e7c2a-93a4-4d0f-8f3c-1d6a3c5e7f90";

/** What a site and its controller share, and the half that the site keeps to itself. */
export interface Pairing {
  readonly provision: Provision;
  readonly signingKey: KeyObject;
  readonly tableKey: KeyObject;
  readonly scope: MessageScope;
  readonly sealer: SiteSealer;
  readonly opener: SiteOpener;
}

export function pairing(fill = 7, part: Partial<Provision> = {}): Pairing {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const provision: Provision = {
    site,
    controller,
    sitePublicKey: String(publicKey.export({ type: "spki", format: "pem" })),
    controllerKey: new Uint8Array(32).fill(fill),
    pinKey: new Uint8Array(32).fill(fill + 1),
    ...part,
  };
  const { tableKey, messageKey } = deriveKeys(provision.controllerKey);
  const scope = { site: provision.site, controller: provision.controller, messageKey };
  const sealer = { site: provision.site, controller: provision.controller, tableKey };
  return {
    provision,
    signingKey: privateKey,
    tableKey,
    scope,
    sealer: { ...sealer, signingKey: privateKey },
    opener: openerOf(provision),
  };
}

/** One of everything that a table can hold. */
export function fullTable(part: Partial<TableContent> = {}): TableContent {
  const ada = userId("ada");
  return tableContent({
    calendar: [
      { year: 2026, month: 12, day: 24, dayType: dayTypeId("short") },
      { month: 2, day: 29, dayType: dayTypeId("holiday") },
    ],
    zones: [
      { id: zoneId("campus"), doors: [] },
      { id: zoneId("house"), parent: zoneId("campus"), doors: [doorId("front"), doorId("back")] },
    ],
    areas: [
      { id: areaId("hall"), passback: "none", managerIn: "not_required" },
      {
        id: areaId("lab"),
        passback: "timed",
        passbackMs: 60_000,
        occupancyMax: 4,
        managerIn: "required",
      },
    ],
    doors: [
      door("front", {
        posture: "locked",
        inside: areaId("lab"),
        outside: areaId("hall"),
        exitReaders: [readerId("front-out")],
        interlock: [doorId("back")],
        twoPerson: "required",
        tamper: "deny",
        fire: "unlock",
        afterRestart: "forget",
      }),
      door("back"),
    ],
    users: [{ id: ada, suspended: false, traits: ["extra_time", "manager"] }],
    passes: [
      {
        id: passId("card"),
        user: ada,
        kind: "csn_card",
        active: true,
        startsAt: epochMs(1_000),
        endsAt: epochMs(2_000),
        usesMax: 5,
        spentHere: 1,
        spentElsewhere: 2,
        traits: ["pass_through", "toggle"],
        presents: { as: "raw", raw: rawCredential("26:0190e0f") },
      },
      {
        id: passId("phone"),
        user: ada,
        kind: "mobile",
        active: true,
        presents: { as: "raw", raw: phoneCredential("00112233445566778899aabbccddeeff") },
      },
      {
        id: passId("pin"),
        user: ada,
        kind: "pin",
        active: true,
        presents: { as: "pin", digest: digestPin(new Uint8Array(32), "246810") },
      },
      {
        id: passId("duress-pin"),
        user: ada,
        kind: "pin",
        active: true,
        traits: ["duress"],
        presents: { as: "pin", digest: digestPin(new Uint8Array(32), "246811") },
      },
    ],
    rules: [
      {
        id: ruleId("r"),
        kind: "grant",
        zones: [],
        users: [ada],
        doors: [doorId("front")],
        schedule: scheduleId("s"),
      },
      {
        id: ruleId("open"),
        kind: "auto_unlock",
        zones: [zoneId("house")],
        users: [],
        doors: [],
        schedule: scheduleId("s"),
      },
      {
        id: ruleId("first"),
        kind: "first_person_in",
        zones: [],
        users: [],
        doors: [doorId("front")],
        schedule: scheduleId("s"),
      },
    ],
    schedules: [
      {
        id: scheduleId("s"),
        intervals: [
          { days: [1, 7], fromMinute: 1_320, toMinute: 360 },
          { days: [4], dayType: dayTypeId("short"), fromMinute: 480, toMinute: 720 },
        ],
      },
    ],
    mobile: { certificate: "Y2VydGlmaWNhdGU" },
    ...part,
  });
}

/** The frame of `fullTable`. */
export function fullFrame(part: Partial<TableFrame> = {}): TableFrame {
  const { table: _table, compiledAt: _at, users: _users, passes: _passes, ...places } = fullTable();
  const rules = places.rules.map(({ users, ...rule }): FrameRule => {
    const isForAnybody = rule.kind === "first_person_in" && users.length === 0;
    return { ...rule, whom: isForAnybody ? "anybody" : "named_users" };
  });
  return { ...places, rules, ...part };
}

/** One of every change, and everything that a user or a pass can say. */
export function everyChange(): readonly TableChange[] {
  const [user] = fullTable().users;
  if (user === undefined) throw new Error("no user");
  return [
    { kind: "frame", frame: fullFrame() },
    { kind: "user_gone", user: userId("bob") },
    { kind: "pass_gone", pass: passId("0b0e7c2a-93a4-4d0f-8f3c-1d6a3c5e7f90") },
    { kind: "user", user: { ...user, rules: [ruleId("r"), ruleId("first")] } },
    {
      kind: "user",
      user: {
        id: userId("7e3f1a52-0c11-4b8e-9a55-2f4b6c8d0e13"),
        suspended: true,
        rules: [],
      },
    },
    ...fullTable().passes.map((pass): TableChange => ({ kind: "pass", pass })),
  ];
}

/** Each kind of event once; a kind that is new in the domain does not compile until it is here. */
const eventsByKind: { readonly [Kind in DoorEvent["kind"]]: DoorEvent & { readonly kind: Kind } } =
  {
    access_granted: {
      kind: "access_granted",
      door: doorId("front"),
      reader: readerId("front"),
      pass: passId("card"),
      user: userId("ada"),
      reason: "granted",
    },
    access_denied: {
      kind: "access_denied",
      door: doorId("front"),
      reader: readerId("front"),
      reason: "unknown_credential",
    },
    door_forced: { kind: "door_forced", door: doorId("front") },
    door_held_warning: { kind: "door_held_warning", door: doorId("front") },
    door_held: { kind: "door_held", door: doorId("front") },
    door_secured: { kind: "door_secured", door: doorId("front") },
    door_not_entered: { kind: "door_not_entered", door: doorId("front") },
    rex_admitted: { kind: "rex_admitted", door: doorId("front") },
    rex_reported: { kind: "rex_reported", door: doorId("front") },
    door_failed_to_relock: { kind: "door_failed_to_relock", door: doorId("front") },
    rex_cut: { kind: "rex_cut", door: doorId("front") },
    rex_shorted: { kind: "rex_shorted", door: doorId("front") },
    contact_stuck: { kind: "contact_stuck", door: doorId("front") },
    contact_cut: { kind: "contact_cut", door: doorId("front") },
    contact_shorted: { kind: "contact_shorted", door: doorId("front") },
    posture_changed: {
      kind: "posture_changed",
      door: doorId("front"),
      posture: "lockdown",
      cause: "operator",
    },
    passback_violation: {
      kind: "passback_violation",
      door: doorId("front"),
      reader: readerId("front"),
      pass: passId("card"),
      user: userId("ada"),
      area: areaId("lab"),
    },
    duress: {
      kind: "duress",
      door: doorId("front"),
      reader: readerId("front"),
      pass: passId("pin"),
      user: userId("ada"),
    },
    passback_forgiven: { kind: "passback_forgiven", user: userId("ada") },
    strike_pulsed: { kind: "strike_pulsed", door: doorId("front"), forMs: 500 },
    reader_watched: { kind: "reader_watched", reader: readerId("front"), bits: "masked" },
    remote_unlock: { kind: "remote_unlock", door: doorId("front"), attempt, outcome: "released" },
    remote_override: {
      kind: "remote_override",
      door: doorId("front"),
      attempt,
      override: "clear",
      outcome: "done",
    },
    enrolment: { kind: "enrolment", reader: readerId("front"), attempt, outcome: "taken" },
    command_refused: { kind: "command_refused", reason: "altered", count: 2 },
    fire: { kind: "fire", state: "raised" },
    tamper: { kind: "tamper", reader: readerId("front"), state: "raised" },
    alarm_input_fault: { kind: "alarm_input_fault", input: "fire", fault: "cut" },
    rex_stuck: { kind: "rex_stuck", door: doorId("front") },
    rex_recovered: { kind: "rex_recovered", door: doorId("front") },
    rex_chatter: { kind: "rex_chatter", door: doorId("front") },
    contact_chatter: { kind: "contact_chatter", door: doorId("front") },
    contact_recovered: { kind: "contact_recovered", door: doorId("front") },
    pin_lockout: { kind: "pin_lockout", reader: readerId("front"), pauseMs: 60_000 },
    reader_misread: {
      kind: "reader_misread",
      reader: readerId("front"),
      verdict: "parity",
      bitCount: 26,
      count: 3,
    },
    table_applied: { kind: "table_applied", applied: { epoch: 1, version: 7 } },
    table_refused: { kind: "table_refused", reason: "altered", detail: "no match" },
    controller_started: { kind: "controller_started", software: "postern 0.1.0" },
    trouble: { kind: "trouble", trouble: "clock unknown", state: "raised" },
    clock_set: { kind: "clock_set", byMs: -7_200_000, outcome: "ignored" },
    journal_overflow: {
      kind: "journal_overflow",
      lostCount: 3,
      lostDenialCount: 2,
      lostAlarmCount: 1,
    },
  };

export const everyEvent: readonly DoorEvent[] = Object.values(eventsByKind);

export interface JournalPart {
  readonly count: number;
  readonly journal?: string;
  readonly of?: ControllerId;
  /** The entry to go on from. */
  readonly after?: JournalEntry | undefined;
  /** Makes a journal that says other things under the same numbers. */
  readonly startMs?: number;
}

/** `count` chained entries, of every kind in turn. */
export function entries({
  count,
  journal = "j1",
  of = controller,
  after,
  startMs = 1_000,
}: JournalPart) {
  const chain: JournalEntry[] = [];
  let previous = after?.hash ?? chainStart;
  let number = after?.number ?? 0;
  while (chain.length < count) {
    const event = everyEvent[number % everyEvent.length];
    if (event === undefined) throw new Error("no events");
    number += 1;
    const entry: Omit<JournalEntry, "hash"> = {
      controller: of,
      journal,
      number,
      previous,
      event,
      wall: { at: epochMs(startMs + number), quality: "trusted" },
      ...(number > 1 && { table: { epoch: 1, version: 7 }, tableAgeMs: 500 }),
    };
    previous = hashEntry(entry);
    chain.push({ ...entry, hash: previous });
  }
  return chain;
}

/** The same bytes with one bit turned over. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (0x80 >>> (bit & 7));
  return copy;
}

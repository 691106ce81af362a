import { noTable } from "./checks.ts";
import { asksTwoFactors, isLimitedInTime } from "./pass-checks.ts";
import { isPinAlone, type Subject } from "./subject.ts";
import { rulesHere, tellInstant, tellNow, userOf } from "./subject-words.ts";

/** More rules than this are counted and not named. */
const namedRulesMax = 8;

export function describeTable({ table, request }: Subject): string {
  if (table === noTable) return "There is no table.";
  const { epoch, version } = table.version;
  const age = request.wall.quality === "unknown" ? "" : ageOf(request.wall.at - table.compiledAt);
  return `Table ${epoch}.${version} has ${table.credentialCount} passes${age}.`;
}

function ageOf(ageMs: number): string {
  const hours = Math.max(0, Math.floor(ageMs / 3_600_000));
  return hours < 48 ? ` and is ${hours} hours old` : ` and is ${Math.floor(hours / 24)} days old`;
}

export function describeCredential({ table, request: { presented }, pass }: Subject): string {
  if (presented.pass !== undefined) {
    if (pass < 0) return `There is no pass ${presented.pass}.`;
    return `Pass ${presented.pass} of user ${table.passes.userId(pass)} was asked about by name.`;
  }
  const bitCount = presented.card?.split(":", 1)[0];
  const what = bitCount === undefined ? "the PIN" : `the card of ${bitCount} bits`;
  if (pass < 0) return `No pass has ${what}.`;
  return `Pass ${table.passes.id(pass)} of user ${table.passes.userId(pass)} has ${what}.`;
}

export function describeClock(subject: Subject): string {
  const { request, pass, settings } = subject;
  const limits = `The pass is ${isLimitedInTime(subject, pass) ? "" : "not "}limited in time`;
  if (request.wall.quality !== "unknown") {
    return `${limits}, and the time is known (${request.wall.quality}).`;
  }
  return `${limits}, the time is not known, and then the door says: ${settings?.clockUnknown}.`;
}

export function describeStart(subject: Subject): string {
  const { passes } = subject.table;
  const startsAt = passes.startsAt(subject.pass);
  const start =
    startsAt === -Infinity ? "has no start" : `starts at ${tellInstant(subject.table, startsAt)}`;
  return `Pass ${passes.id(subject.pass)} ${start}. ${tellNow(subject)}`;
}

export function describeEnd(subject: Subject): string {
  const { passes } = subject.table;
  const endsAt = passes.endsAt(subject.pass);
  const end = endsAt === Infinity ? "has no end" : `ends at ${tellInstant(subject.table, endsAt)}`;
  return `Pass ${passes.id(subject.pass)} ${end}. ${tellNow(subject)}`;
}

export function describeUses(subject: Subject): string {
  const { table, pass, uses } = subject;
  const name = `Pass ${table.passes.id(pass)}`;
  const count = table.passes.useCount(pass);
  if (count === undefined || uses === undefined) return `${name} is good for any number of grants.`;
  const left = Math.max(0, uses.left);
  const spent = `${uses.spentHere} spent here, ${count.spentElsewhere} elsewhere, ${left} left`;
  return `${name} is good for ${count.usesMax} grants: ${spent}.`;
}

export function describeAccess(subject: Subject): string {
  const { table, user, request } = subject;
  const ruleCount = table.rules.admittingCount(user);
  const covering = rulesHere(subject);
  const names = covering.slice(0, namedRulesMax).map((rule) => table.rules.id(rule));
  const more = covering.length > names.length ? ` and ${covering.length - names.length} more` : "";
  const which = names.length === 0 ? "none of them" : `${names.join(", ")}${more}`;
  const rules = `User ${userOf(subject)} is in ${ruleCount} rules; door ${request.door} is in ${which}.`;
  return `${rules}${freely(subject)}`;
}

export function describeSchedules(subject: Subject): string {
  const { table, request } = subject;
  const covering = rulesHere(subject);
  if (covering.length === 0) return `No rule is asked.${freely(subject)} ${tellNow(subject)}`;
  const clauses = covering.slice(0, namedRulesMax).map((rule) => {
    const number = table.rules.schedule(rule);
    if (number < 0) return `rule ${table.rules.id(rule)} is always in force`;
    const { id, compiled } = table.schedule(number);
    const state =
      request.wall.quality === "unknown"
        ? "of which the state is not known"
        : `which is ${compiled.isOpen(request.wall.at) ? "open" : "closed"}`;
    return `rule ${table.rules.id(rule)} follows schedule ${id}, ${state}`;
  });
  if (covering.length > clauses.length) clauses.push(`${covering.length - clauses.length} more`);
  return `For this door, ${clauses.join("; ")}.${freely(subject)} ${tellNow(subject)}`;
}

function freely({ posture }: Subject): string {
  return posture?.posture === "free_access" ? " The door is free to every valid pass." : "";
}

export function describeFactors(subject: Subject): string {
  const { table, request, second } = subject;
  const asks = whatIsAsked(subject);
  if (isPinAlone(subject)) return `${asks}; a PIN was presented.`;
  if (request.presented.pin === undefined) return `${asks}; a card was presented.`;
  const shown = `${asks}; a card and a PIN were presented`;
  if (!asksTwoFactors(subject)) return `${shown}, of which the card decides.`;
  if (second < 0) return `${shown}; no pass has the PIN.`;
  if (table.passes.user(second) !== subject.user) return `${shown}; the PIN is another user's.`;
  return `${shown}; the PIN is pass ${table.passes.id(second)}.`;
}

function whatIsAsked(subject: Subject): string {
  const factors = subject.settings?.factors ?? "card_and_pin";
  if (factors === "card_and_pin") return "The door asks for a card and a PIN";
  if (asksTwoFactors(subject)) {
    return "The door asks for less, but each rule that is in force here for a card and a PIN";
  }
  return factors === "card" ? "The door asks for a card" : "The door asks for a card or a PIN";
}

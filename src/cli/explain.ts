import { doorId, idExpectation, isId, passId } from "../domain/ids.ts";
import { reasonSentences } from "../domain/reason.ts";
import type { Result } from "../domain/result.ts";
import type { EpochMs } from "../domain/time.ts";
import { unreachable } from "../domain/unreachable.ts";
import type { CardArgument, ExplainArgs, LocalFault } from "../protocols/local/local-message.ts";
import type { LocalExplanation, LocalNextGrant } from "../protocols/local/local-reports.ts";
import {
  cardExample,
  cardExpectation,
  parseBitsArgument,
  parseCardArgument,
} from "./card-argument.ts";
import { ask } from "./client.ts";
import { parseMoment, tellMoment } from "./moments.ts";
import { CommandFailed, type Terminal } from "./terminal.ts";
import { printable } from "./text-table.ts";

export interface ExplainOptions {
  readonly socketFile: string;
  readonly door: string;
  readonly card: CardArgument | undefined;
  /** Instead of a card. */
  readonly pass: string | undefined;
  readonly pin: string | undefined;
  /** Absent: now, by the controller's clock. */
  readonly at: EpochMs | undefined;
  readonly json: boolean;
  readonly terminal: Terminal;
}

export async function showExplanation(options: ExplainOptions): Promise<void> {
  const { socketFile, door, card, pass, pin, at, json, terminal } = options;
  if (!isId(door)) throw new CommandFailed(2, `--door: expected ${idExpectation}`);
  if (card === undefined && pass === undefined && pin === undefined) {
    const options = "--card, --bits, --pass or --pin";
    throw new CommandFailed(2, `expected ${options}: what is presented at the door`);
  }
  if (pass !== undefined && !isId(pass)) {
    throw new CommandFailed(2, `--pass: expected ${idExpectation}`);
  }
  const args: ExplainArgs = {
    door: doorId(door),
    ...(card === undefined ? {} : { card }),
    ...(pass === undefined ? {} : { pass: passId(pass) }),
    ...(pin === undefined ? {} : { pin }),
    ...(at === undefined ? {} : { at }),
  };
  const answer = await ask(socketFile, { verb: "explain", args }, (fault) =>
    tellFault(fault, args),
  );
  const explanation = answer as LocalExplanation;
  terminal.out(
    json ? `${JSON.stringify(explanation, undefined, 2)}\n` : renderExplanation(explanation),
  );
}

/** The controller names fields of a request, which nobody has typed; options are what was typed. */
function tellFault({ message, field }: LocalFault, { card }: ExplainArgs): string {
  if (field === undefined || !message.startsWith(`${field}: `)) return message;
  const expected = message.slice(field.length + 2);
  const [, argument, part] = field.split(".");
  switch (argument) {
    case "door":
    case "at":
      return `--${argument}: ${expected}`;
    case "pin":
      return `PIN: ${expected}`;
    case "card":
      if (card !== undefined && "bits" in card) return `--bits: ${expected}`;
      return `--card: ${tellCardFault(part, expected)}`;
    default:
      return message;
  }
}

function tellCardFault(part: string | undefined, expected: string): string {
  switch (part) {
    case undefined:
      return `expected ${cardExpectation}`;
    // The values are no field of a card, and what is expected of them is the whole argument.
    case "values":
      return `${expected}, ${cardExample}`;
    case "format":
      return `format: ${expected}, ${cardExample}`;
    default:
      return `${part}: ${expected}`;
  }
}

/** Of what was typed, what is meant. Throws `CommandFailed`, naming the option. */
export function readExplainArguments(typed: {
  readonly card: string | undefined;
  readonly bits: string | undefined;
  readonly at: string | undefined;
}): { readonly card: CardArgument | undefined; readonly at: EpochMs | undefined } {
  const { card, bits, at } = typed;
  const presented =
    bits === undefined
      ? readOption("--card", card, parseCardArgument)
      : readOption("--bits", bits, parseBitsArgument);
  return { card: presented, at: readOption("--at", at, parseMoment) };
}

function readOption<T>(
  name: string,
  text: string | undefined,
  parse: (text: string) => Result<T, string>,
): T | undefined {
  if (text === undefined) return undefined;
  const parsed = parse(text);
  if (parsed.ok) return parsed.value;
  throw new CommandFailed(2, `${name}: expected ${parsed.fault}`);
}

const marks = { passed: "ok", failed: "NO", waiting: "..", not_reached: "  " } as const;

export function renderExplanation(explanation: LocalExplanation): string {
  const { door, wall, decision, ladder, next } = explanation;
  const lines = [`Door ${door} at ${tellMoment(wall.at)} (clock ${wall.quality}):`];
  switch (decision.kind) {
    case "granted":
      lines.push(`GRANTED to ${decision.user} with pass ${decision.pass}.`);
      break;
    case "pin_required":
      lines.push(`PIN REQUIRED: the card is ${decision.user}'s pass ${decision.pass}.`);
      break;
    case "second_person_required":
      lines.push(`SECOND PERSON REQUIRED after ${decision.user} with pass ${decision.pass}.`);
      break;
    case "escort_required":
      lines.push(`ESCORT REQUIRED for ${decision.user} with pass ${decision.pass}.`);
      break;
    case "denied":
      lines.push(`DENIED, ${decision.reason}: ${reasonSentences[decision.reason]}`);
      break;
    default:
      return unreachable(decision);
  }
  if (decision.kind === "denied") lines.push(tellNext(next));
  lines.push("");
  for (const { check, verdict, saw, remedy } of ladder) {
    lines.push(`  ${marks[verdict]}  ${check.padEnd(12)}  ${saw}`);
    if (remedy !== undefined) lines.push(`${" ".repeat(20)}-> ${remedy}`);
  }
  return lines.map((line) => `${printable(line)}\n`).join("");
}

function tellNext(next: LocalNextGrant): string {
  if (next.kind === "at") return `It would next be granted at ${tellMoment(next.at)}.`;
  const why = reasonSentences[next.reason];
  return next.kind === "never"
    ? `Time alone does not change that: ${why}`
    : `Nobody can say when that changes: ${why}`;
}

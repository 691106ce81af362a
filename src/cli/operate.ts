import { doorPostures } from "../domain/access.ts";
import { doorId, idExpectation, isId, userId } from "../domain/ids.ts";
import type { LocalFault, OverrideArgs } from "../protocols/local/local-message.ts";
import type { LocalForgiven, LocalOverridden } from "../protocols/local/local-reports.ts";
import { ask } from "./client.ts";
import { CommandFailed, type Terminal } from "./terminal.ts";

interface OperateOptions {
  readonly socketFile: string;
  readonly json: boolean;
  readonly terminal: Terminal;
}

/** As it is typed and told: `free-access`; with an underscore it is understood. */
export const typedPostures: readonly string[] = [...doorPostures, "clear"].map(typed);
export const typedUntil = ["cleared", "next-change"] as const;

/** Sets a door's posture over what its site and schedules say, or with `clear` ends that. */
export async function overrideDoor(
  options: OperateOptions & {
    readonly door: string;
    readonly posture: string;
    readonly until: (typeof typedUntil)[number];
  },
): Promise<void> {
  const { socketFile, json, terminal, door, posture, until } = options;
  if (!isId(door)) throw new CommandFailed(2, `door: expected ${idExpectation}`);
  const wanted = ([...doorPostures, "clear"] as const).find(
    (name) => typed(name) === typed(posture),
  );
  if (wanted === undefined) {
    throw new CommandFailed(2, `posture: expected one of ${typedPostures.join(", ")}`);
  }
  const args: OverrideArgs = {
    door: doorId(door),
    posture: wanted,
    until: until === "next-change" ? "next_change" : "cleared",
  };
  const answer = await ask(socketFile, { verb: "override", args }, tellFault);
  const set = answer as LocalOverridden;
  const { posture: inForce, cause, kept } = set;
  const lasting = cause === "operator" ? ` ${lastingOf(args)}` : "";
  terminal.out(
    json
      ? `${JSON.stringify(set, undefined, 2)}\n`
      : `Door ${door} is ${typed(inForce)}, by ${typed(cause)}${lasting}.\n`,
  );
  if (!kept) {
    throw new CommandFailed(1, "the controller's disk did not take it: a restart may forget it");
  }
}

function lastingOf({ until }: OverrideArgs): string {
  return until === "cleared" ? "until it is cleared" : "until a schedule of the door changes";
}

/** Anti-passback takes the word of this user, or with none of everybody, at the next door. */
export async function forgive(
  options: OperateOptions & { readonly user: string | undefined },
): Promise<void> {
  const { socketFile, json, terminal, user } = options;
  if (user !== undefined && !isId(user)) {
    throw new CommandFailed(2, `--user: expected ${idExpectation}`);
  }
  const args = user === undefined ? {} : { user: userId(user) };
  const answer = (await ask(socketFile, { verb: "forgive", args })) as LocalForgiven;
  if (json) return terminal.out(`${JSON.stringify(answer, undefined, 2)}\n`);
  if (answer.recorded) return terminal.out(`Forgiven: ${user ?? "everybody"}.\n`);
  throw new CommandFailed(1, `nothing is recorded of user ${user ?? ""}`);
}

export function typed(name: string): string {
  return name.replaceAll("_", "-");
}

/** The controller names fields of a request, which nobody has typed. */
function tellFault({ message, field }: LocalFault): string {
  if (field === undefined || !message.startsWith(`${field}: `)) return message;
  const argument = field.split(".").at(-1);
  const expected = message.slice(field.length + 2);
  return `${argument === "until" ? "--until" : argument}: ${expected}`;
}

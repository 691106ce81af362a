import { printable } from "../cli/text-table.ts";
import { checkUp } from "./check-up/check-up.ts";
import type { Finding } from "./check-up/finding.ts";
import { type Machine, thisMachine } from "./check-up/machine.ts";
import { type CheckUpSource, openSubject } from "./check-up/subject.ts";

/**
 * Looks whether this machine can run its doors, with the controller running or not, and prints what it
 * saw and what to do. `fail` where something did.
 */
export async function runDoctor(
  options: CheckUpSource & {
    readonly json: boolean;
    readonly print: (text: string) => void;
    readonly machine?: Machine;
  },
): Promise<"ok" | "fail"> {
  const { json, print, machine = thisMachine() } = options;
  const findings = await checkUp(await openSubject(options, machine));
  print(json ? `${JSON.stringify(findings, undefined, 2)}\n` : renderFindings(findings));
  return findings.some(({ verdict }) => verdict === "fail") ? "fail" : "ok";
}

const marks = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

export function renderFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, verdict, saw, fix }) => {
    const [first = "", ...others] = saw.split("\n");
    const gap = " ".repeat(width + 8);
    return [
      `${marks[verdict]}  ${check.padEnd(width)}  ${printable(first)}`,
      ...others.map((line) => `${gap}${printable(line)}`),
      ...(fix === undefined ? [] : [`${gap}-> ${printable(fix)}`]),
    ];
  });
  return lines.map((line) => `${line}\n`).join("");
}

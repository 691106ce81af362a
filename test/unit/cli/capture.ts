import type { Terminal } from "../../../src/cli/terminal.ts";

/** A terminal that keeps what is written to it. */
export function captureTerminal(): Terminal & { output(): string; onOutput?: () => void } {
  let output = "";
  const captured = {
    output: () => output,
    onOutput: undefined as (() => void) | undefined,
    out: (text: string) => {
      output += text;
      captured.onOutput?.();
    },
    err: () => {},
  };
  return captured as ReturnType<typeof captureTerminal>;
}

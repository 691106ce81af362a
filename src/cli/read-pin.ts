import { createInterface } from "node:readline";
import type { ReadStream } from "node:tty";
import { CommandFailed } from "./terminal.ts";

const pinLengthMax = 64;
const escapeFrom = "\u0003"; // Ctrl-C
const endOfInput = "\u0004"; // Ctrl-D

/**
 * The PIN, typed unseen at a terminal or as the first line of a pipe. Never an argument: those are in
 * the shell's history and in every process list.
 */
export async function readPin(
  input: NodeJS.ReadStream | (NodeJS.ReadableStream & { readonly isTTY?: false }),
  prompt: (text: string) => void,
): Promise<string> {
  if (input.isTTY === true) return typedPin(input, prompt);
  const lines = createInterface({ input });
  try {
    for await (const line of lines) return line.trim();
  } finally {
    lines.close();
  }
  throw new CommandFailed(2, "--pin: expected the PIN on standard input");
}

async function typedPin(input: ReadStream, prompt: (text: string) => void): Promise<string> {
  prompt("PIN: ");
  input.setRawMode(true);
  let typed = "";
  try {
    for await (const chunk of input) {
      for (const key of String(chunk)) {
        if (key === escapeFrom) throw new CommandFailed(1, "interrupted");
        if (key === "\r" || key === "\n" || key === endOfInput) return typed;
        if (key === "\u007f" || key === "\b") typed = typed.slice(0, -1);
        else if (typed.length < pinLengthMax) typed += key;
      }
    }
    return typed;
  } finally {
    input.setRawMode(false);
    input.pause();
    prompt("\n");
  }
}

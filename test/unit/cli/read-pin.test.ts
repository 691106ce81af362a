import { PassThrough } from "node:stream";
import t from "tap";
import { readPin } from "../../../src/cli/read-pin.ts";

function terminalTyping(...chunks: readonly string[]) {
  const input = new PassThrough();
  const rawModes: boolean[] = [];
  const terminal = Object.assign(input, {
    isTTY: true as const,
    setRawMode: (mode: boolean) => rawModes.push(mode),
  });
  for (const chunk of chunks) terminal.write(chunk);
  return { input: terminal as unknown as NodeJS.ReadStream, rawModes };
}

function ignore(): void {}

t.test("a PIN is the first line of a pipe", async (t) => {
  for (const text of ["246810\n", "246810", " 246810 \r\nmore\n"]) {
    const input = new PassThrough();
    input.end(text);
    t.equal(await readPin(input, ignore), "246810", JSON.stringify(text));
  }
  const empty = new PassThrough();
  empty.end();
  await t.rejects(readPin(empty, ignore), { exitCode: 2, message: /standard input/ });
});

t.test("a PIN that is typed is not shown, and the terminal is left as it was", async (t) => {
  const { input, rawModes } = terminalTyping("24", "6", "9\u007f8", "10\r");
  const prompted: string[] = [];
  t.equal(await readPin(input, (text) => prompted.push(text)), "246810");
  t.same(prompted, ["PIN: ", "\n"]);
  t.same(rawModes, [true, false]);
});

t.test("Ctrl-C while typing gives up, and the terminal is left as it was", async (t) => {
  const { input, rawModes } = terminalTyping("24\u0003");
  await t.rejects(readPin(input, ignore), { exitCode: 1, message: /interrupted/ });
  t.same(rawModes, [true, false]);
});

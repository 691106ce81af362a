import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ask, askForItems } from "../../../src/cli/client.ts";
import { CommandFailed } from "../../../src/cli/terminal.ts";
import { doorId } from "../../../src/domain/ids.ts";
import { entry, grant, listen, startDaemon, status } from "./local-daemon.ts";

const statusQuestion = { verb: "status", args: {} } as const;

async function failureOf(promise: Promise<unknown>): Promise<CommandFailed> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof CommandFailed) return error;
    throw error;
  }
  throw new Error("did not fail");
}

t.test("a command gets its answer over the socket", async (t) => {
  const { socketFile } = await startDaemon(t);
  t.same(await ask(socketFile, statusQuestion), status);
});

t.test("without a controller the command says where it looked and how to start one", async (t) => {
  const folder = t.testdir({});
  const nowhere = join(folder, "controller.sock");
  const { message, exitCode } = await failureOf(ask(nowhere, statusQuestion));
  t.equal(exitCode, 1);
  t.match(message, nowhere);
  for (const help of ["npm start", "postern controller", "POSTERN_STATE_DIR", "--socket"]) {
    t.match(message, help);
  }
  const file = join(folder, "not-a-socket");
  writeFileSync(file, "");
  t.match((await failureOf(ask(file, statusQuestion))).message, file);
});

t.test("what answers and is no controller is not believed", async (t) => {
  const talks = ["HTTP/1.1 400 Bad Request\r\n\r\n", "\u0000\n", "x".repeat(5_000_000)];
  for (const talk of talks) {
    await t.test(talk.slice(0, 8), async (t) => {
      const socketFile = await listen(t, (socket) => {
        socket.on("error", () => {});
        socket.end(talk);
      });
      t.equal((await failureOf(ask(socketFile, statusQuestion))).exitCode, 1);
    });
  }
});

t.test("a controller that goes away in the middle is no end of the list", async (t) => {
  const daemon = await startDaemon(t, { entries: [entry(1, grant)] });
  const items = askForItems(daemon.socketFile, { verb: "events", args: { follow: true } });
  t.match(await items.next(), { value: { number: 1 } });
  daemon.close();
  t.match((await failureOf(items.next())).message, /closed the connection/);
});

t.test("a field that the controller refuses is the asker's mistake", async (t) => {
  const fault = { code: "bad_request", message: "args.card.number: expected less" } as const;
  const { socketFile } = await startDaemon(t, {
    handlers: { explain: () => ({ ok: false, fault }) },
  });
  const question = { verb: "explain", args: { door: doorId("front"), pin: "1234" } } as const;
  const { message, exitCode } = await failureOf(ask(socketFile, question));
  t.equal(message, fault.message);
  t.equal(exitCode, 2);
});

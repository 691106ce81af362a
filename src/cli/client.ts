import { connect, type Socket } from "node:net";
import { LineSplitter } from "../protocols/local/line-splitter.ts";
import {
  encodeLocalRequest,
  type LocalFault,
  type LocalQuestion,
  type LocalResponse,
  localResponseBytesMax,
  parseLocalResponse,
} from "../protocols/local/local-message.ts";
import { CommandFailed } from "./terminal.ts";

/**
 * Asks the controller for one value. Throws `CommandFailed`, with what `tellFault` makes of a fault
 * that the controller answers with.
 */
export async function ask(
  socketFile: string,
  question: LocalQuestion,
  tellFault: TellFault = tellAsItIs,
): Promise<unknown> {
  for await (const response of exchange(socketFile, question, tellFault)) {
    if (response.kind === "value") return response.value;
  }
  throw wentAway(socketFile);
}

/** Asks the controller for a list, item by item. Throws as `ask`. */
export async function* askForItems(
  socketFile: string,
  question: LocalQuestion,
  tellFault: TellFault = tellAsItIs,
): AsyncGenerator<unknown, void> {
  for await (const response of exchange(socketFile, question, tellFault)) {
    if (response.kind === "item") yield response.item;
    if (response.kind === "end") return;
  }
  throw wentAway(socketFile);
}

type TellFault = (fault: LocalFault) => string;

const tellAsItIs: TellFault = ({ message }) => message;

async function* exchange(
  socketFile: string,
  question: LocalQuestion,
  tellFault: TellFault,
): AsyncGenerator<LocalResponse, void> {
  const socket = await connectTo(socketFile);
  try {
    socket.write(encodeLocalRequest({ id: 1, ...question }));
    const splitter = new LineSplitter(localResponseBytesMax);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      const lines = splitter.push(chunk);
      if (!lines.ok) throw new CommandFailed(1, `What answers at ${socketFile} is no controller.`);
      for (const line of lines.value) yield understood(line, tellFault);
    }
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    throw wentAway(socketFile, error);
  } finally {
    socket.destroy();
  }
}

function understood(line: string, tellFault: TellFault): LocalResponse {
  const response = parseLocalResponse(line);
  if (!response.ok) throw new CommandFailed(1, response.fault);
  if (response.value.kind !== "error") return response.value;
  const { error } = response.value;
  throw new CommandFailed(error.code === "bad_request" ? 2 : 1, tellFault(error));
}

function connectTo(socketFile: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketFile);
    socket.once("connect", () => {
      socket.off("error", refuse);
      resolve(socket);
    });
    const refuse = (error: NodeJS.ErrnoException) => reject(notReached(socketFile, error));
    socket.once("error", refuse);
  });
}

function notReached(socketFile: string, error: NodeJS.ErrnoException): CommandFailed {
  if (error.code === "EACCES" || error.code === "EPERM") {
    return new CommandFailed(
      1,
      `The controller's socket ${socketFile} is not open to this user: only to the one the ` +
        "controller runs as, and root.",
    );
  }
  return new CommandFailed(
    1,
    `No controller answers at ${socketFile} (${error.code ?? error.message}). Start one with ` +
      "`npm start`, or with `postern controller --config FILE`. If one runs with another state " +
      "folder, name that with POSTERN_STATE_DIR, or its socket with --socket.",
  );
}

function wentAway(socketFile: string, cause?: unknown): CommandFailed {
  const why = cause instanceof Error ? ` (${cause.message})` : "";
  return new CommandFailed(1, `The controller at ${socketFile} closed the connection${why}.`);
}

import { parentPort, workerData } from "node:worker_threads";
import { unreachable } from "../domain/unreachable.ts";
import { JournalDatabase } from "./journal-database.ts";
import { JournalDamaged, setJournalAside } from "./journal-file.ts";
import type { JournalAnswer, JournalRequest, JournalWorkerData } from "./journal-messages.ts";

/*
 * The thread that waits for the disk, so that the one that moves strikes never does. It answers each
 * request in order and decides nothing but this: a damaged journal is set aside and a new one begun.
 * An error that it does not know ends it; the controller's thread starts another.
 */

if (parentPort === null) throw new Error("the journal's worker runs in a worker thread only");
const port = parentPort;
const data = workerData as JournalWorkerData;
let database: JournalDatabase | undefined;

function answer(message: JournalAnswer): void {
  port.postMessage(message);
}

port.on("message", (request: JournalRequest) => {
  switch (request.kind) {
    case "open":
      return open();
    case "write":
      return write(request);
    case "read":
      return read(request);
    case "begin_anew":
      return beginAnew(request);
    case "close":
      return close(request);
    default:
      return unreachable(request);
  }
});

function open(): void {
  database?.close();
  database = undefined;
  try {
    database = new JournalDatabase(data);
    const waiting = database.waiting();
    answer({ kind: "opened", ...database.onDisk(), ...(waiting && { waiting }) });
  } catch (error) {
    if (error instanceof JournalDamaged) return replaceDamaged();
    answer({ kind: "open_failed", detail: describeFailure(error) });
  }
}

/** Leaves `database` undefined, and says so, where even that fails. */
function replaceDamaged(): void {
  database?.close();
  database = undefined;
  try {
    const setAside = setJournalAside(data.file);
    database = new JournalDatabase(data);
    answer({ kind: "opened", ...database.onDisk(), setAside });
  } catch (error) {
    answer({ kind: "open_failed", detail: describeFailure(error) });
  }
}

function write(request: Extract<JournalRequest, { kind: "write" }>): void {
  if (database?.journal !== request.journal) return;
  try {
    const count = database.write(request.records, request.acknowledged, request);
    const { oldest, highest, acknowledged } = database.onDisk();
    answer({ kind: "written", count, oldest, highest, acknowledged });
  } catch (error) {
    if (error instanceof JournalDamaged) return replaceDamaged();
    answer({ kind: "write_failed", detail: describeFailure(error) });
  }
}

function read({ request, after, limit }: Extract<JournalRequest, { kind: "read" }>): void {
  if (database === undefined) {
    return answer({
      kind: "read_failed",
      request,
      detail: "the journal is not open",
    });
  }
  try {
    answer({ kind: "entries", request, entries: database.read(after, limit) });
  } catch (error) {
    answer({ kind: "read_failed", request, detail: describeFailure(error) });
    if (error instanceof JournalDamaged) replaceDamaged();
  }
}

function beginAnew({ journal, from }: Extract<JournalRequest, { kind: "begin_anew" }>): void {
  if (database?.journal !== journal) return;
  try {
    database.beginAnew(from);
    answer({ kind: "opened", ...database.onDisk() });
  } catch (error) {
    if (error instanceof JournalDamaged) return replaceDamaged();
    answer({ kind: "begin_failed", detail: describeFailure(error) });
  }
}

function close(request: Extract<JournalRequest, { kind: "close" }>): void {
  const { journal, acknowledged } = request;
  try {
    if (database?.journal === journal) database.write([], acknowledged, request);
  } catch (error) {
    // The site is asked again after the next start: an acknowledgement may be lost, an entry not.
    describeFailure(error);
  } finally {
    database?.close();
    answer({ kind: "closed" });
    port.close();
  }
}

/** What SQLite or the file system says went wrong; anything else is a mistake of ours. */
function describeFailure(error: unknown): string {
  if (error instanceof Error && "code" in error) return `${String(error.code)}: ${error.message}`;
  if (error instanceof JournalDamaged) return error.message;
  throw error;
}

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import type { BenchHandlers } from "../../../src/controller/bench-handlers.ts";
import { createLocalServer, type LocalHandlers } from "../../../src/controller/local-server.ts";
import type { DoorEvent, JournalEntry } from "../../../src/domain/event.ts";
import { controllerId, doorId, passId, readerId, siteId, userId } from "../../../src/domain/ids.ts";
import { fail } from "../../../src/domain/result.ts";
import { epochMs } from "../../../src/domain/time.ts";
import type { LocalExplanation, LocalStatus } from "../../../src/protocols/local/local-reports.ts";

const at = epochMs(Date.UTC(2026, 10, 21, 8, 30));

export const status: LocalStatus = {
  controller: controllerId("demo"),
  site: siteId("hq"),
  software: "0.1.0",
  startedAt: epochMs(at - 26 * 3_600_000),
  clock: { at, quality: "holdover" },
  link: "down",
  table: { epoch: 1, version: 7, compiledAt: at, ageMs: 90_000, credentialCount: 3 },
  journal: { newest: 12, acknowledged: 9 },
  doors: [
    {
      id: doorId("front"),
      posture: "unlocked",
      cause: "schedule",
      alarm: "none",
      strike: "released",
      leaf: "no_contact",
    },
  ],
  readers: [
    {
      id: readerId("front-in"),
      door: doorId("front"),
      frameCount: 41,
      misreadCounts: { parity: 2, length: 0 },
      extraBitCount: 0,
      lostEdgeCount: 5,
    },
  ],
  alarms: ["tamper:front-in"],
  troubles: ["broker_away"],
};

export const explanation: LocalExplanation = {
  door: doorId("front"),
  wall: { at, quality: "trusted" },
  decision: { kind: "denied", reason: "expired", pass: passId("cleo-card"), user: userId("cleo") },
  ladder: [
    { check: "credential", verdict: "passed", saw: "Pass cleo-card of user cleo has the card." },
    { check: "end", verdict: "failed", saw: "It ended yesterday.", remedy: "Extend the pass." },
    { check: "access", verdict: "not_reached", saw: "An earlier check decided." },
  ],
  next: { kind: "never", reason: "expired" },
};

export function entry(number: number, event: DoorEvent): JournalEntry {
  return {
    controller: controllerId("demo"),
    journal: "one",
    number,
    previous: "0".repeat(64),
    hash: "1".repeat(64),
    event,
    wall: { at, quality: "trusted" },
  };
}

export const grant: DoorEvent = {
  kind: "access_granted",
  door: doorId("front"),
  reader: readerId("front"),
  pass: passId("ada-card"),
  user: userId("ada"),
  reason: "granted",
};

export interface LocalDaemon {
  readonly socketFile: string;
  /** Everything that commands have asked to be explained. */
  readonly explained: unknown[];
  add(entry: JournalEntry): void;
  close(): void;
}

const notHere = { code: "failed", message: "not at this bench" } as const;

/** Nothing to look at and nothing to try. */
export const idleBench: BenchHandlers = {
  lines: () => fail(notHere),
  watchReader: () => fail(notHere),
  pulse: () => fail(notHere),
  showLight: () => fail(notHere),
};

/** The real local server on a real socket, in front of a made-up controller. */
export async function startDaemon(
  t: Test,
  options: { entries?: JournalEntry[]; handlers?: Partial<LocalHandlers> } = {},
): Promise<LocalDaemon> {
  const entries = options.entries ?? [];
  const listeners = new Set<() => void>();
  const explained: unknown[] = [];
  const server = createLocalServer({
    handlers: {
      status: () => status,
      explain: (args) => {
        explained.push(args);
        return { ok: true, value: explanation };
      },
      override: async () => ({
        ok: true,
        value: { posture: "locked", cause: "site", kept: true },
      }),
      forgive: () => ({ recorded: true }),
      ...idleBench,
      journal: {
        read: async ({ after, limit }) => entries.slice(after, after + limit),
        highest: () => entries.length,
        onCommitted: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      ...options.handlers,
    },
    onFailure: () => {},
  });
  const socketFile = await listen(t, (socket) => server.handleConnection(socket));
  return {
    socketFile,
    explained,
    add: (added) => {
      entries.push(added);
      for (const listener of listeners) listener();
    },
    close: () => server.close(),
  };
}

export async function listen(t: Test, onSocket: (socket: Socket) => void): Promise<string> {
  // Not tap's own folder of a test: its name is a sentence, and a socket's path has 107 bytes.
  const folder = mkdtempSync(join(tmpdir(), "postern-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const socketFile = join(folder, "controller.sock");
  const server = createServer({ allowHalfOpen: true }, onSocket);
  server.listen(socketFile);
  await once(server, "listening");
  t.teardown(() => server.close());
  return socketFile;
}

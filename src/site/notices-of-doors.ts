import type { Alarm, Clock } from "../../hal/clock.ts";
import type { PassKind } from "../domain/access.ts";
import { describeFailure } from "../domain/describe-failure.ts";
import type { SiteId } from "../domain/ids.ts";
import { type DenialReason, denialReasons } from "../domain/reason.ts";
import { monotonicMs } from "../domain/time.ts";
import type { StoredEvent } from "./event-row.ts";
import { nameUuid } from "./name-uuid.ts";
import type { Notice, UnlockMethod } from "./notice.ts";
import type { MomentousNotice, Notices } from "./notices.ts";
import type { SiteEngine } from "./site-engine.ts";
import type { SiteLog } from "./site-log.ts";
import type { SiteStore, StoreRecord } from "./store/site-store.ts";

/** Events of one transaction: other changes wait for it. */
const eventsAtOnceMax = 250;
const againMsFirst = 1_000;
const againMsMost = 60_000;

/** The fact that says up to which event there are notices. */
const positionKey = "noticePosition";

export interface NoticesOfDoorsParts {
  readonly site: SiteId;
  readonly engine: Pick<SiteEngine, "events">;
  readonly store: Pick<SiteStore, "record" | "rows">;
  readonly notices: Notices;
  readonly clock: Pick<Clock, "monotonic" | "alarm">;
  readonly log: SiteLog;
}

/**
 * Makes notices of who was let in and who was not. Each event has its notice once, whatever is killed
 * when: how far it came is written in the same transaction, and a notice's id follows from its event.
 */
export class NoticesOfDoors {
  readonly #parts: NoticesOfDoorsParts;
  #through: number | undefined;
  #running: Promise<void> | undefined;
  #isWoken = false;
  #isClosed = false;
  #again: Alarm | undefined;
  #againMs = againMsFirst;

  constructor(parts: NoticesOfDoorsParts) {
    this.#parts = parts;
  }

  /** There may be events that it has not seen. At the start likewise. Never throws. */
  wake(): void {
    this.#isWoken = true;
    if (this.#isClosed || this.#running !== undefined || this.#again !== undefined) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      // Woken between the last page and here.
      if (this.#isWoken) this.wake();
    });
  }

  /** Resolves once there is nothing left to do, or nothing that can be done now. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Resolves once nothing of it is under way any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#again?.cancel();
    await this.settled();
  }

  async #run(): Promise<void> {
    try {
      while (this.#isWoken && !this.#isClosed) {
        this.#isWoken = false;
        await this.#catchUp();
      }
      this.#againMs = againMsFirst;
    } catch (error) {
      this.#parts.log.warn({ error: describeFailure(error) }, "no notices of what doors did");
      this.#tryAgain();
    }
  }

  #tryAgain(): void {
    if (this.#isClosed) return;
    this.#isWoken = false;
    const { clock } = this.#parts;
    this.#again = clock.alarm(monotonicMs(clock.monotonic() + this.#againMs), () => {
      this.#again = undefined;
      this.wake();
    });
    this.#againMs = Math.min(2 * this.#againMs, againMsMost);
  }

  async #catchUp(): Promise<void> {
    const { engine } = this.#parts;
    let through = this.#through ?? (await this.#begin());
    let more = true;
    while (more && !this.#isClosed) {
      const page = await engine.events({ after: through, limit: eventsAtOnceMax });
      // Also where none of them has a notice: they need not be looked at again.
      if (page.through > through) await this.#take(page.events, page.through);
      through = page.through;
      this.#through = through;
      more = page.more;
    }
  }

  /** A site that is new to this tells of what happens from now on, not of years ago. */
  async #begin(): Promise<number> {
    const { engine, store, log } = this.#parts;
    const fact = await store.rows
      .selectFrom("facts")
      .select("value")
      .where("key", "=", positionKey)
      .executeTakeFirst();
    const { events } = await engine.events({ limit: 1 });
    const newest = events.at(-1)?.position ?? 0;
    const through = Number(fact?.value ?? newest);
    if (fact === undefined) await store.record((record) => writePosition(record, newest));
    if (through <= newest) return through;
    log.warn({ through, newest }, "the events are a copy of before: their notices begin there");
    return newest;
  }

  async #take(events: readonly StoredEvent[], through: number): Promise<void> {
    const { site, notices, store } = this.#parts;
    await store.record(async (record) => {
      const names = await readNames(record, events);
      const made = events.flatMap((event): readonly MomentousNotice[] => {
        const notice = noticeOf(event, names);
        if (notice === undefined) return [];
        const { controller, journal, number, at } = event;
        const id = nameUuid(site, "event", `${controller}/${journal}/${number}`);
        return [{ notice, moment: { id, occurredAt: at } }];
      });
      await notices.add(record, made);
      await writePosition(record, through);
    });
  }
}

async function writePosition({ rows }: StoreRecord, position: number): Promise<void> {
  const fact = { key: positionKey, value: String(position) };
  await rows
    .insertInto("facts")
    .values(fact)
    .onConflict((isThere) => isThere.column("key").doUpdateSet(fact))
    .execute();
}

/** What the API knows doors and users by, and what kinds of passes they came with. */
interface Names {
  readonly doors: ReadonlyMap<string, string>;
  readonly users: ReadonlyMap<string, string>;
  readonly passKinds: ReadonlyMap<string, PassKind>;
}

async function readNames({ rows }: StoreRecord, events: readonly StoredEvent[]): Promise<Names> {
  // With one that there is not: PostgreSQL knows no empty list.
  const idsOf = (column: "door" | "user" | "pass") => [
    "",
    ...new Set(events.flatMap((event) => event[column] ?? [])),
  ];
  const doors = await rows
    .selectFrom("surroundings")
    .select(["id", "uuid"])
    .where("kind", "=", "door")
    .where("id", "in", idsOf("door"))
    .execute();
  const users = await rows
    .selectFrom("users")
    .select(["id", "uuid"])
    .where("id", "in", idsOf("user"))
    .execute();
  const passes = await rows
    .selectFrom("passes")
    .select(["id", "kind"])
    .where("id", "in", idsOf("pass"))
    .execute();
  return {
    doors: new Map(doors.map(({ id, uuid }) => [id, uuid])),
    users: new Map(users.map(({ id, uuid }) => [id, uuid])),
    passKinds: new Map(passes.map(({ id, kind }) => [id, kind])),
  };
}

const methods: Readonly<Record<PassKind, UnlockMethod>> = {
  pin: "keycode",
  csn_card: "card",
  nfc_card: "nfc",
  mobile: "bluetooth",
};

/** Undefined: it has none. Doors and users that are gone by now are left out. */
function noticeOf(event: StoredEvent, names: Names): Notice | undefined {
  const entrance = names.doors.get(event.door ?? "");
  const user = names.users.get(event.user ?? "");
  const who = { ...(entrance !== undefined && { entrance }), ...(user !== undefined && { user }) };
  switch (event.kind) {
    case "access_granted": {
      // It let nobody in: it ended what an earlier grant had begun.
      if (event.reason === "granted_relocked") return undefined;
      const kind = names.passKinds.get(event.pass ?? "");
      const method = kind === undefined ? "unknown" : methods[kind];
      return { type: "lock.unlocked", ...who, method };
    }
    case "access_denied": {
      // One that this program does not know yet goes without.
      const reason = isDenialReason(event.reason) ? { reason: event.reason } : {};
      return { type: "lock.access_denied", ...who, ...reason };
    }
    case "remote_unlock":
      return remoteUnlockNotice(event, entrance);
    default:
      return undefined;
  }
}

function isDenialReason(reason: string | null): reason is DenialReason {
  return denialReasons.some((known) => known === reason);
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function remoteUnlockNotice(event: StoredEvent, entrance: string | undefined): Notice | undefined {
  const { attempt, outcome } = JSON.parse(event.event) as Readonly<Record<string, unknown>>;
  if (outcome !== "released" && outcome !== "already_unlocked") return undefined;
  return {
    type: "lock.unlocked",
    method: "remote",
    ...(entrance !== undefined && { entrance }),
    ...(typeof attempt === "string" && uuidPattern.test(attempt) && { attempt }),
  };
}

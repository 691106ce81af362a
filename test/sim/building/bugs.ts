import type { Board, DoorHardware } from "../../../hal/board.ts";
import type { PremisesStore } from "../../../src/controller/premises-store.ts";
import type { PremisesChange } from "../../../src/core/premises-memory.ts";
import type {
  AreaRecord,
  DoorSettings,
  PassRecord,
  PassTrait,
  RuleRecord,
  TableContent,
  UserRecord,
} from "../../../src/domain/access.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { type Subject, theController } from "./subject.ts";

/** One way to get a building wrong, and the controller that does. */
export interface PlantedBug {
  readonly about: string;
  readonly subject: Subject;
}

/** A controller that knows less of the site's plan than the site does. */
const withTable = (
  about: string,
  spoil: (content: TableContent) => Partial<TableContent>,
): PlantedBug => {
  const spoilt = (content: TableContent): TableContent => ({ ...content, ...spoil(content) });
  return {
    about,
    subject: {
      ...theController,
      open: (options, content) => {
        const controller = theController.open(options, spoilt(content));
        return { ...controller, setTable: (next) => controller.setTable(spoilt(next)) };
      },
    },
  };
};

const withDoors = (about: string, spoil: (door: DoorSettings) => DoorSettings): PlantedBug =>
  withTable(about, ({ doors }) => ({ doors: doors.map(spoil) }));

const withUsers = (about: string, spoil: (user: UserRecord) => UserRecord): PlantedBug =>
  withTable(about, ({ users }) => ({ users: users.map(spoil) }));

const withPasses = (about: string, spoil: (pass: PassRecord) => PassRecord): PlantedBug =>
  withTable(about, ({ passes }) => ({ passes: passes.map(spoil) }));

const withRules = (about: string, spoil: (rule: RuleRecord) => RuleRecord): PlantedBug =>
  withTable(about, ({ rules }) => ({ rules: rules.map(spoil) }));

const withAreas = (about: string, spoil: (area: AreaRecord) => AreaRecord): PlantedBug =>
  withTable(about, ({ areas }) => ({ areas: areas.map(spoil) }));

const withStore = (
  about: string,
  spoil: (store: PremisesStore) => Partial<PremisesStore>,
): PlantedBug => ({
  about,
  subject: {
    ...theController,
    premises: (store) => ({ ...facade(store), ...spoil(store) }),
  },
});

/** The store by its interface: what a spread of a class would leave out. */
function facade(store: PremisesStore): PremisesStore {
  return {
    memory: store.memory,
    commit: (changes) => store.commit(changes),
    keep: (changes) => store.keep(changes),
    takeBack: (pass) => store.takeBack(pass),
    prune: (has) => store.prune(has),
    pruneUsers: (has) => store.pruneUsers(has),
    damages: () => store.damages(),
    close: () => store.close(),
  };
}

/** Changes that memory has and the disk never gets. */
const inMemoryOnly = (about: string, isLost: (change: PremisesChange) => boolean): PlantedBug =>
  withStore(about, (store) => {
    const kept = (changes: readonly PremisesChange[]) => {
      for (const change of changes) if (isLost(change)) store.memory.apply(change);
      return changes.filter((change) => !isLost(change));
    };
    return {
      commit: (changes) => store.commit(kept(changes)),
      keep: (changes) => store.keep(kept(changes)),
    };
  });

const withBoard = (about: string, board: (board: Board) => Board): PlantedBug => ({
  about,
  subject: { ...theController, board },
});

const withDoorHardware = (
  about: string,
  spoil: (door: DoorHardware, all: readonly DoorHardware[]) => DoorHardware,
): PlantedBug =>
  withBoard(about, (board) => ({
    ...board,
    doors: board.doors.map((door) => spoil(door, board.doors)),
  }));

const withJournal = (
  about: string,
  journalled: (event: DoorEvent) => readonly DoorEvent[],
): PlantedBug => ({ about, subject: { ...theController, journalled } });

const withController = (
  about: string,
  spoil: (controller: ReturnType<Subject["open"]>) => Partial<ReturnType<Subject["open"]>>,
): PlantedBug => ({
  about,
  subject: {
    ...theController,
    open: (options, content) => {
      const controller = theController.open(options, content);
      return { ...controller, ...spoil(controller) };
    },
  },
});

const without = (pass: PassRecord, trait: PassTrait): PassRecord => ({
  ...pass,
  traits: (pass.traits ?? []).filter((one) => one !== trait),
});

const passBugs: Readonly<Record<string, PlantedBug>> = {
  "revoked-card-opens": withPasses("a pass that was taken away still opens", (pass) => ({
    ...pass,
    active: true,
  })),
  "suspended-user-enters": withUsers("a suspended user still enters", (user) => ({
    ...user,
    suspended: false,
  })),
  "never-expires": withPasses(
    "the end of a pass is not looked at",
    ({ endsAt: _, ...pass }) => pass,
  ),
  "valid-too-early": withPasses(
    "the start of a pass is not looked at",
    ({ startsAt: _, ...pass }) => pass,
  ),
  "uses-uncounted": withPasses(
    "a pass with a use count is good for ever",
    ({ usesMax: _, ...pass }) => pass,
  ),
  "uses-elsewhere-ignored": withPasses(
    "uses at other controllers of the site do not count",
    ({ spentElsewhere: _, ...pass }) => pass,
  ),
  "everybody-passes-through": withPasses("lockdown lets everybody in who has access", (pass) => ({
    ...pass,
    traits: [...(pass.traits ?? []), "pass_through"],
  })),
  "nobody-passes-through": withPasses("lockdown stops pass-through passes too", (pass) =>
    without(pass, "pass_through"),
  ),
  "toggle-does-nothing": withPasses("a toggle pass opens once and toggles nothing", (pass) =>
    without(pass, "toggle"),
  ),
  "duress-untold": withPasses("nobody hears of a duress PIN", (pass) => without(pass, "duress")),
};

const ruleBugs: Readonly<Record<string, PlantedBug>> = {
  "rules-at-all-hours": withRules("who may come in may at any hour", (rule) => {
    const { schedule: _, ...always } = rule;
    return rule.kind === "grant" ? always : rule;
  }),
  "one-factor-will-do": withRules("a rule that asks for two factors takes the card", (rule) =>
    rule.kind === "grant_two_factors" ? { ...rule, kind: "grant" } : rule,
  ),
  "first-person-not-needed": withTable(
    "the door opens with its hours, before anybody is in",
    ({ rules }) => ({
      rules: rules.map((rule) =>
        rule.kind === "first_person_in" ? { ...rule, kind: "auto_unlock", users: [] } : rule,
      ),
    }),
  ),
  "anybody-is-first-in": withRules("whoever comes in first unlocks", (rule) =>
    rule.kind === "first_person_in" ? { ...rule, users: [] } : rule,
  ),
  "inner-zones-forgotten": withTable("a rule ends at the zone that it names", ({ zones }) => ({
    zones: zones.map(({ parent: _, ...zone }) => zone),
  })),
  "holidays-forgotten": withTable("a holiday is a day like any other", () => ({ calendar: [] })),
  "no-summer-time": withTable("the clocks are never put forward", () => ({ zone: "Etc/GMT-1" })),
  "lost-time-is-no-limit": withDoors("with no time known every hour is right", (door) => ({
    ...door,
    clockUnknown: "allow",
  })),
};

const areaBugs: Readonly<Record<string, PlantedBug>> = {
  "passback-unwatched": withAreas("a card handed back over the fence opens again", (area) => ({
    ...area,
    passback: "none",
  })),
  "soft-denies": withAreas("soft anti-passback denies", (area) =>
    area.passback === "soft" ? { ...area, passback: "hard" } : area,
  ),
  "never-forgiven-by-time": withAreas(
    "an old record counts for ever",
    ({ passbackMs: _, ...area }) =>
      area.passback === "timed" ? { ...area, passbackMs: 1e9 } : area,
  ),
  "no-limit-inside": withAreas(
    "an area takes as many as come",
    ({ occupancyMax: _, ...area }) => area,
  ),
  "manager-not-asked-for": withAreas("nobody asks for a manager inside", (area) => ({
    ...area,
    managerIn: "not_required",
  })),
  "mantrap-open": withDoors("both doors of an interlock open at once", (door) => ({
    ...door,
    interlock: [],
  })),
  "one-person-will-do": withDoors("a door of two persons opens for one", (door) => ({
    ...door,
    twoPerson: "not_required",
  })),
  "visitors-walk-alone": withUsers("who needs an escort comes in alone", (user) => ({
    ...user,
    traits: (user.traits ?? []).filter((one) => one !== "needs_escort"),
  })),
  "in-and-out-confused": withDoors("an exit reader is taken for an entry reader", (door) => ({
    ...door,
    exitReaders: [],
  })),
  "granted-is-inside": withStore("who was granted and never came in is inside", (store) => {
    const { memory } = store;
    const reserve = memory.reserve.bind(memory);
    memory.reserve = (door, passage) => {
      const at = 0 as Parameters<typeof memory.settleReservations>[2];
      if (passage !== undefined) {
        store.keep([{ kind: "moved", passage, door, at, afterRestart: "remember" }]);
      }
      return reserve(door, passage);
    };
    return {};
  }),
};

const doorBugs: Readonly<Record<string, PlantedBug>> = {
  "exit-refused": withDoors("the exit button lets nobody out", (door) => ({
    ...door,
    rex: "report",
  })),
  "fire-opens-all": withDoors("fire opens doors that are not flagged for it", (door) => ({
    ...door,
    fire: "unlock",
  })),
  "fire-opens-none": withDoors("fire opens nothing", (door) => ({ ...door, fire: "ignore" })),
  "tamper-goes-on": withDoors("a reader off its wall goes on letting in", (door) => ({
    ...door,
    tamper: "go_on",
  })),
  "extra-time-forgotten": withUsers("who needs longer is shut out as soon as others", (user) => ({
    ...user,
    traits: (user.traits ?? []).filter((one) => one !== "extra_time"),
  })),
  "extra-time-for-all": withDoors("the door stays open for everybody's crutches", (door) => ({
    ...door,
    unlockMs: door.unlockMs + door.extraTimeMs,
  })),
  "fire-wire-missing": withBoard(
    "nobody connected the fire panel",
    ({ fire: _, ...board }) => board,
  ),
  "exit-wires-crossed": withDoorHardware(
    "the exit buttons of two doors are crossed",
    (door, all) => {
      const other = all.find(({ id }) => id === (door.id === "lab" ? "vault" : "lab"));
      const isCrossed = door.id === "lab" || door.id === "vault";
      return isCrossed && other?.rex ? { ...door, rex: other.rex } : door;
    },
  ),
  "contact-imagined": withDoorHardware("a door without a contact is taken for shut", (door) => ({
    ...door,
    position: { read: () => "closed", listen: () => undefined, close: () => undefined },
  })),
  "strike-sticks": withDoorHardware("one strike stays as it was released", (door) => {
    const { strike } = door;
    const drive: typeof strike.drive = (command) => {
      if (command === "released" || door.id !== "side") strike.drive(command);
    };
    return {
      ...door,
      strike: { drive, commanded: () => strike.commanded(), close: () => strike.close() },
    };
  }),
  "believes-a-lost-clock": withBoard("a clock that lost the time is believed", (board) => {
    const { clock } = board;
    const wall = () => ({ ...clock.wall(), quality: "trusted" as const });
    const monotonic = () => clock.monotonic();
    return { ...board, clock: { monotonic, wall, alarm: (at, due) => clock.alarm(at, due) } };
  }),
};

const restartBugs: Readonly<Record<string, PlantedBug>> = {
  "uses-given-back": inMemoryOnly(
    "a power cut gives uses back",
    (change) => change.kind === "spent",
  ),
  "lockdown-ends-with-power": inMemoryOnly(
    "a lockdown ends with a restart",
    (change) => change.kind === "posture",
  ),
  "places-forgotten": inMemoryOnly(
    "who is where is forgotten with a restart",
    (change) => change.kind === "moved",
  ),
  "forgives-until-restart": inMemoryOnly(
    "who was forgiven is caught again after a restart",
    (change) => change.kind === "forgiven",
  ),
  "remembers-too-much": withDoors("a door that should forget remembers", (door) => ({
    ...door,
    afterRestart: "remember",
  })),
  "strike-before-disk": withStore("the strike moves before the use is on disk", (store) => ({
    commit: (changes) => {
      store.keep(changes);
      return Promise.resolve();
    },
  })),
  "disk-failure-hidden": withStore("a use that the disk refused is granted", (store) => ({
    commit: (changes) => store.commit(changes).catch(() => undefined),
  })),
  "refused-use-lost": withStore("a use that was not granted is lost all the same", () => ({
    takeBack: () => undefined,
  })),
};

const shellBugs: Readonly<Record<string, PlantedBug>> = {
  "old-table-stays": withController("a new table is not used", () => ({
    setTable: () => undefined,
  })),
  "lockdown-is-only-locked": withController(
    "lockdown locks, and lets everybody in",
    (controller) => ({
      override: (door, asked) =>
        asked !== "clear" && asked.posture === "lockdown"
          ? controller.override(door, { ...asked, posture: "locked" })
          : controller.override(door, asked),
    }),
  ),
  "override-for-ever": withController("an override outlasts the next change", (controller) => ({
    override: (door, asked) =>
      asked !== "clear" && asked.until === "next_change"
        ? controller.override(door, { ...asked, until: "cleared" })
        : controller.override(door, asked),
  })),
  "never-forgives": withController("nobody is ever forgiven", () => ({ forgive: () => undefined })),
  "denials-untold": withJournal("nobody hears whom a lockdown denied", (event) =>
    event.kind === "access_denied" && event.reason === "lockdown" ? [] : [event],
  ),
  "grants-told-twice": withJournal("a grant at an open leaf is told twice", (event) =>
    event.kind === "access_granted" && event.reason === "granted_leaf_open"
      ? [event, event]
      : [event],
  ),
  "reasons-mixed-up": withJournal("an expired pass is told as one without access", (event) =>
    event.kind === "access_denied" && event.reason === "expired"
      ? [{ ...event, reason: "no_access" }]
      : [event],
  ),
};

/** By the name that `npm run sim -- --bug` takes. */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  ...passBugs,
  ...ruleBugs,
  ...areaBugs,
  ...doorBugs,
  ...restartBugs,
  ...shellBugs,
};

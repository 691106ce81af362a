import type { PassRecord, PassTrait } from "../../../src/domain/access.ts";
import {
  decidedOnce,
  inMemoryOnly,
  type PlantedBug,
  withAreas,
  withBoard,
  withController,
  withDeafStrike,
  withDoorHardware,
  withDoors,
  withJournal,
  withLookup,
  withPasses,
  withRules,
  withStore,
  withTable,
  withUsers,
} from "./planting.ts";
import { pulseBugs } from "./pulse-bugs.ts";

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
  "place-not-kept": withStore("who waits for the disk has no place inside yet", (store) => {
    store.memory.claim = () => () => undefined;
    return {};
  }),
  "other-door-forgotten": withStore("one card lets two people in by two doors", ({ memory }) => {
    const isComing = memory.isComing.bind(memory);
    memory.isComing = (user, area, besides) => besides === undefined && isComing(user, area);
    return {};
  }),
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
  "cut-contact-is-shut": withDoorHardware(
    "a contact with its wire cut is taken for shut",
    (door) => {
      const { position } = door;
      if (position === undefined) return door;
      const believed = (leaf: ReturnType<typeof position.read>) =>
        leaf === "open" ? leaf : "closed";
      return {
        ...door,
        position: {
          read: () => believed(position.read()),
          listen: (listener) => position.listen((leaf, at) => listener(believed(leaf), at)),
          close: () => position.close(),
        },
      };
    },
  ),
  "fire-ends-with-its-wire": withBoard("a fire is over when its wire burns through", (board) => {
    const { fire } = board;
    if (fire === undefined) return board;
    const believed = (state: ReturnType<typeof fire.read>) => (state === "raised" ? state : "idle");
    return {
      ...board,
      fire: {
        read: () => believed(fire.read()),
        listen: (listener) => fire.listen((state, at) => listener(believed(state), at)),
        close: () => fire.close(),
      },
    };
  }),
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
  "failure-unnoticed": withBoard("a strike that missed a command is left so", (board) => ({
    ...board,
    doors: board.doors.map((door) => withDeafStrike(door, () => true)),
  })),
  "fire-asks-once": withBoard("fire commands a strike once, whether it hears or not", (board) => ({
    ...board,
    doors: board.doors.map((door) =>
      withDeafStrike(door, (command) => command === "released" && board.fire?.read() === "raised"),
    ),
  })),
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
  "uses-taken-back-twice": withStore("a use that was not granted is given back twice", (store) => ({
    takeBack: (pass) => {
      store.takeBack(pass);
      store.takeBack(pass);
    },
  })),
  "refused-use-lost": withStore("a use that was not granted is lost all the same", () => ({
    takeBack: () => undefined,
  })),
};

const shellBugs: Readonly<Record<string, PlantedBug>> = {
  "toggle-outlives-its-pass": withLookup(
    "a door stays unlocked by a toggle whose pass was taken away",
    (table) => {
      const { passes } = table;
      const everGood = Array.from({ length: passes.count }, (_, pass) => pass).find(
        (pass) =>
          passes.isActive(pass) &&
          passes.endsAt(pass) === Number.POSITIVE_INFINITY &&
          !table.isSuspended(passes.user(pass)),
      );
      if (everGood !== undefined) passes.numberOf = () => everGood;
    },
  ),
  "decided-once": withStore("what changed while a use was written is not looked at", decidedOnce),
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
  ...pulseBugs,
};

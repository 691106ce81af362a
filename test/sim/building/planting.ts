import type { Board, DoorHardware } from "../../../hal/board.ts";
import type { StrikeCommand } from "../../../hal/strike.ts";
import type { PremisesStore } from "../../../src/controller/premises-store.ts";
import type { AccessTable } from "../../../src/core/access-table/access-table.ts";
import type { PremisesChange, PremisesMemory } from "../../../src/core/premises-memory.ts";
import type {
  AreaRecord,
  DoorSettings,
  PassRecord,
  RuleRecord,
  TableContent,
  UserRecord,
} from "../../../src/domain/access.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { doorPlaces, wiring } from "./plan.ts";
import { type Subject, theController } from "./subject.ts";

/** One way to get a building wrong, and the controller that does. */
export interface PlantedBug {
  readonly about: string;
  readonly subject: Subject;
}

/** A controller that knows less of the site's plan than the site does. */
export const withTable = (
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

export const withDoors = (about: string, spoil: (door: DoorSettings) => DoorSettings): PlantedBug =>
  withTable(about, ({ doors }) => ({ doors: doors.map(spoil) }));

export const withUsers = (about: string, spoil: (user: UserRecord) => UserRecord): PlantedBug =>
  withTable(about, ({ users }) => ({ users: users.map(spoil) }));

export const withPasses = (about: string, spoil: (pass: PassRecord) => PassRecord): PlantedBug =>
  withTable(about, ({ passes }) => ({ passes: passes.map(spoil) }));

export const withRules = (about: string, spoil: (rule: RuleRecord) => RuleRecord): PlantedBug =>
  withTable(about, ({ rules }) => ({ rules: rules.map(spoil) }));

export const withAreas = (about: string, spoil: (area: AreaRecord) => AreaRecord): PlantedBug =>
  withTable(about, ({ areas }) => ({ areas: areas.map(spoil) }));

export const withStore = (
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
    grantUse: (pass) => store.grantUse(pass),
    takeBack: (pass) => store.takeBack(pass),
    refile: (door, afterRestart) => store.refile(door, afterRestart),
    prune: (has) => store.prune(has),
    pruneUsers: (has) => store.pruneUsers(has),
    damages: () => store.damages(),
    close: () => store.close(),
  };
}

/** Changes that memory has and the disk never gets. */
export const inMemoryOnly = (
  about: string,
  isLost: (change: PremisesChange) => boolean,
): PlantedBug =>
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

/** A table that finds what another would not. */
export const withLookup = (about: string, spoil: (table: AccessTable) => void): PlantedBug => ({
  about,
  subject: {
    ...theController,
    table: (table) => {
      spoil(table);
      return table;
    },
  },
});

export const withBoard = (about: string, board: (board: Board) => Board): PlantedBug => ({
  about,
  subject: { ...theController, board },
});

export const withDoorHardware = (
  about: string,
  spoil: (door: DoorHardware, all: readonly DoorHardware[]) => DoorHardware,
): PlantedBug =>
  withBoard(about, (board) => ({
    ...board,
    doors: board.doors.map((door) => spoil(door, board.doors)),
  }));

export const withJournal = (
  about: string,
  journalled: (event: DoorEvent) => readonly DoorEvent[],
): PlantedBug => ({ about, subject: { ...theController, journalled } });

export const withController = (
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

/** A strike whose failures are not heard of, where `isUnheard` says so. */
export function withDeafStrike(
  door: DoorHardware,
  isUnheard: (command: StrikeCommand) => boolean,
): DoorHardware {
  const { strike } = door;
  let asked = strike.commanded();
  const drive: typeof strike.drive = (command) => {
    try {
      strike.drive(command);
    } catch (error) {
      if (!(error instanceof HalError) || !isUnheard(command)) throw error;
    }
    asked = command;
  };
  return { ...door, strike: { drive, commanded: () => asked, close: () => strike.close() } };
}

/** What is decided once a use is on disk is decided on the premises of when it was asked for. */
export function decidedOnce(store: PremisesStore): Partial<PremisesStore> {
  const { memory } = store;
  const live = {
    isShut: memory.isShut.bind(memory),
    isTampered: memory.isTampered.bind(memory),
    postureState: memory.postureState.bind(memory),
  };
  return {
    commit: (changes) => {
      const before = frozen(memory);
      return store.commit(changes).then(() => {
        Object.assign(memory, before);
        // Behind whoever waits for this promise.
        void Promise.resolve().then(() =>
          Promise.resolve().then(() => Object.assign(memory, live)),
        );
      });
    },
    grantUse: (pass) => {
      Object.assign(memory, live);
      return store.grantUse(pass);
    },
    takeBack: (pass) => {
      Object.assign(memory, live);
      store.takeBack(pass);
    },
  };
}

function frozen(memory: PremisesMemory): Partial<PremisesMemory> {
  const shut = new Map(doorPlaces.map(({ id }) => [id, memory.isShut(id)]));
  const states = new Map(doorPlaces.map(({ id }) => [id, memory.postureState(id)]));
  const readers = wiring.flatMap((door) => door.readers);
  const tampered = new Map(readers.map((reader) => [reader, memory.isTampered(reader)]));
  return {
    isShut: (door) => shut.get(door) ?? true,
    postureState: (door) => states.get(door) ?? {},
    isTampered: (reader) => reader !== undefined && (tampered.get(reader) ?? false),
  };
}

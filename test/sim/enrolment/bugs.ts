import { front } from "../../unit/controller/door-rig.ts";
import { type Subject, sound } from "./life.ts";

interface PlantedBug {
  readonly about: string;
  readonly subject: Subject;
}

/** Ways to get enrolment wrong, each of which the simulation has to find. */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  oneReaderForAll: {
    about: "whichever reader is asked for, the front one waits",
    subject: {
      ...sound,
      doors: (doors) => ({
        ...bound(doors),
        enrolmentAt: () => doors.enrolmentAt(front.reader),
      }),
    },
  },
  twice: {
    about: "what the site asks is done twice",
    subject: {
      ...sound,
      carryOut: (carryOut) => (command, answer) => {
        carryOut(command, answer);
        carryOut(command, () => {});
      },
    },
  },
  claims: {
    about: "an unlocking is claimed to be done before it is",
    subject: {
      ...sound,
      carryOut: (carryOut) => (command, answer) => {
        if (command.kind === "unlock") answer({ kind: "done" });
        else carryOut(command, answer);
      },
    },
  },
  oldCard: {
    about: "the card of the enrolment before is told again",
    subject: {
      ...sound,
      carryOut: (carryOut) => {
        let last: Parameters<Parameters<typeof carryOut>[1]>[0] | undefined;
        return (command, answer) =>
          carryOut(command, (said) => {
            answer(said.kind === "presented" ? (last ?? said) : said);
            if (said.kind === "presented") last = said;
          });
      },
    },
  },
  shortOfTime: {
    about: "a reader waits for half the time",
    subject: {
      ...sound,
      carryOut: (carryOut) => (command, answer) =>
        carryOut(
          command.kind === "enrol" ? { ...command, forMs: command.forMs / 2 } : command,
          answer,
        ),
    },
  },
  refusalsUntold: {
    about: "what was refused is told as done",
    subject: {
      ...sound,
      carryOut: (carryOut) => (command, answer) =>
        carryOut(command, (said) => answer(said.kind === "refused" ? { kind: "done" } : said)),
    },
  },
};

/** A controller's methods work on itself alone. */
function bound(doors: Parameters<Subject["doors"]>[0]): Parameters<Subject["doors"]>[0] {
  return {
    hasDoor: (door) => doors.hasDoor(door),
    unlock: (door) => doors.unlock(door),
    override: (door, asked) => doors.override(door, asked),
    enrolmentAt: (reader) => doors.enrolmentAt(reader),
    isTampered: (reader) => doors.isTampered(reader),
    takesPhones: (reader) => doors.takesPhones(reader),
  };
}

import type { DoorId } from "../../../src/domain/ids.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { type PlantedBug, withJournal } from "./planting.ts";
import { type Controlled, type Subject, theController } from "./subject.ts";

type Options = Parameters<Subject["open"]>[0];

const withPulse = (
  about: string,
  pulse: (controller: Controlled, options: Options) => Controlled["pulse"],
): PlantedBug => ({
  about,
  subject: {
    ...theController,
    open: (options, content) => {
      const controller = theController.open(options, content);
      return { ...controller, pulse: pulse(controller, options) };
    },
  },
});

const releaseAt = ({ board }: Options, door: DoorId) =>
  board.doors.find(({ id }) => id === door)?.strike.drive("released");

/** What a bench tool gets wrong that has its hands in the controller. */
export const pulseBugs: Readonly<Record<string, PlantedBug>> = {
  "pulse-for-ever": withPulse(
    "a pulse goes past the door when its time is over, and nobody secures the strike",
    (controller, options) => (door, forMs) => {
      const answer = controller.pulse(door, forMs);
      const { clock } = options.board;
      const overAt = monotonicMs(clock.monotonic() + forMs + 1);
      if (answer === "released") clock.alarm(overAt, () => releaseAt(options, door));
      return answer;
    },
  ),
  "pulse-when-it-must-not": withPulse(
    "what is refused in words is done all the same",
    (controller, options) => (door, forMs) => {
      const answer = controller.pulse(door, forMs);
      if (answer === "lockdown" || answer === "disabled" || answer === "interlock") {
        releaseAt(options, door);
      }
      return answer;
    },
  ),
  "pulse-unanswered": withPulse(
    "a technician is told that a strike moved which did not hear",
    (controller) => (door, forMs) => {
      const answer = controller.pulse(door, forMs);
      return answer === "strike_failed" ? "released" : answer;
    },
  ),
  "refused-pulse-told": withPulse(
    "a pulse that was refused is in the journal",
    (controller, { record }) =>
      (door, forMs) => {
        const answer = controller.pulse(door, forMs);
        if (answer === "leaf_open") record({ kind: "strike_pulsed", door, forMs });
        return answer;
      },
  ),
  "pulse-untold": withJournal("nobody hears that a technician released a strike", (event) =>
    event.kind === "strike_pulsed" ? [] : [event],
  ),
};

import type { Board } from "../../hal/board.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";

const nothingAsked = {
  fire: "ignore",
  exitReaders: [],
  relock: "after_unlock_time",
  interlock: [],
} as const;

/**
 * What a table asks of a board that the board cannot do, each as a trouble and whether it is so: a
 * site that believes in a fire input nobody wired, or in an exit reader of another name, is told.
 */
export function boardTroubles(
  board: Board,
  table: AccessTable,
): readonly (readonly [string, boolean])[] {
  const readers = new Set(board.readers.map(({ id }) => id));
  return board.doors.flatMap(({ id, position }) => {
    // Of a door that the table gave up nothing is asked any more, and what was raised is over.
    const asked = table.door(id) ?? nothingAsked;
    const { fire, exitReaders, relock, interlock } = asked;
    const needsContact = relock !== "after_unlock_time" || interlock.length > 0;
    return [
      [`no_fire_input:${id}`, fire === "unlock" && board.fire === undefined],
      [`no_contact:${id}`, needsContact && position === undefined],
      [`unknown_exit_reader:${id}`, exitReaders.some((reader) => !readers.has(reader))],
    ] as const;
  });
}

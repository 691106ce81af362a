import type { Board } from "../../../hal/board.ts";
import {
  DoorController,
  type DoorControllerOptions,
  type PulseFault,
} from "../../../src/controller/door-controller.ts";
import type { PremisesStore } from "../../../src/controller/premises-store.ts";
import { type AccessTable, buildAccessTable } from "../../../src/core/access-table/access-table.ts";
import type { OverrideRequest } from "../../../src/core/posture.ts";
import type { TableContent } from "../../../src/domain/access.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import type { DoorId, UserId } from "../../../src/domain/ids.ts";

/** As much of a controller as the building needs. */
export interface Controlled {
  setTable(content: TableContent): void;
  /** Whether it was accepted. */
  override(door: DoorId, asked: OverrideRequest | "clear"): boolean;
  forgive(user?: UserId): void;
  /** Whether the strike took it, or why it was not asked. */
  pulse(door: DoorId, forMs: number): PulseFault | "released";
  close(): void;
}

/** The controller as the simulation drives it, and what a planted bug may put in its way. */
export interface Subject {
  open(options: DoorControllerOptions, content: TableContent): Controlled;
  /** What the controller looks things up in. */
  table(table: AccessTable): AccessTable;
  board(board: Board): Board;
  premises(store: PremisesStore): PremisesStore;
  /** What the journal is told, in its order. */
  journalled(event: DoorEvent): readonly DoorEvent[];
}

const hashKey = [0x5eed, 0xb17d] as const;

export const theController: Subject = {
  open(options, content) {
    const built = (next: TableContent) => this.table(buildAccessTable(next, hashKey));
    const controller = new DoorController(options, built(content));
    return {
      setTable: (next) => controller.setTable(built(next)),
      override: (door, asked) => controller.override(door, asked).ok,
      forgive: (user) => controller.forgive(user),
      pulse: (door, forMs) => {
        const pulsed = controller.pulse(door, forMs);
        return pulsed.ok ? "released" : pulsed.fault;
      },
      close: () => controller.close(),
    };
  },
  table: (table) => table,
  board: (board) => board,
  premises: (store) => store,
  journalled: (event) => [event],
};

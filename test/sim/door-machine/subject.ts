import * as product from "../../../src/core/door-machine.ts";

/** The door machine as the simulation drives it, so that a planted bug can stand in for any part. */
export interface Subject {
  readonly initialDoor: typeof product.initialDoor;
  readonly stepDoor: typeof product.stepDoor;
  readonly doorDeadline: typeof product.doorDeadline;
  readonly grantReason: typeof product.grantReason;
  readonly isShut: typeof product.isShut;
  readonly doorTroubles: typeof product.doorTroubles;
}

export const theDoorMachine: Subject & Pick<typeof product, "doorAlarm"> = product;

import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { type ControllerId, controllerId } from "../../../src/domain/ids.ts";
import type { TableMark } from "../../../src/domain/table-change.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { controllerFrame } from "../../../src/site/controller-frame.ts";
import { openSiteKeys } from "../../../src/site/site-keys.ts";
import { TableSnapshots } from "../../../src/site/table-snapshots.ts";
import { indexOf } from "./index-of.ts";
import { paperFolder } from "./paper-folder.ts";
import { site } from "./site-rig.ts";
import { accepted, whole } from "./whole-site-file.ts";

export const one = controllerId("one");
export const two = controllerId("two");
export const three = controllerId("three");
const index = indexOf(accepted(whole));

/** Tables that are empty but for their doors, and how long it takes to make one. */
export class Workshop {
  readonly clock = new SimClock();
  readonly keys = openSiteKeys(paperFolder(), site);
  readonly marks = new Map<string, TableMark>();
  makingMs = 0;
  madeCount = 0;

  open(bytesMax?: number): TableSnapshots {
    return new TableSnapshots({
      clock: this.clock,
      keys: this.keys,
      contentOf: (controller) => {
        this.madeCount += 1;
        this.clock.stall(this.makingMs);
        const frame = controllerFrame(index, one);
        const mark = this.#markOf(controller);
        return { mark, compiledAt: epochMs(1), frame, users: [], passes: [] };
      },
      leadsOn: (controller, mark) => mark.epoch === this.#markOf(controller).epoch,
      ...(bytesMax !== undefined && { bytesMax }),
    });
  }

  #markOf(controller: ControllerId): TableMark {
    return this.marks.get(controller) ?? { epoch: 1, version: 1, tag: 1 };
  }
}

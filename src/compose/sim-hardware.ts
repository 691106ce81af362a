import { openBoard } from "../../hal/lines/board.ts";
import { createBoardFace } from "../../hal/sim/board-face.ts";
import { SimBoard } from "../../hal/sim/sim-board.ts";
import { bootPattern } from "../controller/indication.ts";
import { parseBoardProfile } from "./config/board-profile-file.ts";
import type { SimBoardConfig } from "./config/controller-config.ts";
import type { Hardware, HardwareOptions } from "./hardware.ts";
import { listenHttp } from "./http-listener.ts";
import { parseStartFile } from "./start-file.ts";

/** Two doors and two readers in memory, with a page to open and tap them by. */
export function openSimHardware(
  { profileFile, port }: SimBoardConfig,
  { time }: Pick<HardwareOptions, "time">,
): Hardware {
  const { profile, formats } = parseStartFile(profileFile, parseBoardProfile);
  const sim = new SimBoard({ profile, clock: time, formats });
  const board = openBoard({ profile, gpio: sim.gpio, clock: sim.clock, formats });
  for (const { indicator } of board.readers) indicator.show(bootPattern);
  const people = createBoardFace(sim);
  return {
    board,
    formats,
    // What a simulated chip does is its board's business, and it never fails.
    reportTo: () => undefined,
    openFace: (ready) =>
      listenHttp({
        answer: async (request) => {
          await ready;
          return people.fetch(request);
        },
        port,
        variable: "POSTERN_SIM_PORT",
      }),
    close: () => {
      sim.close();
      board.close();
    },
  };
}

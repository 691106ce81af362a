import { openBoard } from "../../hal/lines/board.ts";
import { createBoardFace } from "../../hal/sim/board-face.ts";
import { SimBoard } from "../../hal/sim/sim-board.ts";
import { SimPhones } from "../../hal/sim/sim-phones.ts";
import { bootPattern } from "../controller/indication.ts";
import { parseBoardProfile } from "./config/board-profile-file.ts";
import type { SimBoardConfig } from "./config/controller-config.ts";
import type { Hardware, HardwareOptions } from "./hardware.ts";
import { listenHttp } from "./http-listener.ts";
import { parseStartFile } from "./start-file.ts";
import { StartRefused } from "./start-refused.ts";

/**
 * A profile's doors and readers in memory, with a page to open and tap them by. Lines of an expander are
 * lines like others here, and nothing of it fails.
 */
export function openSimHardware(
  { profileFile, port }: SimBoardConfig,
  { time, site }: Pick<HardwareOptions, "time" | "site">,
): Hardware {
  const { profile, formats } = parseStartFile(profileFile, parseBoardProfile);
  const bare = profile.readers.find(({ d0 }) => d0 === undefined);
  if (bare !== undefined) {
    throw new StartRefused(
      `${profileFile}: reader ${bare.id}: the simulated board has Wiegand readers alone, and this one ` +
        "is a keypad of bare switches",
    );
  }
  const sim = new SimBoard({ profile, clock: time, formats });
  const phones = new SimPhones({ profile, clock: sim.clock, site });
  const lines = openBoard({ profile, gpio: sim.gpio, clock: sim.clock, formats });
  const board = phones.addTo(lines);
  for (const { indicator } of board.readers) indicator.show(bootPattern);
  const people = createBoardFace(sim, phones);
  return {
    board,
    formats,
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
      phones.close();
      sim.close();
      board.close();
    },
  };
}

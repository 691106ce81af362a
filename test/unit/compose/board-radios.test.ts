import t from "tap";
import type { Board, ReaderHardware } from "../../../hal/board.ts";
import type { BleWiring } from "../../../hal/board-profile.ts";
import { createSystemClock } from "../../../hal/linux/system-clock.ts";
import { openBoardRadios } from "../../../src/compose/board-radios.ts";
import { doorId, readerId } from "../../../src/domain/ids.ts";

const clock = createSystemClock({ quality: () => "trusted" });

const wiring = (id: string, ble?: BleWiring) => ({
  id: readerId(id),
  door: doorId("front"),
  formats: [],
  keypad: "none" as const,
  ...(ble && { ble }),
});

/** Nothing is done with it but to be passed on. */
const boardOf = (...ids: readonly string[]) =>
  ({ readers: ids.map((id) => ({ id: readerId(id) }) as ReaderHardware) }) as unknown as Board;

t.test("each reader gets its own radio, and one without a radio gets none", async (t) => {
  // Adapters that no machine has: the radio says so, and nothing else happens.
  const radios = await openBoardRadios(
    {
      readers: [
        wiring("front", { adapter: 14, driver: "abandonware", rssiMin: -70 }),
        wiring("lab"),
        wiring("yard", { adapter: 15, driver: "stoprocent" }),
      ],
    },
    clock,
  );
  const [front, lab, yard] = radios.addTo(boardOf("front", "lab", "yard")).readers;
  t.equal(front?.ble?.rssiMin, -70);
  t.equal(lab?.ble, undefined);
  t.ok(yard?.ble !== undefined && !("rssiMin" in yard.ble));
  t.not(front?.ble?.peripheral, yard?.ble?.peripheral);
  t.match(front?.ble?.peripheral.health(), { state: "down", reason: "no_adapter" });
  radios.close();
  radios.close();
});

t.test("a board without radios is the board", async (t) => {
  const radios = await openBoardRadios({ readers: [wiring("front")] }, clock);
  t.same(radios.addTo(boardOf("front")), boardOf("front"));
  radios.close();
});

import type { BlePeripheral } from "../../hal/ble.ts";
import type { Board, ReaderBle } from "../../hal/board.ts";
import type { BoardProfile } from "../../hal/board-profile.ts";
import type { Clock } from "../../hal/clock.ts";
import { mobilePassService } from "../protocols/mobile-pass/gatt.ts";

export interface BoardRadios {
  /** The same board, its readers with the radios that the profile gives them. */
  addTo(board: Board): Board;
  /** Safe to call twice. */
  close(): void;
}

/** Adapters of this machine. None fails to open: where there is none the radio says so by its health. */
export async function openBoardRadios(
  { readers }: Pick<BoardProfile, "readers">,
  clock: Clock,
): Promise<BoardRadios> {
  const radios = new Map<string, ReaderBle>();
  const opened: BlePeripheral[] = [];
  const wirings = readers.flatMap(({ id, ble }) => (ble === undefined ? [] : [{ id, ...ble }]));
  if (wirings.length > 0) {
    const { openLinuxBlePeripheral } = await import("../../hal/linux/ble/linux-ble-peripheral.ts");
    for (const { id, adapter, driver, rssiMin } of wirings) {
      const service = mobilePassService;
      const peripheral = openLinuxBlePeripheral({ clock, adapter, driver, service });
      opened.push(peripheral);
      radios.set(id, { peripheral, ...(rssiMin === undefined ? {} : { rssiMin }) });
    }
  }
  return {
    addTo: (board) => ({
      ...board,
      readers: board.readers.map((reader) => {
        const ble = radios.get(reader.id);
        return ble === undefined ? reader : { ...reader, ble };
      }),
    }),
    close: () => {
      for (const radio of opened) radio.close();
    },
  };
}

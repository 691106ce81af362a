import { join } from "node:path";
import type { BleWiring } from "../../../hal/board-profile.ts";
import {
  type Adapter,
  adaptersIn,
  classFolderOfLinux,
  findAdapter,
} from "../../../hal/linux/ble/adapters.ts";
import { isBlenoInstalled } from "../../../hal/linux/ble/bleno-packages.ts";
import { type Finding, ok, warn } from "./finding.ts";
import type { Machine } from "./machine.ts";
import type { CheckUpSubject } from "./subject.ts";

const check = "bluetooth";
const unit = "postern-controller.service";

/** Whether each reader that is to take mobile passes can. Never a failure: cards and doors work without. */
export async function checkBluetooth(subject: CheckUpSubject): Promise<readonly Finding[]> {
  const { machine, config, profile } = subject;
  const adapters = adaptersIn(join(machine.root, classFolderOfLinux));
  const wanted = "value" in profile ? profile.value.readers.flatMap(({ ble }) => ble ?? []) : [];
  if (wanted.length === 0) {
    const saw =
      adapters.length === 0
        ? "no adapter"
        : adapters.map(({ number }) => nameOf(number)).join(", ");
    return [ok(check, `${saw}, and nothing here needs one`)];
  }
  if ("value" in config && config.value.board.kind === "sim") {
    return [ok(check, "the board is simulated and needs none")];
  }
  const found = [
    ...wanted.flatMap((ble) => checkAdapter(machine, adapters, ble)),
    ...checkLibraries(wanted),
    ...(await checkOwner(machine)),
    ...(await checkUnitAllows(machine)),
  ];
  if (found.length > 0) return found;
  const names = wanted.map(({ adapter, driver }) => `${wantedName(adapter)} by ${driver}`);
  return [ok(check, `${names.join(", ")}: there, switched on and free for us`)];
}

const nameOf = (number: number): string => `hci${number}`;

const wantedName = (adapter: number | string): string =>
  typeof adapter === "number" ? nameOf(adapter) : `the adapter in ${adapter}`;

function checkAdapter(
  machine: Machine,
  adapters: readonly Adapter[],
  { adapter }: BleWiring,
): readonly Finding[] {
  const found = findAdapter(adapters, adapter);
  if (found === undefined) {
    const there = adapters.map(({ number, socket }) =>
      socket === undefined ? nameOf(number) : `${nameOf(number)} in ${socket}`,
    );
    const others = there.length === 0 ? "there is none" : `there is ${there.join(", ")}`;
    const fix =
      "plug it in, or name another as readers.ble.adapter; on a Raspberry Pi no dtoverlay=disable-bt";
    return [warn(check, `not there: ${wantedName(adapter)}; ${others}`, fix)];
  }
  const name = nameOf(found.number);
  // The switch is a folder of the adapter's own, as /sys/class/bluetooth/hci0/rfkill1.
  const folder = join(classFolderOfLinux, name);
  const isOff = machine.list(folder).some((entry) => {
    const isOn = (file: string) => machine.read(join(folder, entry, file)) === "1";
    return /^rfkill\d+$/.test(entry) && (isOn("soft") || isOn("hard"));
  });
  if (!isOff) return [];
  return [warn(check, `${name} is switched off`, "rfkill unblock bluetooth")];
}

function checkLibraries(wanted: readonly BleWiring[]): readonly Finding[] {
  const drivers = [...new Set(wanted.map(({ driver }) => driver))];
  return drivers
    .filter((driver) => !isBlenoInstalled(driver))
    .map((driver) => {
      const other = driver === "abandonware" ? "stoprocent" : "abandonware";
      const fix = `npm install, with a C++ compiler and Python there; or readers.ble.driver = "${other}"`;
      return warn(check, `the driver ${driver} is not installed, or was not compiled`, fix);
    });
}

async function checkOwner(machine: Machine): Promise<readonly Finding[]> {
  const said = await machine.outputOf("systemctl", ["is-active", "bluetooth.service"]);
  if (said?.trim() !== "active") return [];
  const fix = "systemctl disable --now bluetooth, and start the controller again";
  return [warn(check, "bluetoothd runs, and takes every adapter", fix)];
}

/** By what systemd gives the controller. Nothing is said where it runs without a unit. */
async function checkUnitAllows(machine: Machine): Promise<readonly Finding[]> {
  const properties = "LoadState,AmbientCapabilities,RestrictAddressFamilies,PrivateUsers";
  const said = await machine.outputOf("systemctl", ["show", unit, `--property=${properties}`]);
  if (said === undefined || !/^LoadState=loaded$/m.test(said)) return [];
  const families = /^RestrictAddressFamilies=(.*)$/m.exec(said)?.[1] ?? "";
  const lacking = [
    ...(/^AmbientCapabilities=.*\bcap_net_admin\b/im.test(said) ? [] : ["CAP_NET_ADMIN"]),
    ...(families === "" || /\bAF_BLUETOOTH\b/.test(families) ? [] : ["AF_BLUETOOTH"]),
    ...(/^PrivateUsers=yes$/m.test(said) ? ["the machine's own users"] : []),
  ];
  if (lacking.length === 0) return [];
  const saw = `${unit} may not have an adapter: it lacks ${lacking.join(", ")}`;
  return [warn(check, saw, "install systemd/bluetooth.conf as systemd/README.md says")];
}

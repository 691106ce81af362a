import { readdirSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

export interface Adapter {
  /** N of `hciN`. */
  readonly number: number;
  /**
   * Where it is plugged in, as the kernel calls it: `1-1.2` is port 2 of the hub at port 1 of USB bus 1,
   * `serial0-0` what is soldered to a serial port. None for an emulated one.
   */
  readonly socket: string | undefined;
}

export const classFolderOfLinux = "/sys/class/bluetooth";

/** By number; none where the kernel has no Bluetooth. */
export function adaptersIn(classFolder: string = classFolderOfLinux): readonly Adapter[] {
  return entriesOf(classFolder)
    .flatMap((name) => {
      const number = /^hci([0-9]+)$/.exec(name)?.[1];
      if (number === undefined) return [];
      return [{ number: Number(number), socket: socketOf(join(classFolder, name)) }];
    })
    .toSorted((one, other) => one.number - other.number);
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** An adapter's device is the link's target, in the folder of what it is a part of. */
function socketOf(link: string): string | undefined {
  try {
    const folder = dirname(realpathSync(link));
    const device = basename(folder) === "bluetooth" ? dirname(folder) : folder;
    // An interface of a USB device is named after its socket: `1-1.2:1.0`.
    const socket = basename(device).replace(/:[0-9]+\.[0-9]+$/, "");
    return socket === "virtual" ? undefined : socket;
  } catch {
    // It has just been pulled out.
    return undefined;
  }
}

/**
 * The adapter with this number, or in this socket. Undefined: it is not there, or several are.
 *
 * Linux gives an adapter that is put in again another number while somebody still holds the old one, and
 * numbers several as it happens to find them. Who knows in which socket a number was before is given what
 * is there now.
 */
export function findAdapter(
  adapters: readonly Adapter[],
  wanted: number | string,
  socketBefore?: string,
): Adapter | undefined {
  const inSocket = (socket: string | undefined): Adapter | undefined => {
    const [first, ...others] = adapters.filter((adapter) => adapter.socket === socket);
    return socket === undefined || others.length > 0 ? undefined : first;
  };
  if (typeof wanted === "string") return inSocket(wanted);
  return inSocket(socketBefore) ?? adapters.find(({ number }) => number === wanted);
}

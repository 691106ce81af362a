import type { Guest } from "./guest.ts";

/**
 * Bluetooth adapters in range of each other and of nothing else: hci0, the reader's, hci1, the phone's, and
 * hci2, another phone's. They are down, as who wants one for himself needs it. BlueZ's btvirt emulates their controllers;
 * the kernel's hci_vhci makes them adapters.
 */
export async function startAdapters(guest: Guest): Promise<void> {
  await guest.call("spawn", { command: ["btvirt", "-l3"] });
  const there = "[ -e /sys/class/bluetooth/hci0 ] && [ -e /sys/class/bluetooth/hci2 ]";
  const { code } = await guest.call("run", {
    command: ["sh", "-c", `until ${there}; do sleep 0.1; done`],
    secondsMax: 30,
  });
  if (code !== 0) throw new Error("btvirt made no Bluetooth adapters");
}

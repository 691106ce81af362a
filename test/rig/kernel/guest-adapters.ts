import type { Guest } from "./guest.ts";

/**
 * Two Bluetooth adapters in range of each other and of nothing else: hci0, the reader's, and hci1, the
 * phone's. They are down, as who wants one for himself needs it. BlueZ's btvirt emulates their controllers;
 * the kernel's hci_vhci makes them adapters.
 */
export async function startAdapters(guest: Guest): Promise<void> {
  await guest.call("spawn", { command: ["btvirt", "-l2"] });
  const there = "[ -e /sys/class/bluetooth/hci0 ] && [ -e /sys/class/bluetooth/hci1 ]";
  const { code } = await guest.call("run", {
    command: ["sh", "-c", `until ${there}; do sleep 0.1; done`],
    secondsMax: 30,
  });
  if (code !== 0) throw new Error("btvirt made no Bluetooth adapters");
}

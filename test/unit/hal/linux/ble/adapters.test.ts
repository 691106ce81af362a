import { mkdirSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import t from "tap";
import { adaptersIn, findAdapter } from "../../../../../hal/linux/ble/adapters.ts";
import { temporaryFolder } from "../../../controller/journal-records.ts";

t.test("adapters are told by number, each with the socket that the kernel names", async (t) => {
  const root = temporaryFolder(t);
  const classFolder = join(root, "class");
  mkdirSync(classFolder);
  for (const device of [
    "platform/scb/fd500000.pcie/usb1/1-1/1-1.2/1-1.2:1.0/bluetooth/hci10",
    "platform/soc/3f201000.serial/serial0/serial0-0/bluetooth/hci0",
    "platform/soc/fe201000.serial/tty/ttyAMA0/hci2",
    "virtual/bluetooth/hci3",
    // A phone that is connected is listed too.
    "platform/soc/3f201000.serial/serial0/serial0-0/bluetooth/hci0/hci0:64",
  ]) {
    mkdirSync(join(root, device), { recursive: true });
    symlinkSync(join(root, device), join(classFolder, basename(device)));
  }
  symlinkSync(join(root, "gone"), join(classFolder, "hci4"));
  t.same(adaptersIn(classFolder), [
    { number: 0, socket: "serial0-0" },
    { number: 2, socket: "ttyAMA0" },
    { number: 3, socket: undefined },
    { number: 4, socket: undefined },
    { number: 10, socket: "1-1.2" },
  ]);
  t.same(adaptersIn(join(root, "no-such-folder")), []);
});

t.test("a number, a socket, or the socket in which the number was", async (t) => {
  const [own, usb, other] = [
    { number: 0, socket: "serial0-0" },
    { number: 1, socket: "1-1.2" },
    { number: 2, socket: undefined },
  ];
  const adapters = [own, usb, other];
  t.equal(findAdapter(adapters, 1), usb);
  t.equal(findAdapter(adapters, 2), other);
  t.equal(findAdapter(adapters, 3), undefined);
  t.equal(findAdapter(adapters, "serial0-0"), own);
  t.equal(findAdapter(adapters, "1-1"), undefined, "a hub is no socket");
  t.equal(findAdapter(adapters, 0, "1-1.2"), usb);
  t.equal(findAdapter(adapters, 0, "1-1.3"), own, "nothing is in that socket any more");
  const two = [...adapters, { number: 7, socket: "1-1.2" }];
  t.equal(findAdapter(two, "1-1.2"), undefined, "which of them?");
  t.equal(findAdapter(two, 1, "1-1.2"), usb);
});

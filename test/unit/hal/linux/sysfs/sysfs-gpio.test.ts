import t, { type Test } from "tap";
import { findSysfsLine } from "../../../../../hal/linux/sysfs/find-sysfs-line.ts";
import { openSysfsGpio } from "../../../../../hal/linux/sysfs/sysfs-gpio.ts";
import { HalError } from "../../../../../src/domain/hal-error.ts";

function failureOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof HalError) return `${error.kind}: ${error.message}`;
    throw error;
  }
  return "did not throw";
}

const chip = (options: { base: number; label: string; lineCount: number; names?: string }) => ({
  base: `${options.base}\n`,
  label: `${options.label}\n`,
  ngpio: `${options.lineCount}\n`,
  ...(options.names === undefined
    ? {}
    : { device: { of_node: { "gpio-line-names": options.names } } }),
});

/** A Pi 4 under Linux 6.6, where the base of its pins is 512. */
const classFolder = (t: Test) =>
  t.testdir({
    export: "",
    gpiochip512: chip({
      base: 512,
      label: "pinctrl-bcm2711",
      lineCount: 58,
      names: "ID_SDA\0ID_SCL\0GPIO2\0GPIO3\0DUP\0",
    }),
    gpiochip570: chip({
      base: 570,
      label: "raspberrypi-exp-gpio",
      lineCount: 8,
      names: "BT_ON\0DUP\0",
    }),
    gpiochip600: chip({ base: 600, label: "bare", lineCount: 4 }),
    gpiochip604: chip({ base: 604, label: "", lineCount: 4 }),
  });

t.test("a line's number is its chip's base, as this kernel has it, and its offset", async (t) => {
  const folder = classFolder(t);
  for (const [line, number] of [
    ["pinctrl-bcm2711:17", 529],
    ["gpiochip512:17", 529],
    ["GPIO2", 514],
    ["pinctrl-bcm2711:GPIO2", 514],
    ["raspberrypi-exp-gpio:DUP", 571],
    ["bare:3", 603],
  ] as const) {
    t.equal(findSysfsLine(folder, line), number, line);
  }
});

t.test("a line that is not there, or could be two, is none", async (t) => {
  const folder = classFolder(t);
  const why = (line: string) => failureOf(() => findSysfsLine(folder, line));
  t.match(why("DUP"), /^not_found: .*516, 571/);
  for (const line of [
    "GPIO17",
    "bare:4",
    "bare:GPIO2",
    "pinctrl-bcm2711:",
    "",
    ":1",
    "nowhere:1",
  ]) {
    t.match(why(line), /^not_found: .*line ".*gpiochip\d+ \(/, line);
  }
});

t.test("a kernel without GPIO in sysfs says which driver to take", async (t) => {
  const why = (folder: string) => failureOf(() => findSysfsLine(folder, "GPIO17"));
  t.match(why(`${t.testdir({})}/none`), /^not_found: .*character_device/);
  t.match(why(t.testdir({ export: "" })), /^not_found: no GPIO chip/);
});

t.test("where the kernel has an output is found without opening it", async (t) => {
  const folder = classFolder(t);
  t.same(openSysfsGpio({ classFolder: folder }).addressOf?.("GPIO2"), {
    kind: "sysfs",
    folder: `${folder}/gpio514`,
  });
});

t.test("a reader is refused by name, before anything is opened", async (t) => {
  const gpio = openSysfsGpio({ classFolder: t.testdir({}) });
  const why = (...requests: Parameters<typeof gpio.openInputs>) =>
    failureOf(() => gpio.openInputs(...requests));
  const weak = /^not_permitted: .*character_device.*board\.accept_weak_wiegand = true/;
  t.match(why({ lines: ["a", "b"], bias: "pull_up" }), weak);
  t.match(why({ lines: ["a"], bias: "pull_up", carries: "pulses" }), weak);
  t.match(why({ lines: ["a"], bias: "pull_up" }), /^not_found/, "a contact is looked for");
  t.match(why({ lines: [], bias: "pull_up" }), /^not_supported/);
});

t.test("open drain is refused: sysfs would drive it high", async (t) => {
  const gpio = openSysfsGpio({ classFolder: classFolder(t) });
  t.match(
    failureOf(() => gpio.openOutput({ line: "bare:0", initial: 1, drive: "open_drain" })),
    /^not_supported/,
  );
});

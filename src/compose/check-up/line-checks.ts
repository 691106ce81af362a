import { lineUses } from "../../../hal/lines/line-uses.ts";
import { findLine } from "../../../hal/linux/gpio/find-line.ts";
import { type NativeGpio, nativeGpio } from "../../../hal/linux/gpio/native-gpio.ts";
import { nativeSystem } from "../../../hal/linux/system/native-system.ts";
import { HalError } from "../../domain/hal-error.ts";
import { type Finding, failed, ok, warn } from "./finding.ts";
import type { CheckUpSubject } from "./subject.ts";

const consumer = "postern";

/** Whether lines are the kernel's to give: those of a simulated board are nobody's. */
function isSimulated({ config }: CheckUpSubject): boolean {
  return "value" in config && config.value.board.kind === "sim";
}

function isSysfs({ config }: CheckUpSubject): boolean {
  if ("refused" in config || config.value.board.kind === "sim") return false;
  return config.value.board.driver === "sysfs";
}

/** The parts that are written in C. */
export function checkAddons(subject: CheckUpSubject): readonly Finding[] {
  const parts = [
    { check: "addon gpio", load: nativeGpio, isNeeded: !isSysfs(subject) },
    { check: "addon system", load: nativeSystem, isNeeded: true },
  ];
  return parts.map(({ check, load, isNeeded }) => {
    try {
      load();
      return ok(check, "it loads");
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      const fix = "npm run native, or install the package for this machine's processor";
      const complain = isNeeded && !isSimulated(subject) ? failed : warn;
      return complain(check, error.message, fix);
    }
  });
}

export function checkChips(subject: CheckUpSubject): readonly Finding[] {
  const check = "gpio chips";
  if (isSimulated(subject)) return [ok(check, "the board is simulated and needs none")];
  const { machine } = subject;
  if (isSysfs(subject)) {
    const chips = machine.list("/sys/class/gpio").filter((name) => /^gpiochip\d+$/.test(name));
    if (chips.length > 0) return [ok(check, `sysfs has ${chips.join(", ")}`)];
    return [failed(check, "sysfs has none", 'use board.driver = "character_device"')];
  }
  const files = machine.list("/dev").filter((name) => /^gpiochip\d+$/.test(name));
  if (files.length === 0) {
    return [
      failed(check, "there is no /dev/gpiochip*", "is this a board, and its kernel its own?"),
    ];
  }
  const native = loaded();
  if (native === undefined) return [warn(check, files.join(", "), "see addon gpio")];
  const found = files.map((name) => {
    const chip = native.chip(`/dev/${name}`);
    if (typeof chip === "number") return `${name} (cannot be opened)`;
    return `${name} (${chip.label}, ${chip.lineCount} lines)`;
  });
  return [ok(check, found.join(", "))];
}

/** Whether each line of the profile is there, once, and nobody else's. */
export function checkLines(subject: CheckUpSubject): readonly Finding[] {
  const check = "lines";
  const { profile } = subject;
  if (isSimulated(subject)) return [ok(check, "the board is simulated and needs none")];
  if ("refused" in profile)
    return [warn(check, "no board profile says which", "see board profile")];
  if (isSysfs(subject)) return [ok(check, "not looked at: sysfs does not say who holds a line")];
  const native = loaded();
  if (native === undefined) return [warn(check, "not looked at", "see addon gpio")];
  const { expanders } = profile.value;
  const prefixes = expanders.map(({ id }) => `${id}:`);
  const uses = [...lineUses(profile.value)]
    .filter(([line]) => !prefixes.some((prefix) => line.startsWith(prefix)))
    .map(([line, { use }]) => ({ line, use }));
  const interrupts = expanders.flatMap(({ id, interruptLine }) =>
    interruptLine === undefined ? [] : [{ line: interruptLine, use: `interrupt of ${id}` }],
  );
  const all = [...uses, ...interrupts];
  const isRunning = "value" in subject.status;
  const wrong = all.flatMap(({ line, use }) => {
    const found = checkLine(native, line, isRunning);
    return found === undefined ? [] : [{ ...found, saw: `${line} (${use}): ${found.saw}` }];
  });
  return wrong.length > 0 ? wrong : [ok(check, `all ${all.length} are there and free for us`)];
}

function checkLine(native: NativeGpio, line: string, isRunning: boolean): Finding | undefined {
  const check = "lines";
  try {
    const { chip, offset } = findLine(native, "/dev", line);
    const info = native.line(chip.path, offset);
    if (typeof info === "number" || !info.isUsed) return undefined;
    if (info.consumer === consumer && isRunning) return undefined;
    const saw = `in use by "${info.consumer}"`;
    return failed(check, saw, "end that program, or take its overlay out of config.txt");
  } catch (error) {
    if (!(error instanceof HalError)) throw error;
    return failed(check, error.message, "name the line as `gpioinfo` has it");
  }
}

function loaded(): NativeGpio | undefined {
  try {
    return nativeGpio();
  } catch (error) {
    if (error instanceof HalError) return undefined;
    throw error;
  }
}

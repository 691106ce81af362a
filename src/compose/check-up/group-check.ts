import { statSync } from "node:fs";
import { join } from "node:path";
import { type Finding, failed, ok } from "./finding.ts";
import type { Machine } from "./machine.ts";
import type { CheckUpSubject } from "./subject.ts";

/** Whose rights are asked about. */
interface Person {
  readonly name: string;
  readonly uid: number;
  readonly groups: ReadonlySet<number>;
}

/** As which the unit runs. */
const serviceUser = "postern";
const mayReadWrite = 0o6;

/**
 * Whether the controller's user may open the devices that its board hangs from. Root, who may open
 * everything, is told of the user that the unit runs as, where there is one.
 */
export function checkGroups({ machine, config, profile }: CheckUpSubject): readonly Finding[] {
  const check = "groups";
  if ("value" in config && config.value.board.kind === "sim") {
    return [ok(check, "the board is simulated and needs none")];
  }
  const chips = machine.list("/dev").filter((name) => /^gpiochip\d+$/.test(name));
  const { expanders, clockChip } = "value" in profile ? profile.value : { expanders: [] };
  const buses = [...expanders, ...(clockChip ? [clockChip] : [])].map(({ bus }) => `i2c-${bus}`);
  const devices = [...new Set([...chips, ...buses])].map((name) => `/dev/${name}`);
  const person = whoRuns(machine);
  const found = devices.flatMap((device) => checkDevice(machine, device, person));
  if (found.length > 0) return found;
  if (devices.length === 0) return [ok(check, "there is no device to open")];
  return [ok(check, `${person.name} may open ${devices.join(", ")}`)];
}

function checkDevice(machine: Machine, device: string, person: Person): readonly Finding[] {
  const check = "groups";
  const stats = statSync(join(machine.root, device), { throwIfNoEntry: false });
  if (stats === undefined) {
    return [failed(check, `there is no ${device}`, "on a Raspberry Pi: dtparam=i2c_arm=on")];
  }
  const { uid, gid, mode } = stats;
  const isAllowed = (bits: number) => (bits & mayReadWrite) === mayReadWrite;
  const own = uid === person.uid && isAllowed(mode >> 6);
  const group = person.groups.has(gid) && isAllowed(mode >> 3);
  if (person.uid === 0 || own || group || isAllowed(mode)) return [];
  const name = nameOf(machine.read("/etc/group"), gid) ?? String(gid);
  const saw = `${person.name} may not open ${device}, which is group ${name}'s`;
  const fix = isAllowed(mode >> 3)
    ? `usermod -aG ${name} ${person.name}, and start the controller again`
    : "install systemd/60-postern.rules, and udevadm trigger";
  return [failed(check, saw, fix)];
}

function whoRuns(machine: Machine): Person {
  const uid = process.getuid?.() ?? 0;
  const users = machine.read("/etc/passwd");
  if (uid !== 0) {
    const groups = new Set([process.getgid?.() ?? uid, ...(process.getgroups?.() ?? [])]);
    return { name: nameOf(users, uid) ?? String(uid), uid, groups };
  }
  const row = rowsOf(users).find(([name]) => name === serviceUser);
  if (row === undefined) return { name: "root", uid: 0, groups: new Set() };
  const [, , id, main] = row;
  const groups = rowsOf(machine.read("/etc/group"))
    .filter(([, , , members = ""]) => members.split(",").includes(serviceUser))
    .map(([, , gid]) => Number(gid));
  return { name: serviceUser, uid: Number(id), groups: new Set([Number(main), ...groups]) };
}

/** Of `/etc/passwd` and `/etc/group`: the name stands first and the number third. */
function nameOf(text: string | undefined, id: number): string | undefined {
  return rowsOf(text).find(([, , number]) => Number(number) === id)?.[0];
}

function rowsOf(text = ""): readonly (readonly string[])[] {
  return text.split("\n").map((line) => line.split(":"));
}

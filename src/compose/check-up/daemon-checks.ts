import { type Finding, failed, ok, warn } from "./finding.ts";
import type { CheckUpSubject } from "./subject.ts";

const unit = "postern-controller.service";

export function checkConfig({ config, profile, configFile }: CheckUpSubject): readonly Finding[] {
  if ("refused" in config) {
    return [
      failed("configuration", config.refused, "mend the file; config/README.md has its keys"),
    ];
  }
  const { controller, site, board } = config.value;
  const saw = `${configFile}: controller ${controller} of site ${site}, board ${board.kind}`;
  if ("value" in profile) return [ok("configuration", saw)];
  return [failed("board profile", profile.refused, "mend the file; config/README.md has its keys")];
}

export function checkDaemon({ status }: CheckUpSubject): readonly Finding[] {
  if ("refused" in status) {
    const fix = `nothing, if it is not to run now; else systemctl start ${unit}`;
    return [warn("controller", `it does not run: ${status.refused}`, fix)];
  }
  const { troubles, alarms, table, software } = status.value;
  const found: Finding[] = [ok("controller", `it runs, version ${software}`)];
  if (table === null) {
    const fix = "let the controller reach its site, which sends one";
    found.push(warn("access table", "none yet: every card is denied", fix));
  }
  if (troubles.length > 0 || alarms.length > 0) {
    const saw = [...alarms, ...troubles].join(", ");
    found.push(warn("troubles", saw, "`postern events` says since when"));
  }
  return found;
}

/** What systemd knows of our unit, by property. */
export async function checkUnit({ machine }: CheckUpSubject): Promise<readonly Finding[]> {
  const name = "systemd unit";
  const properties = "LoadState,ActiveState,UnitFileState,NRestarts,WatchdogUSec,Result";
  const said = await machine.outputOf("systemctl", ["show", unit, `--property=${properties}`]);
  if (said === undefined) {
    const saw = "systemd does not answer";
    return [warn(name, saw, "see to it that something restarts the controller when it ends")];
  }
  const lines = said.split("\n").map((line) => line.split("="));
  const values = new Map(lines.map(([key = "", ...value]) => [key, value.join("=")]));
  const of = (key: string) => values.get(key) ?? "unknown";
  if (of("LoadState") !== "loaded") {
    const saw = `${unit} is ${of("LoadState")}`;
    return [warn(name, saw, "install the package, or systemd/ as its README.md says")];
  }
  const saw = `${unit} is ${of("ActiveState")}, ${of("UnitFileState")}, ${of("NRestarts")} restarts`;
  if (of("ActiveState") === "failed") {
    return [failed(name, `${saw}: ${of("Result")}`, `journalctl -u ${unit} -n 50`)];
  }
  if (of("UnitFileState") !== "enabled") {
    return [warn(name, `${saw}: it does not start at boot`, `systemctl enable ${unit}`)];
  }
  if (of("NRestarts") !== "0" && of("NRestarts") !== "unknown") {
    return [warn(name, saw, `journalctl -u ${unit} says why it ended`)];
  }
  return [ok(name, saw)];
}

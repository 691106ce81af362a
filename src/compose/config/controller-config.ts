import * as v from "valibot";
import { type ClockRule, clockRules } from "../../core/clock-trust.ts";
import { type ControllerId, controllerId, type SiteId, siteId } from "../../domain/ids.ts";
import { type Result, succeed } from "../../domain/result.ts";
import { unreachable } from "../../domain/unreachable.ts";
import { idText, oneOf, pathText, tomlTable, yesOrNo } from "../../protocols/toml/toml-schema.ts";
import { loopbackBroker } from "./broker-url.ts";
import type { ConfigFault } from "./config-fault.ts";
import {
  besideFile,
  brokerUrlText,
  type ConfigSource,
  inStateDir,
  type LogLevel,
  listeningPort,
  logLevelKey,
  readConfig,
  stateDirKey,
} from "./config-file.ts";

export interface SimBoardConfig {
  readonly kind: "sim";
  readonly profileFile: string;
  /** Of the simulated board's face, on loopback; 0: any free one. */
  readonly port: number;
}

/** The lines of the machine that we run on. */
export interface LinuxBoardConfig {
  readonly kind: "linux";
  readonly profileFile: string;
  readonly driver: (typeof lineDrivers)[number];
  /** Sysfs may drive a Wiegand reader, whose bits it loses on a busy machine. */
  readonly acceptWeakWiegand: boolean;
}

const lineDrivers = ["character_device", "sysfs"] as const;

/** What one controller's process is told at its start. Paths are relative to the current folder. */
export interface ControllerConfig {
  readonly controller: ControllerId;
  readonly site: SiteId;
  readonly stateDir: string;
  /** Ids and keys, as the site made them for this controller. */
  readonly provisionFile: string;
  /** Where the command line reaches the daemon. */
  readonly socketFile: string;
  /** May carry a password: log it `withoutCredentials`. */
  readonly mqttUrl: string;
  readonly board: SimBoardConfig | LinuxBoardConfig;
  /** How the machine's clock is judged. */
  readonly clockRule: ClockRule;
  readonly logLevel: LogLevel;
}

export const controllerConfigSchema = tomlTable({
  id: idText,
  site: idText,
  state_dir: stateDirKey,
  provision_file: v.optional(pathText, "provision.json"),
  socket_file: v.optional(pathText, "controller.sock"),
  log_level: logLevelKey,
  clock_quality: v.optional(oneOf(clockRules), "ntp"),
  board: tomlTable({
    kind: oneOf(["sim", "linux"]),
    profile_file: pathText,
    driver: v.optional(oneOf(lineDrivers), "character_device"),
    accept_weak_wiegand: v.optional(yesOrNo, false),
    port: v.optional(listeningPort, 8_322),
  }),
  mqtt: v.optional(tomlTable({ url: v.optional(brokerUrlText, loopbackBroker(8_323)) }), {}),
});

export function parseControllerConfig(
  source: ConfigSource,
): Result<ControllerConfig, readonly ConfigFault[]> {
  const read = readConfig(source, controllerConfigSchema);
  if (!read.ok) return read;
  const { keys, overrides } = read.value;
  const stateDir = overrides.stateDir ?? keys.state_dir;
  const embedded =
    overrides.mqttPort === undefined ? undefined : loopbackBroker(overrides.mqttPort);
  return succeed({
    controller: controllerId(keys.id),
    site: siteId(keys.site),
    stateDir,
    provisionFile: inStateDir(stateDir, keys.provision_file),
    socketFile: inStateDir(stateDir, keys.socket_file),
    mqttUrl: overrides.mqttUrl ?? embedded ?? keys.mqtt.url,
    board: boardConfig(keys.board, { file: source.file, simPort: overrides.simPort }),
    clockRule: keys.clock_quality,
    logLevel: keys.log_level,
  });
}

function boardConfig(
  keys: v.InferOutput<typeof controllerConfigSchema>["board"],
  { file, simPort }: { readonly file: string; readonly simPort: number | undefined },
): ControllerConfig["board"] {
  const { kind, profile_file, port, driver, accept_weak_wiegand } = keys;
  const profileFile = besideFile(file, profile_file);
  switch (kind) {
    case "sim":
      return { kind, profileFile, port: simPort ?? port };
    case "linux":
      return { kind, profileFile, driver, acceptWeakWiegand: accept_weak_wiegand };
    default:
      return unreachable(kind);
  }
}

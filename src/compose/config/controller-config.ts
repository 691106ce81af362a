import * as v from "valibot";
import { type ClockRule, clockRules } from "../../core/clock-trust.ts";
import { type ControllerId, controllerId, type SiteId, siteId } from "../../domain/ids.ts";
import { type Result, succeed } from "../../domain/result.ts";
import { idText, oneOf, pathText, tomlTable } from "../../protocols/toml/toml-schema.ts";
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
  readonly board: {
    readonly kind: "sim";
    readonly profileFile: string;
    /** Of the simulated board's face, on loopback; 0: any free one. */
    readonly port: number;
  };
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
    kind: oneOf(["sim"]),
    profile_file: pathText,
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
    board: {
      kind: keys.board.kind,
      profileFile: besideFile(source.file, keys.board.profile_file),
      port: overrides.simPort ?? keys.board.port,
    },
    clockRule: keys.clock_quality,
    logLevel: keys.log_level,
  });
}

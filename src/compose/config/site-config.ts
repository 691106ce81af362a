import * as v from "valibot";
import { type Result, succeed } from "../../domain/result.ts";
import { pathText, portNumber, tomlTable, yesOrNo } from "../../protocols/toml/toml-schema.ts";
import type { ConfigFault } from "./config-fault.ts";
import {
  besideFile,
  brokerUrlText,
  type ConfigSource,
  type LogLevel,
  listeningPort,
  logLevelKey,
  readConfig,
  stateDirKey,
} from "./config-file.ts";

/** What the site's process is told at its start. Paths are relative to the current folder. */
export interface SiteConfig {
  readonly stateDir: string;
  /** Users, passes, doors and rules: what tables are compiled from. */
  readonly siteFile: string;
  /** Of the site's API, on loopback; 0: any free one. */
  readonly httpPort: number;
  readonly broker: BrokerChoice;
  readonly webhooks: {
    /** Webhooks may lead to this machine and the building's own network, and need no TLS. */
    readonly allowPrivate: boolean;
  };
  readonly logLevel: LogLevel;
}

export type BrokerChoice =
  /** Ours, in the site's process, on loopback. */
  | { readonly kind: "embedded"; readonly port: number }
  /** May carry a password: log it `withoutCredentials`. */
  | { readonly kind: "external"; readonly url: string };

export const siteConfigSchema = tomlTable({
  state_dir: stateDirKey,
  site_file: pathText,
  log_level: logLevelKey,
  http: v.optional(tomlTable({ port: v.optional(listeningPort, 8_321) }), {}),
  webhooks: v.optional(tomlTable({ allow_private: v.optional(yesOrNo, false) }), {}),
  mqtt: v.optional(
    tomlTable({ port: v.optional(portNumber, 8_323), url: v.exactOptional(brokerUrlText) }),
    {},
  ),
});

export function parseSiteConfig(source: ConfigSource): Result<SiteConfig, readonly ConfigFault[]> {
  const read = readConfig(source, siteConfigSchema);
  if (!read.ok) return read;
  const { keys, overrides } = read.value;
  // A port in the environment is nearer than a broker in the file.
  const url = overrides.mqttUrl ?? (overrides.mqttPort === undefined ? keys.mqtt.url : undefined);
  return succeed({
    stateDir: overrides.stateDir ?? keys.state_dir,
    siteFile: besideFile(source.file, keys.site_file),
    httpPort: overrides.httpPort ?? keys.http.port,
    broker:
      url === undefined
        ? { kind: "embedded", port: overrides.mqttPort ?? keys.mqtt.port }
        : { kind: "external", url },
    webhooks: { allowPrivate: keys.webhooks.allow_private },
    logLevel: keys.log_level,
  });
}

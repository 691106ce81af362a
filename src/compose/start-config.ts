import type { Result } from "../domain/result.ts";
import { type ConfigFault, describeConfigFaults } from "./config/config-fault.ts";
import type { ConfigSource } from "./config/config-file.ts";
import { type ControllerConfig, parseControllerConfig } from "./config/controller-config.ts";
import type { Environment } from "./config/environment.ts";
import { parseSiteConfig, type SiteConfig } from "./config/site-config.ts";
import { readStartFile } from "./start-file.ts";
import { StartRefused } from "./start-refused.ts";

/** A file, and the environment over it. */
export interface StartConfigSource {
  readonly configFile: string;
  readonly env: Environment;
}

/** Throws `StartRefused` with every fault of the file and the environment. */
export function readSiteConfig(source: StartConfigSource): SiteConfig {
  return read(source, parseSiteConfig);
}

/** As `readSiteConfig`. */
export function readControllerConfig(source: StartConfigSource): ControllerConfig {
  return read(source, parseControllerConfig);
}

function read<Config>(
  { configFile, env }: StartConfigSource,
  parse: (source: ConfigSource) => Result<Config, readonly ConfigFault[]>,
): Config {
  const config = parse({ file: configFile, text: readStartFile(configFile), env });
  if (!config.ok) throw new StartRefused(describeConfigFaults(config.fault));
  return config.value;
}

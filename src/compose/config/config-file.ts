import { dirname, isAbsolute, join } from "node:path";
import * as v from "valibot";
import { fail, type Result, succeed } from "../../domain/result.ts";
import type { KeyPath } from "../../protocols/toml/key-path.ts";
import { readToml, type TomlSource } from "../../protocols/toml/located-toml.ts";
import { oneOf, pathText, textLike, wholeNumber } from "../../protocols/toml/toml-schema.ts";
import { brokerUrlExpectation, isBrokerUrl } from "./broker-url.ts";
import type { ConfigFault } from "./config-fault.ts";
import { type Environment, type Overrides, readOverrides } from "./environment.ts";

/** What the files of both processes say alike. */
export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

export const logLevelKey = v.optional(oneOf(logLevels), "info");

/** Relative to the current folder, as POSTERN_STATE_DIR is. */
export const stateDirKey = v.optional(pathText, ".postern");

export const brokerUrlText = textLike(isBrokerUrl, brokerUrlExpectation);

/** A port to listen on; 0: any free one. */
export const listeningPort = wholeNumber({ min: 0, max: 65_535 });

export interface ConfigSource extends TomlSource {
  readonly env: Environment;
}

/** The file and the environment, with what is wrong in either. */
export function readConfig<const Schema extends v.GenericSchema>(
  source: ConfigSource,
  schema: Schema,
): Result<
  { readonly keys: v.InferOutput<Schema>; readonly overrides: Overrides },
  readonly ConfigFault[]
> {
  const overrides = readOverrides(source.env);
  const keys = readToml({ ...source, schema, isSecret: isBrokerUrlKey, build: (value) => value });
  if (keys.ok && overrides.ok) return succeed({ keys: keys.value, overrides: overrides.value });
  return fail([...(overrides.ok ? [] : overrides.fault), ...(keys.ok ? [] : keys.fault)]);
}

/** It may carry a password. */
const isBrokerUrlKey = (path: KeyPath): boolean => path.at(-1) === "url";

/** `path` as a file's own text means it: from that file's folder. */
export function besideFile(file: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path);
}

/** `path` from the state folder. */
export function inStateDir(stateDir: string, path: string): string {
  return isAbsolute(path) ? path : join(stateDir, path);
}

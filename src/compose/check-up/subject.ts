import type { BoardProfile } from "../../../hal/board-profile.ts";
import { ask } from "../../cli/client.ts";
import { CommandFailed } from "../../cli/terminal.ts";
import type { LocalStatus } from "../../protocols/local/local-reports.ts";
import { parseBoardProfile } from "../config/board-profile-file.ts";
import type { ControllerConfig } from "../config/controller-config.ts";
import { readControllerConfig, type StartConfigSource } from "../start-config.ts";
import { parseStartFile } from "../start-file.ts";
import { StartRefused } from "../start-refused.ts";
import type { Machine } from "./machine.ts";

/** Read once, or why it cannot be. */
type Told<T> = { readonly value: T } | { readonly refused: string };

/** What a check-up is of: a machine, and the controller that it is to run or runs. */
export interface CheckUpSubject {
  readonly machine: Machine;
  readonly configFile: string;
  readonly config: Told<ControllerConfig>;
  readonly profile: Told<BoardProfile>;
  readonly socketFile: string | undefined;
  /** Of the controller that runs, or why none answers. */
  readonly status: Told<LocalStatus>;
}

export interface CheckUpSource extends StartConfigSource {
  /** Instead of the configuration's. */
  readonly socketFile: string | undefined;
}

export async function openSubject(
  source: CheckUpSource,
  machine: Machine,
): Promise<CheckUpSubject> {
  const config = told(() => readControllerConfig(source));
  const profile = told(() => {
    if ("refused" in config) throw new StartRefused("it is named by the configuration");
    return parseStartFile(config.value.board.profileFile, parseBoardProfile).profile;
  });
  const ownSocket = "value" in config ? config.value.socketFile : undefined;
  const socketFile = source.socketFile ?? ownSocket;
  const status = await statusOf(socketFile);
  return { machine, configFile: source.configFile, config, profile, socketFile, status };
}

function told<T>(read: () => T): Told<T> {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof StartRefused) return { refused: error.message };
    throw error;
  }
}

async function statusOf(socketFile: string | undefined): Promise<Told<LocalStatus>> {
  if (socketFile === undefined) return { refused: "nobody knows where its socket is" };
  try {
    return { value: (await ask(socketFile, { verb: "status", args: {} })) as LocalStatus };
  } catch (error) {
    if (error instanceof CommandFailed) return { refused: error.message };
    throw error;
  }
}

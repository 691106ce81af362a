import { fail, type Result, succeed } from "../../domain/result.ts";
import { brokerUrlExpectation, isBrokerUrl, withoutCredentials } from "./broker-url.ts";

/** `process.env`, which main alone reads. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says instead of the files. A variable that is empty says nothing. */
export interface Overrides {
  /** POSTERN_STATE_DIR */
  readonly stateDir?: string;
  /** POSTERN_HTTP_PORT; 0: any free one. */
  readonly httpPort?: number;
  /** POSTERN_SIM_PORT; 0: any free one. */
  readonly simPort?: number;
  /** POSTERN_MQTT_PORT. Never 0: the controller, another process, has to know it. */
  readonly mqttPort?: number;
  /** POSTERN_MQTT_URL, before which POSTERN_MQTT_PORT means nothing. */
  readonly mqttUrl?: string;
}

export interface VariableFault {
  readonly variable: string;
  readonly expected: string;
  readonly found: string;
}

/** Every variable is looked at, whoever asks: a wrong one would hit the next process. */
export function readOverrides(env: Environment): Result<Overrides, readonly VariableFault[]> {
  const faults: VariableFault[] = [];
  const read = <T>(variable: string, parse: (text: string) => T | undefined, expected: string) => {
    const text = env[variable];
    if (text === undefined || text === "") return undefined;
    const value = parse(text);
    if (value === undefined) {
      faults.push({ variable, expected, found: `'${shown(withoutCredentials(text))}'` });
    }
    return value;
  };
  const freePort = "a port 1-65535, or 0 for any free one";
  const stateDir = read("POSTERN_STATE_DIR", parseFolder, "a folder");
  const httpPort = read("POSTERN_HTTP_PORT", (text) => parsePort(text, 0), freePort);
  const simPort = read("POSTERN_SIM_PORT", (text) => parsePort(text, 0), freePort);
  const knownPort = "a port 1-65535 (the controller has to know it, so not 0)";
  const mqttPort = read("POSTERN_MQTT_PORT", (text) => parsePort(text, 1), knownPort);
  const mqttUrl = read("POSTERN_MQTT_URL", asBrokerUrl, brokerUrlExpectation);
  if (faults.length > 0) return fail(faults);
  return succeed({
    ...(stateDir === undefined ? {} : { stateDir }),
    ...(httpPort === undefined ? {} : { httpPort }),
    ...(simPort === undefined ? {} : { simPort }),
    ...(mqttPort === undefined ? {} : { mqttPort }),
    ...(mqttUrl === undefined ? {} : { mqttUrl }),
  });
}

const asBrokerUrl = (text: string): string | undefined => (isBrokerUrl(text) ? text : undefined);

const parseFolder = (text: string): string | undefined => (/\p{Cc}/u.test(text) ? undefined : text);

function parsePort(text: string, least: number): number | undefined {
  if (!/^[0-9]{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= least && port <= 65_535 ? port : undefined;
}

/** Without what would move the cursor of the terminal that it is shown on. */
function shown(text: string): string {
  const plain = text.replace(/\p{Cc}/gu, "?");
  return plain.length > 60 ? `${plain.slice(0, 60)}…` : plain;
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseBrokerUrl } from "./config/broker-url.ts";
import type { ControllerConfig } from "./config/controller-config.ts";

/** What replaces a secret: whoever reads a bundle should see that there was one. */
const removed = "[removed]";
/** Shorter ones would blot out words that mean nothing. They are in nothing that we collect. */
const secretLengthMin = 4;
/** A key of ours is some lines long; what is longer is data. */
const secretFileBytesMax = 16_384;
/** What a site and a controller keep their keys in, and what somebody may have copied beside it. */
const secretFiles = /key|pem|secret|provision/i;
/** In a file of JSON or of plain text, what is long enough and random enough to be a key. */
const keyLike = /[A-Za-z0-9_+/=-]{32,}/g;

/**
 * Takes every secret that this machine keeps out of a text. Nothing that is collected should have one; this
 * is for the day that something has.
 */
export function withoutSecrets(config: ControllerConfig | undefined): (text: string) => string {
  const secrets = config === undefined ? [] : [...ofBroker(config), ...ofFiles(config)];
  const spelled = secrets
    .filter((secret) => secret.length >= secretLengthMin)
    .flatMap(spellings)
    // Of two that begin alike the longer goes first, or its end would stay.
    .toSorted((one, other) => other.length - one.length);
  return (text) => spelled.reduce((left, secret) => left.replaceAll(secret, removed), text);
}

function ofBroker({ mqttUrl }: ControllerConfig): readonly string[] {
  const url = parseBrokerUrl(mqttUrl);
  if (url === undefined) return [];
  return [url.password, decodeURIComponent(url.password)];
}

function ofFiles({ stateDir, provisionFile }: ControllerConfig): readonly string[] {
  const files = new Set([provisionFile, ...secretFilesIn(stateDir)]);
  return [...files].flatMap((file) => readSmall(file).match(keyLike) ?? []);
}

/** A site keeps those of its controllers in a folder below. */
function secretFilesIn(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
    return names.filter((name) => secretFiles.test(name)).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function readSmall(file: string): string {
  try {
    return readFileSync(file, "utf8").slice(0, secretFileBytesMax);
  } catch {
    return "";
  }
}

/** As it stands, as JSON has it, and the bytes of a key as they may be written elsewhere. */
function spellings(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, "base64url");
  const isKey = bytes.length >= 24;
  const others = isKey ? [bytes.toString("hex"), bytes.toString("base64")] : [];
  return [secret, JSON.stringify(secret).slice(1, -1), ...others];
}

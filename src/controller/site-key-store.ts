import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describeFailure } from "../domain/describe-failure.ts";
import { isMissing } from "../domain/failure-code.ts";
import { type HalError, ioError } from "../domain/hal-error.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import { followHandOvers, type HandOverRefusal } from "../protocols/sync/key-hand-over.ts";
import type { Provision } from "../protocols/sync/provision.ts";
import { makeFolder, replaceFile } from "./durable-file.ts";

/**
 * The site's key as it is now: the one that the controller was provisioned with, or the last that
 * was handed over to since.
 */
export interface SiteKeyStore {
  current(): KeyObject;
  /** What was found at opening and could not be used, until another is written. */
  damage(): string | undefined;
  /**
   * A message on the site's key topic: from anybody. The key that it leads to is in force when this
   * returns, and the one before is refused from then on; the promise is of the disk. Where that
   * fails, the next such message is written again: it is retained, and comes with each connection.
   */
  take(message: Uint8Array): Promise<Result<"followed" | "known", HandOverRefusal | HalError>>;
}

export interface SiteKeyStoreOptions {
  /** Made if it does not exist. */
  readonly folder: string;
  readonly provision: Provision;
}

const fileName = "site-key";

/** Never rejects: without its file it begins at the provision's key, and follows from there again. */
export async function openSiteKeyStore(options: SiteKeyStoreOptions): Promise<SiteKeyStore> {
  const store = new FileSiteKeyStore(options);
  await store.load();
  return store;
}

/** A key followed from: a controller that is provisioned anew begins anew. */
interface FollowedKey {
  readonly provisioned: string;
  readonly key: string;
}

class FileSiteKeyStore implements SiteKeyStore {
  readonly #folder: string;
  readonly #provision: Provision;
  /** Canonical PEM, to tell keys apart. */
  #pem: string;
  #key: KeyObject;
  #stored: string | undefined;
  #damage: string | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor({ folder, provision }: SiteKeyStoreOptions) {
    this.#folder = folder;
    this.#provision = provision;
    this.#key = createPublicKey(provision.sitePublicKey);
    this.#pem = pemOf(this.#key);
  }

  current(): KeyObject {
    return this.#key;
  }

  damage(): string | undefined {
    return this.#damage;
  }

  async load(): Promise<void> {
    try {
      await makeFolder(this.#folder);
      const text = await readFile(join(this.#folder, fileName), "latin1");
      const found = parseFollowed(text);
      if (!found.ok) this.#damage = found.fault;
      else if (found.value.provisioned === this.#pem) this.#use(found.value.key, "stored");
    } catch (error) {
      if (!isMissing(error)) this.#damage = describeFailure(error);
    }
  }

  async take(
    message: Uint8Array,
  ): Promise<Result<"followed" | "known", HandOverRefusal | HalError>> {
    const followed = followHandOvers(this.#provision.site, this.#pem, message);
    if (!followed.ok) return followed;
    const { key } = followed.value;
    const isNew = key !== this.#pem;
    if (isNew) this.#use(key, "not_stored");
    else if (this.#stored === key || key === this.#provisioned()) return succeed("known");
    // A file that is replaced is replaced by one at a time.
    const written = this.#writing.then(() => this.#write(key));
    this.#writing = written.then(() => undefined);
    const fault = await written;
    return fault === undefined ? succeed(isNew ? "followed" : "known") : fail(fault);
  }

  #use(pem: string, state: "stored" | "not_stored"): void {
    this.#pem = pem;
    this.#key = createPublicKey(pem);
    if (state === "stored") this.#stored = pem;
  }

  async #write(key: string): Promise<HalError | undefined> {
    try {
      const text = serialiseFollowed({ provisioned: this.#provisioned(), key });
      await replaceFile(join(this.#folder, fileName), Buffer.from(text, "latin1"));
      this.#stored = key;
      this.#damage = undefined;
      return undefined;
    } catch (error) {
      return ioError(error);
    }
  }

  #provisioned(): string {
    return pemOf(createPublicKey(this.#provision.sitePublicKey));
  }
}

/** With a checksum: a key with one bit changed would refuse all that the site will ever say. */
function serialiseFollowed(followed: FollowedKey): string {
  const body = JSON.stringify(followed);
  return `${hashOf(body)} ${body}\n`;
}

function parseFollowed(text: string): Result<FollowedKey, string> {
  const [, hash, body] = /^([0-9a-f]{64}) (.*)\n$/.exec(text) ?? [];
  if (body === undefined || hash !== hashOf(body)) return fail("its checksum does not match");
  const parsed: unknown = JSON.parse(body);
  return isFollowed(parsed) ? succeed(parsed) : fail("it holds no key");
}

function isFollowed(value: unknown): value is FollowedKey {
  if (typeof value !== "object" || value === null) return false;
  const { provisioned, key } = value as Partial<Record<keyof FollowedKey, unknown>>;
  return typeof provisioned === "string" && typeof key === "string";
}

function hashOf(body: string): string {
  return createHash("sha256").update(`postern/1 site key ${body}`).digest("hex");
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "spki", format: "pem" }).toString();
}

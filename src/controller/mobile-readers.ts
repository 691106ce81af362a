import type { Board } from "../../hal/board.ts";
import type { AccessTable } from "../core/access-table/access-table.ts";
import type { ReaderId } from "../domain/ids.ts";
import type { TableChange } from "../domain/table-change.ts";
import type { LocalMobileHealth } from "../protocols/local/local-reports.ts";
import type { HelloFault } from "../protocols/mobile-pass/prepared-hello.ts";
import { type MobileIdentity, MobileReader } from "./mobile-reader.ts";
import { MobileResumptions } from "./mobile-resumptions.ts";
import type { ReaderSession } from "./reader-session.ts";
import type { Troubles } from "./troubles.ts";

export interface MobileReadersOptions {
  readonly board: Board;
  /** Each for the radio of the reader of its name. */
  readonly sessions: readonly ReaderSession[];
  readonly identity: MobileIdentity;
  readonly table: () => AccessTable | undefined;
  readonly troubles: Troubles;
}

/** Every reader of one controller that takes phones, and what they share. */
export class MobileReaders {
  readonly #options: MobileReadersOptions;
  readonly #readers: ReadonlyMap<ReaderId, MobileReader>;
  readonly #resumptions: MobileResumptions;
  /** That of the table in use; in base64url. */
  #certificate: string | undefined;

  constructor(options: MobileReadersOptions) {
    this.#options = options;
    const { board, sessions, identity, table, troubles } = options;
    this.#resumptions = new MobileResumptions((phone) => {
      const passes = table()?.passes;
      return passes !== undefined && passes.findCard(phone) >= 0;
    });
    const { clock } = board;
    const shared = { clock, identity, troubles, resumptions: this.#resumptions };
    const readers = board.readers.flatMap(({ id, ble }) => {
      const session = sessions.find((one) => one.id === id);
      if (ble === undefined || session === undefined) return [];
      return [[id, new MobileReader({ reader: id, ble, session, ...shared })] as const];
    });
    this.#readers = new Map(readers);
    this.useTable(table());
  }

  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#resumptions.clear();
  }

  /** Another table is in use. */
  useTable(table: AccessTable | undefined): void {
    if (this.#readers.size === 0) return;
    this.#resumptions.prune();
    const certificate = table?.frame.mobile?.certificate;
    // With no table at all, that nobody is let in is said elsewhere.
    const isMissing = table !== undefined && certificate === undefined;
    this.#options.troubles.set("mobile_no_certificate", isMissing);
    if (certificate === this.#certificate) return;
    this.#certificate = certificate;
    // What was agreed under another certificate is not to be relied upon.
    this.#resumptions.clear();
    this.#tellFault(this.#useCertificate(table?.mobileCertificate()));
  }

  /** The table in use became another one by these changes. */
  tableChanged(table: AccessTable, changes: readonly TableChange[]): void {
    if (changes.some(({ kind }) => kind === "frame")) return this.useTable(table);
    // A pass that is replaced may be another phone's from here on.
    if (changes.some(({ kind }) => kind !== "user")) this.#resumptions.prune();
  }

  /** Undefined where this reader takes no phones. */
  health(reader: ReaderId): LocalMobileHealth | undefined {
    return this.#readers.get(reader)?.health();
  }

  /** All have one certificate, and one fault with it. */
  #useCertificate(certificate: Uint8Array | undefined): HelloFault | undefined {
    let fault: HelloFault | undefined;
    for (const reader of this.#readers.values()) fault = reader.useCertificate(certificate);
    return fault;
  }

  #tellFault(fault: HelloFault | undefined): void {
    const { troubles } = this.#options;
    for (const one of ["certificate_malformed", "certificate_of_another_key"] as const) {
      troubles.set(`mobile_${one}`, fault === one);
    }
  }
}

import { join } from "node:path";
import type { TableMark } from "../domain/table-change.ts";
import { isNewer, isSameTable, newerOf } from "../protocols/sync/table-order.ts";
import { openRegisterFile, type RegisterFile } from "./register-file.ts";
import { newestFile } from "./table-files.ts";
import { decodeTableMark, encodeTableMark, tableMarkBytes } from "./table-mark-bytes.ts";

/** Never rejects: what cannot be read is damaged. */
export async function openNewestTable(folder: string): Promise<NewestTable> {
  return new NewestTable(await openRegisterFile(join(folder, newestFile), tableMarkBytes));
}

/** The newest table ever accepted, in a file of its own: what is older is accepted no more. */
export class NewestTable {
  readonly #register: RegisterFile;
  #mark: TableMark | undefined;

  constructor(register: RegisterFile) {
    this.#register = register;
    const noted = register.read();
    if (noted !== undefined) this.#mark = decodeTableMark(noted);
  }

  mark(): TableMark | undefined {
    return this.#mark;
  }

  damage(): string | undefined {
    return this.#register.damage();
  }

  /** Not older than any that was accepted, and no other one of the same number. */
  allows(mark: TableMark): boolean {
    const newest = this.#mark;
    return newest === undefined || isSameTable(mark, newest) || isNewer(mark, newest);
  }

  /** For what stands on the disk elsewhere, where the file itself was lost. */
  find(mark: TableMark | undefined): void {
    if (mark !== undefined) this.#mark = newerOf(this.#mark, mark);
  }

  /** Once it resolves nothing older is accepted after a power cut either. */
  async raise(mark: TableMark): Promise<void> {
    const newest = newerOf(this.#mark, mark);
    const bytes = encodeTableMark(newest);
    const noted = this.#register.read();
    if (noted === undefined || !bytes.equals(noted)) await this.#register.write(bytes);
    this.#mark = newest;
  }

  close(): Promise<void> {
    return this.#register.close();
  }
}

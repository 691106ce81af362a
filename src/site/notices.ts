import { type Notice, type NoticeIdentity, type NoticeMoment, noticeRow } from "./notice.ts";
import { addNotices } from "./store/notices.ts";
import type { StoreRecord } from "./store/site-store.ts";

/** One with its moment, where that is not the transaction's own. */
export interface MomentousNotice {
  readonly notice: Notice;
  readonly moment?: Omit<NoticeMoment, "madeAt">;
}

export interface NoticesParts {
  readonly identity: NoticeIdentity;
  /** Called after each commit that made some. Must not throw. */
  readonly made: () => void;
}

/** What the API tells of what was issued and of who was let in. */
export class Notices {
  readonly #parts: NoticesParts;

  constructor(parts: NoticesParts) {
    this.#parts = parts;
  }

  /** In the transaction of what they tell: both are there afterwards, or neither is. */
  async add(record: StoreRecord, notices: readonly MomentousNotice[]): Promise<void> {
    if (notices.length === 0) return;
    const { identity, made } = this.#parts;
    const rows = notices.map(({ notice, moment }) =>
      noticeRow(notice, identity, { madeAt: record.at, ...moment }),
    );
    if ((await addNotices(record, rows)) > 0) record.afterwards(made);
  }
}

import { join } from "node:path";
import { createSystemClock } from "../../../hal/linux/system-clock.ts";
import { openJournal } from "../../../src/controller/open-journal.ts";
import { controllerId } from "../../../src/domain/ids.ts";
import type { OpenSubject } from "./subject.ts";

/** With a site that acknowledges what it gets, as one does that is connected. */
export const openPosternSubject: OpenSubject = async (folder) => {
  const journal = await openJournal({
    file: join(folder, "journal.sqlite3"),
    controller: controllerId("bench"),
    clock: createSystemClock({ quality: () => "trusted" }),
  });
  let awaited: { readonly number: number; readonly tell: () => void } | undefined;
  journal.onCommitted((highest) => {
    journal.acknowledge(highest);
    if (awaited !== undefined && highest >= awaited.number) awaited.tell();
  });
  return {
    append: (record) => journal.append(record),
    durable: (number) =>
      new Promise((tell) => {
        if (journal.highest() >= number) tell();
        else awaited = { number, tell };
      }),
    close: () => journal.close(),
  };
};

import t from "tap";
import { renderStatus } from "../../../src/cli/status.ts";
import { status } from "./local-daemon.ts";

const radio = {
  state: "up",
  connectionCount: 9,
  restartCount: 1,
  answerCounts: { granted: 5, denied: 1 },
  faultCounts: { left_early: 3 },
} as const;

t.test(
  "a reader that takes phones is shown with its radio and what phones were told",
  async (t) => {
    const [reader] = status.readers;
    if (reader === undefined) throw new Error("no reader");
    const shown = renderStatus({ ...status, readers: [{ ...reader, mobile: radio }] });
    t.match(shown, /^READER +RADIO +PHONES +ANSWERS +FAULTS +RESTARTS$/m);
    t.match(shown, /^front-in +up +9 +granted 5 denied 1 +left_early 3 +1$/m);
    const down = { ...radio, state: "down", reason: "no_adapter", faultCounts: {} } as const;
    const shownDown = renderStatus({ ...status, readers: [{ ...reader, mobile: down }] });
    t.match(shownDown, /^front-in +down, no-adapter +9 +granted 5 denied 1 +none +1$/m);
  },
);

t.test("where no reader takes phones, nothing is said of radios", async (t) => {
  t.notMatch(renderStatus(status), /RADIO/);
});

import t from "tap";
import { linesOf, readRigProfile } from "../../rig/board-wires.ts";

t.test("the board by places is the board by names", async (t) => {
  const named = readRigProfile("two-doors").profile;
  const placed = readRigProfile("two-doors-sysfs").profile;
  let text = JSON.stringify(named);
  for (const [place, line] of linesOf(named).entries()) {
    text = text.replaceAll(`"${line}"`, `"rig-board:${place}"`);
  }
  t.same(placed, JSON.parse(text));
});

import t from "tap";
import { enrolmentGraceMs } from "../../../../src/site/commands.ts";
import { listenMsUsual } from "../../../../src/site/enrolments.ts";
import { bitsOf } from "../../controller/door-rig.ts";
import { addUser } from "./api-rig.ts";
import {
  attemptOf,
  front,
  openHardware,
  outcomeOf,
  scanToAssign,
  startHardware,
} from "./hardware-rig.ts";

const card = bitsOf(34567);

t.test("a controller that forgets the enrolment leaves the attempt to expire", async (t) => {
  const rig = await startHardware(t);
  const { acs_user_id } = await addUser(rig);
  const id = await scanToAssign(rig, acs_user_id);
  // A restart: what it was doing is nobody's any more.
  rig.doors.close();
  rig.clock.advance(listenMsUsual + enrolmentGraceMs);
  t.match(await outcomeOf(rig, id), { error: { type: "action_attempt_expired" } });
});

t.test("a site that is restarted leaves no attempt pending", async (t) => {
  const rig = await startHardware(t);
  const { acs_user_id } = await addUser(rig);
  const id = await scanToAssign(rig, acs_user_id);
  await openHardware(rig);
  t.match(await attemptOf(rig, id), { error: { type: "action_attempt_expired" } });
  await rig.doors.tap(front, card);
  await rig.hardware.close();
  t.match(await attemptOf(rig, id), { status: "error" }, "and what has ended stays as it is");
});

t.test("an attempt whose end was never written down has expired in its time", async (t) => {
  const rig = await startHardware(t);
  rig.away.isAway = true;
  const attempt = await rig.hardware.attempts.begin(
    { name: "test" },
    {
      type: "UNLOCK_DOOR",
      action: "door.unlock",
      subject: { kind: "door", id: "front" },
      forMs: 1_000,
    },
  );
  rig.clock.advance(999);
  t.equal((await attemptOf(rig, attempt.id)).status, "pending");
  rig.clock.advance(1);
  t.match(await attemptOf(rig, attempt.id), { error: { type: "action_attempt_expired" } });
  await rig.hardware.attempts.end(attempt.id, { status: "success", result: {} });
  t.match(await attemptOf(rig, attempt.id), { status: "error" }, "nor is it a success afterwards");
  const listed = await rig.client.actionAttempts.list({ action_attempt_ids: [attempt.id] });
  t.match(listed, [{ status: "error" }]);
});

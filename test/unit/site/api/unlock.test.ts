import t from "tap";
import { doorId } from "../../../../src/domain/ids.ts";
import { askAgainMs, asksMax } from "../../../../src/site/commands.ts";
import type { ApiRole } from "../../../../src/site/store/store-schema.ts";
import { addUser, doorIds, uuid } from "./api-rig.ts";
import { ask, attemptOf, outcomeOf, startHardware } from "./hardware-rig.ts";
import { addGroup } from "./store-parts.ts";

const once = { waitForActionAttempt: false } as const;
const rig = await startHardware(t);
const { doors } = rig;
const front = { acs_entrance_id: doorIds.front };

/** Whoever may call with it, and what came of calling. */
async function unlock(body: object, key = rig.key) {
  const answer = await ask({ url: rig.url, key }, "/acs/entrances/unlock", body);
  if (answer.status !== 200) {
    const { error } = answer.body as { error: { type: string } };
    return { status: answer.status, type: error.type };
  }
  const { action_attempt: attempt } = answer.body as {
    action_attempt: { action_attempt_id: string };
  };
  return await outcomeOf(rig, attempt.action_attempt_id);
}

async function policy(to: "off" | "admins" | "admins_and_users"): Promise<void> {
  const { status } = await ask(rig, "/postern/remote_unlock/update", { policy: to });
  if (status !== 200) throw new Error(`the policy was not set: ${status}`);
}

const strike = () => doors.strikes()[0];
const keyOf = new Map<ApiRole, string>();
for (const role of ["read", "issue"] as const) keyOf.set(role, await rig.addKey(role));
const issuing = keyOf.get("issue") ?? "";

t.afterEach(async () => {
  await doors.clock.elapse(10_000);
  await policy("admins");
});

t.test(
  "an administrator unlocks a door with the official client, which waits for it",
  async (t) => {
    const { acs_user_id } = await addUser(rig);
    const { acs_credential_id } = await rig.client.acs.credentials.create({
      acs_user_id,
      access_method: "code",
    });
    await rig.client.acs.entrances.grantAccess({ ...front, acs_user_id });
    const attempt = await rig.client.acs.entrances.unlock(
      { ...front, acs_credential_id },
      { waitForActionAttempt: { pollingInterval: 5, timeout: 10_000 } },
    );
    t.match(attempt, {
      status: "success",
      action_type: "UNLOCK_DOOR",
      result: { was_confirmed_by_device: true },
    });
    t.equal(strike(), "released");
    const event = doors.events.findLast(({ kind }) => kind === "remote_unlock");
    t.match(event, { attempt: attempt.action_attempt_id, outcome: "released" });
    await doors.clock.elapse(3_001);
    t.equal(strike(), "secured", "for the door's own time");
  },
);

t.test("an administrator's own word needs no credential", async (t) => {
  t.match(await unlock(front), { status: "success" });
  t.equal(strike(), "released");
  const audit = await rig.store.rows
    .selectFrom("audit")
    .selectAll()
    .where("action", "=", "door.unlock")
    .execute();
  t.match(audit.at(-1), { subjectKind: "door", subjectId: "front" });
});

t.test("how an unlocking ended is told as Seam tells it, once", async (t) => {
  const told = async () => {
    const rows = await rig.store.rows
      .selectFrom("notices")
      .select(["type", "body"])
      .where("type", "like", "action_attempt.%")
      .orderBy("position")
      .execute();
    return rows.map(({ type, body }) => ({
      type,
      attempt: (JSON.parse(body) as { action_attempt_id?: string }).action_attempt_id,
    }));
  };
  const before = await told();
  const opened = await unlock(front);
  doors.controller.override(doorId("front"), { posture: "disabled", until: "cleared" });
  const refused = await unlock(front);
  doors.controller.override(doorId("front"), "clear");
  const [ok, no] = [opened, refused].map((one) =>
    "action_attempt_id" in one ? one.action_attempt_id : "",
  );
  t.same((await told()).slice(before.length), [
    { type: "action_attempt.unlock_door.succeeded", attempt: ok },
    { type: "action_attempt.unlock_door.failed", attempt: no },
  ]);
});

t.test("who may unlock is what the site says: nobody, administrators, or users too", async (t) => {
  const { acs_user_id } = await addUser(rig, "Granted");
  const { acs_credential_id } = await rig.client.acs.credentials.create({
    acs_user_id,
    access_method: "code",
  });
  await rig.client.acs.entrances.grantAccess({ ...front, acs_user_id });
  const asked = { ...front, acs_credential_id };
  const refused = { status: 403, type: "remote_unlock_not_allowed" };
  await policy("off");
  t.match(await unlock(asked), refused);
  t.match(await unlock(asked, issuing), refused);
  await policy("admins");
  t.match(await unlock(asked, issuing), refused);
  t.equal(strike(), "secured");
  await policy("admins_and_users");
  t.match(await unlock(asked, keyOf.get("read")), { status: 403, type: "forbidden" });
  t.match(await unlock(asked, issuing), { status: "success" });
  t.equal(strike(), "released");
  const { body } = await ask(rig, "/postern/remote_unlock/get", {});
  t.same(body["remote_unlock"], { policy: "admins_and_users" });
  const set = await ask({ url: rig.url, key: issuing }, "/postern/remote_unlock/update", {
    policy: "off",
  });
  t.equal(set.status, 403, "and only an administrator says so");
  const wrong = await ask(rig, "/postern/remote_unlock/update", { policy: "everybody" });
  t.equal(wrong.status, 400);
});

t.test("a user without access now opens nothing, and is told the door's reason", async (t) => {
  await policy("admins_and_users");
  const users = [];
  for (const name of ["nobody", "suspended", "granted"]) {
    const { acs_user_id } = await addUser(rig, name);
    const made = await rig.client.acs.credentials.create({ acs_user_id, access_method: "code" });
    users.push({ ...made, name, acs_user_id });
  }
  const acs_access_group_id = await addGroup(rig, { id: "all", name: "All", doors: ["front"] });
  for (const { name, acs_user_id } of users) {
    if (name === "nobody") continue;
    await rig.client.acs.accessGroups.addUser({ acs_access_group_id, acs_user_id });
    if (name === "suspended") await rig.client.acs.users.suspend({ acs_user_id });
  }
  const reasons = new Map<string, unknown>();
  for (const { name, acs_credential_id } of users.slice(0, 2)) {
    const outcome = await unlock({ ...front, acs_credential_id }, issuing);
    reasons.set(name, "error" in outcome ? outcome.error : outcome);
  }
  t.match(reasons.get("nobody"), { type: "no_access" });
  t.match(reasons.get("suspended"), { type: "user_suspended" });
  t.equal(strike(), "secured");
  const { acs_credential_id = "" } = users[2] ?? {};
  t.match(await unlock({ ...front, acs_credential_id }, issuing), { status: "success" });
});

t.test("a key that may not decide by itself names whose access it means", async (t) => {
  await policy("admins_and_users");
  t.match(await unlock(front, issuing), { status: 400, type: "invalid_input" });
  const nobodys = { ...front, acs_credential_id: uuid(7) };
  t.match(await unlock(nobodys, issuing), { status: 400, type: "invalid_input" });
  t.match(await unlock({ acs_entrance_id: uuid(7) }), { status: 404 });
  t.equal(strike(), "secured");
});

t.test("a door in lockdown stays shut, and the attempt says why", async (t) => {
  doors.controller.override(doorId("front"), { posture: "lockdown", until: "cleared" });
  t.match(await unlock(front), { status: "error", error: { type: "lockdown" } });
  t.equal(strike(), "secured");
  doors.controller.override(doorId("front"), "clear");
  t.match(await unlock(front), { status: "success" });
});

t.test("a door whose controller is away is not claimed to be open", async (t) => {
  const begun = await rig.client.acs.entrances.unlock(
    { acs_entrance_id: doorIds.back, acs_credential_id: await anyCredential() },
    once,
  );
  t.equal((await attemptOf(rig, begun.action_attempt_id)).status, "pending");
  await doors.clock.elapse(askAgainMs * asksMax);
  const outcome = await outcomeOf(rig, begun.action_attempt_id);
  t.match(outcome, { status: "error", error: { type: "device_offline" } });
});

async function anyCredential(): Promise<string> {
  const { acs_user_id } = await addUser(rig, "Back");
  await rig.client.acs.entrances.grantAccess({ acs_entrance_id: doorIds.back, acs_user_id });
  const made = await rig.client.acs.credentials.create({ acs_user_id, access_method: "code" });
  return made.acs_credential_id;
}

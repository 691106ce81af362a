import { isSeamHttpUnauthorizedError, SeamHttp } from "@seamapi/http";
import { schemas } from "@seamapi/types/connect";
import t from "tap";
import { createStack, eventually } from "./stack.ts";

t.setTimeout(300_000);

const stack = await createStack();
t.teardown(() => stack.remove());
await stack.start();
const client = new SeamHttp({ apiKey: await stack.apiKey(), endpoint: stack.siteUrl });

/** The door that cards and PINs open alone in the demonstration. */
const front = await eventually("the front door is an entrance", async () => {
  const entrances = await client.acs.entrances.list({ search: "front" });
  return entrances[0];
});

async function issue(name: string) {
  const [system] = await client.acs.systems.list();
  if (system === undefined) throw new Error("no system");
  const { acs_user_id } = await client.acs.users.create({
    acs_system_id: system.acs_system_id,
    full_name: name,
  });
  const { acs_entrance_id } = front;
  await client.acs.entrances.grantAccess({ acs_entrance_id, acs_user_id });
  const made = await client.acs.credentials.create({ acs_user_id, access_method: "code" });
  return schemas.acs_credential.parse(made);
}

/** Once the controller has acknowledged it, and not before. */
function synced(acs_credential_id: string): Promise<true> {
  return eventually("the doors have it", async () => {
    const credential = await client.acs.credentials.get({ acs_credential_id });
    return credential.is_latest_desired_state_synced_with_provider === true ? true : undefined;
  });
}

/** What the controller says of these digits, typed at the front door. */
async function typed(digits: string) {
  const [last] = await stack.events("?door=front&limit=1");
  await stack.post("/sim/readers/front/keys", { keys: `${digits}#` });
  return await eventually("the door decides", async () => {
    const events = await stack.events(`?door=front&after=${last?.position ?? 0}`);
    return events.find(({ result }) => result !== null);
  });
}

t.test("a code issued with the official client opens the door once it is synced", async (t) => {
  const credential = await issue("Issued by the API");
  const code = credential.code ?? "";
  t.match(code, /^[0-9]{6}$/);
  t.equal(credential.display_name, `Code ${code.slice(0, 2)}****`);
  await synced(credential.acs_credential_id);
  t.match(await typed(code), { kind: "access_granted", result: "granted" });
  t.notMatch(stack.output(), code);
});

t.test("a code that was deleted opens nothing, and one of a suspended user neither", async (t) => {
  const deleted = await issue("Deleted");
  const suspended = await issue("Suspended");
  const { acs_user_id, acs_credential_id } = suspended;
  await client.acs.credentials.delete({ acs_credential_id: deleted.acs_credential_id });
  await client.acs.users.suspend({ acs_user_id: acs_user_id ?? "" });
  // Changes come to a controller in their order.
  await synced(acs_credential_id);
  t.match(await typed(deleted.code ?? ""), { result: "denied", reason: "unknown_credential" });
  t.match(await typed(suspended.code ?? ""), { result: "denied", reason: "user_suspended" });
});

t.test("what was issued is there after the site was killed", async (t) => {
  const credential = await issue("Survivor");
  await stack.kill("site");
  const { acs_credential_id } = credential;
  await synced(acs_credential_id);
  t.match(await typed(credential.code ?? ""), { result: "granted" });
});

t.test("a wrong key is told so by the official client", async (t) => {
  const stranger = new SeamHttp({
    apiKey: `seam_${"0".repeat(64)}`,
    endpoint: stack.siteUrl,
  });
  try {
    await stranger.acs.users.list();
    t.fail("it was let in");
  } catch (error) {
    t.ok(isSeamHttpUnauthorizedError(error));
  }
});

import t, { type Test } from "tap";
import { enrolInto, enrolPass } from "../../../src/cli/enrol.ts";
import {
  addPass,
  assignPass,
  changePass,
  listPasses,
  unassignPass,
} from "../../../src/cli/pass.ts";
import { addUser, changeUser, listUsers } from "../../../src/cli/user.ts";
import { listenHttp } from "../../../src/compose/http-listener.ts";
import { phoneCredential } from "../../../src/domain/credential.ts";
import { siteKeyText } from "../../../src/protocols/mobile-pass/phone-state.ts";
import { hardwareRoutes } from "../../../src/site/api/hardware-routes.ts";
import { createSiteApi } from "../../../src/site/api/site-api.ts";
import { openApiKey } from "../../../src/site/api-key.ts";
import { openStateFolder } from "../../../src/site/state-folder.ts";
import { front, startHardware } from "../site/api/hardware-rig.ts";
import { clientOf, passRows, startIssuing, twoSided, userRows } from "./issuing-rig.ts";

const ada = {
  name: "Ada Lovelace",
  id: "ada",
  email: "ada@example.org",
  groups: ["Staff"],
  traits: [],
};
const limits = { traits: [] };

async function withAda(t: Test) {
  const rig = await startIssuing(t);
  const { client, terminal } = rig;
  const options = { client, terminal, json: false };
  await addUser(options, ada);
  return { ...rig, options };
}

t.setTimeout(120_000);

t.test("a user is added with id and group, listed, suspended and deleted", async (t) => {
  const { options, text, ...rig } = await withAda(t);
  t.equal(text.out, "Ada Lovelace is user ada.\n");
  t.match(await userRows(rig), [{ id: "ada", email: "ada@example.org" }]);
  t.match(await rig.store.rows.selectFrom("ruleUsers").selectAll().execute(), [
    { ruleId: "staff" },
  ]);
  await changeUser(options, { user: "Ada Lovelace", verb: "suspend" });
  text.out = "";
  await listUsers(options, { search: "LOVE", limit: 10 });
  t.match(text.out, /^ada +Ada Lovelace +ada@example\.org +suspended$/m);
  await changeUser(options, { user: "ada", verb: "unsuspend" });
  t.match(await userRows(rig), [{ suspended: 0 }]);
  text.out = "";
  await changeUser({ ...options, json: true }, { user: "ada", verb: "delete" });
  t.match(JSON.parse(text.out), { id: "ada" });
  t.strictSame(await userRows(rig), []);
});

t.test("a refusal names what was typed and what was expected of it", async (t) => {
  const { options } = await withAda(t);
  const refused = async (part: object, said: RegExp) =>
    t.rejects(addUser(options, { ...ada, id: "other", ...part }), { message: said });
  await refused({ email: "nowhere" }, /^--email: expected a mail address$/);
  await refused({ id: "ada" }, /^--id: expected one that no other user has$/);
  await refused(
    { groups: ["Staff", "nobody"] },
    /^--group: expected an access group of this site$/,
  );
  await t.rejects(changeUser(options, { user: "eve", verb: "suspend" }), {
    exitCode: 1,
    message: /^there is no user eve: expected an id, a UUID or a whole name/,
  });
  await addUser(options, { ...ada, id: "ada-2" });
  await t.rejects(changeUser(options, { user: "Ada Lovelace", verb: "suspend" }), {
    message: /several users are called Ada Lovelace: expected an id: .*ada/,
  });
});

t.test("a drawn PIN is shown once; one that was given is not shown at all", async (t) => {
  const { options, text, ...rig } = await withAda(t);
  text.out = "";
  await addPass(options, { user: "ada", pass: { kind: "pin" }, limits });
  t.match(
    text.out,
    /^Ada Lovelace \(ada\) has pass [a-z2-7]{10}: pin, Code \d\d\*{4}\.\nPIN \d{6}: /,
  );
  await addUser(options, { ...ada, id: "bob", name: "Bob" });
  text.out = "";
  await addPass(options, { user: "Bob", pass: { kind: "pin", digits: "824759" }, limits });
  t.match(text.out, /Code 82\*\*\*\*\.\n$/);
  t.notMatch(text.out + text.err + rig.log.text, /824759/);
  text.out = "";
  await listPasses(options, {});
  t.notMatch(text.out, /\d{6}/);
  await t.rejects(addPass(options, { user: "ada", pass: { kind: "pin" }, limits }), {
    exitCode: 1,
    message: /has such a code already/,
  });
});

t.test(
  "a card is issued with its limits, suspended, taken away, given on and deleted",
  async (t) => {
    const { options, text, ...rig } = await withAda(t);
    await addPass(options, {
      user: "ada",
      pass: { kind: "card", card: "H10301:12:34567" },
      limits: { traits: ["pass_through"], uses: 3, starts: "2031-06-01", ends: "2031-06-30" },
    });
    const [made] = await passRows(rig);
    t.match(made, {
      raw: "26:2190e0f",
      usesMax: 3,
      startsAt: Date.parse("2031-06-01T00:00:00+02:00"),
      endsAt: Date.parse("2031-07-01T00:00:00+02:00"),
      traits: '["pass_through"]',
    });
    const pass = made?.id ?? "";
    await changePass(options, { pass, verb: "suspend" });
    t.match(await passRows(rig), [{ active: 0 }]);
    text.out = "";
    await listPasses(options, { user: "ada" });
    t.match(text.out, /^[a-z2-7]{10} +Ada Lovelace +csn_card +Card 34\*\*\* +suspended +2031/m);
    await changePass(options, { pass, verb: "unsuspend" });
    await unassignPass(options, { pass });
    t.match(await passRows(rig), [{ userId: null, active: 1 }]);
    await addUser(options, { ...ada, id: "bob", name: "Bob" });
    await assignPass(options, { pass: made?.uuid ?? "", user: "bob" });
    t.match(await passRows(rig), [{ userId: "bob" }]);
    await changePass(options, { pass, verb: "delete" });
    t.strictSame(await passRows(rig), []);
    await t.rejects(changePass(options, { pass, verb: "delete" }), { message: /there is no pass/ });
    for (const card of ["X1:1", "H10301", "H10301:256:1", "1:2:3:4"]) {
      const added = addPass(options, { user: "bob", pass: { kind: "card", card }, limits });
      await t.rejects(added, { exitCode: 2, message: /^--card: / }, card);
    }
  },
);

async function atReader(t: Test) {
  const rig = await startHardware(t);
  const { apiSite, clock, log, folder, hardware } = rig;
  const app = createSiteApi({
    site: apiSite,
    fileKey: openApiKey(openStateFolder(folder)),
    applyFile: async () => ({ ok: true, value: undefined }) as never,
    clock,
    log,
    routes: hardwareRoutes(apiSite, hardware),
  });
  const served = await listenHttp({ answer: app.answer, port: 0, variable: "TEST_PORT" });
  t.teardown(() => served.close());
  const { terminal, text } = twoSided();
  const client = clientOf({ folder, url: served.url });
  const interrupts: (() => void)[] = [];
  const options = {
    client,
    terminal,
    json: false,
    pause: async () => {},
    onInterrupt: (act: () => void) => {
      interrupts.push(act);
      return () => void interrupts.splice(interrupts.indexOf(act), 1);
    },
  };
  await addUser(options, { name: "Ada", id: "ada", groups: [], traits: [] });
  /** Once the verb says so, and the reader's lamp with it. */
  const isAsked = async () => {
    while (!text.err.includes("present the ")) await client.ask(anything);
    const isOn = () => {
      const last = rig.doors.events.findLast((event) => event.kind === "enrolment");
      return last?.kind === "enrolment" && last.outcome === "began";
    };
    while (!isOn()) await client.ask(anything);
  };
  return { ...rig, options, text, interrupts, isAsked };
}

const anything = {
  path: "/acs/encoders/list",
  body: {},
  answer: (await import("valibot")).any(),
} as const;

t.test("a reader that waits is cancelled by Ctrl-C, and no pass is left", async (t) => {
  const { options, text, interrupts, isAsked, ...rig } = await atReader(t);
  const order = {
    user: "ada",
    reader: "front",
    what: "card",
    limits: { traits: [], uses: 3 },
  } as const;
  const enrolled = enrolPass(options, order);
  const refused = t.rejects(enrolled, { exitCode: 1, message: /not enrolled: It was cancelled/ });
  await isAsked();
  t.match(text.err, "present the card at Front door: reader front (30 s)\n");
  t.equal((await passRows(rig)).length, 1, "its limits stand before the card does");
  for (const interrupt of interrupts) interrupt();
  await refused;
  t.strictSame(await passRows(rig), []);
  t.equal(interrupts.length, 0);
  await t.rejects(enrolPass(options, { ...order, reader: "cellar" }), {
    exitCode: 2,
    message: /--enrol cellar: expected one of .*Front door: reader front/,
  });
});

t.test(
  "phones are enrolled with their pass, and others into it; a failure leaves none",
  async (t) => {
    const { options, text, interrupts, isAsked, ...rig } = await atReader(t);
    const order = { user: "ada", reader: "front", what: "phone", limits } as const;
    const given = enrolPass(options, order);
    const refused = t.rejects(given, { exitCode: 1, message: /cancelled/ });
    await isAsked();
    for (const interrupt of interrupts) interrupt();
    await refused;
    t.strictSame(await passRows(rig), []);
    const presented = async (digit: string) => {
      await isAsked();
      const phone = phoneCredential(digit.repeat(32));
      t.equal(rig.doors.controller.enrolmentAt(front)?.phone(phone), "enrolled");
      return phone;
    };
    text.err = "";
    const enrolled = enrolPass(options, order);
    const phone = await presented("1");
    await enrolled;
    t.match(text.err, "present the phone at Front door: reader front (30 s)\n");
    t.match(text.err, `site test, site key ${siteKeyText(rig.keys.mobileKey())}, fingerprint `);
    t.match(text.out, "Ada (ada) has Phone 1111.\n");
    const rows = await passRows(rig);
    const parent = rows.find(({ isMultiPhone }) => isMultiPhone === 1);
    t.match(
      rows.find(({ raw }) => raw === phone),
      { kind: "mobile", parentId: parent?.id },
    );
    text.err = "";
    const another = enrolInto(options, { pass: parent?.id ?? "", reader: "front" });
    await presented("2");
    await another;
    t.match(text.out, `Pass ${parent?.id} has Phone 2222.\n`);
    t.equal((await passRows(rig)).filter(({ parentId }) => parentId === parent?.id).length, 2);
    const filled = rows.find(({ raw }) => raw === phone)?.id ?? "";
    await t.rejects(enrolInto(options, { pass: filled, reader: "front" }), {
      exitCode: 2,
      message: /^pass: expected one that waits for its card, or is for phones/,
    });
    await t.rejects(enrolInto(options, { pass: filled, reader: "cellar" }), {
      message: /--reader cellar: expected one of/,
    });
  },
);

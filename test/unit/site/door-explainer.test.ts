import t from "tap";
import { doorId, passId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { type ControllerStatus, encodeStatus } from "../../../src/protocols/sync/status-message.ts";
import { sealTableAck } from "../../../src/protocols/sync/table-ack-message.ts";
import type { DoorExplanation } from "../../../src/site/door-explainer.ts";
import { one, type SiteRig, siteFile, startSite } from "./site-rig.ts";
import { TableTaker } from "./table-taker.ts";

const madeAt = 1_800_000_000_000;
const hourMs = 3_600_000;

function explained(rig: SiteRig, pass = "ada-card", at?: number): DoorExplanation {
  const answer = rig.service.explain({
    door: doorId("front"),
    pass: passId(pass),
    ...(at !== undefined && { at: epochMs(at) }),
  });
  if (!answer.ok) throw new Error(JSON.stringify(answer.fault));
  return answer.value;
}

const sawOf = (rig: SiteRig, check: string, pass?: string): string | undefined =>
  explained(rig, pass).explanation.ladder.find((rung) => rung.check === check)?.saw;

function confirm(rig: SiteRig): void {
  const table = new TableTaker(rig, one).head().mark;
  const ack = sealTableAck(rig.scope, { outcome: "complete", table });
  rig.broker.deliver(rig.topics.tableAck, ack);
}

function tell(rig: SiteRig, clock: "trusted" | "holdover" | "unknown"): void {
  const said: ControllerStatus = { online: true, software: "postern", clock, troubles: [] };
  rig.broker.deliver(rig.topics.status, encodeStatus(said));
}

t.test("the table that explains is the one that the controller was sent", async (t) => {
  const rig = await startSite(t, { now: madeAt });
  rig.service.apply(siteFile(), "x.toml");
  const wantedOf = (from: SiteRig) => from.service.controllers()[0]?.sync?.wanted;
  t.match(wantedOf(rig), explained(rig).table.table);
  t.equal(explained(rig).table.compiledAt, madeAt);
  rig.now = epochMs(madeAt + 5 * hourMs);
  t.match(sawOf(rig, "table"), /able \d{9,}\.1 has 3 passes and is 5 hours old\.$/);
  rig.service.apply(siteFile("# nothing that a table says"), "x.toml");
  t.equal(explained(rig).table.compiledAt, madeAt, "one that kept its number kept its date");
  const changed = siteFile().replace("246810", "246811");
  rig.service.apply(changed, "x.toml");
  t.match(explained(rig).table, { table: { version: 2 }, compiledAt: madeAt + 5 * hourMs });
  const wanted = wantedOf(rig);
  rig.service.close();
  const restarted = await startSite(t, { folder: rig.folder, now: madeAt + 9 * hourMs });
  t.match(wanted, explained(restarted).table.table);
  t.equal(explained(restarted).table.compiledAt, madeAt + 5 * hourMs, "also after a restart");
});

t.test("a table that its controller did not confirm is supposed to be there", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  const unsaid = /^Controller one has table \d+\.1, as it has not said\.$/;
  t.match(sawOf(rig, "table"), /^Supposed, because its controller has not said so yet: table /);
  t.match(
    explained(rig).assumes.filter((text) => unsaid.test(text)),
    [unsaid],
  );
  confirm(rig);
  t.match(sawOf(rig, "table"), /^Table /);
  t.notOk(explained(rig).assumes.some((text) => unsaid.test(text)));
});

t.test("what the site cannot know of a door is said to be supposed", async (t) => {
  const rig = await startSite(t);
  const area = 'passback = "hard", passback_ms = 5000, occupancy_max = 2, manager_in = "required"';
  const text = siteFile(`areas = [{ id = "vault", ${area} }]`)
    .replace(
      '{ id = "back",',
      '{ id = "side", name = "Side", controller = "one", interlock = ["front"] },\n  { id = "back",',
    )
    .replace(
      'readers = ["front"]',
      'readers = ["front", "exit"], exit_readers = ["exit"], inside = "vault", interlock = ["side"]',
    )
    .replace('name = "Ada Lovelace"', 'name = "Ada Lovelace", traits = ["manager"]')
    .replace('{ id = "ada-card",', '{ id = "ada-card", uses = 5,');
  const applied = rig.service.apply(text, "x.toml");
  t.ok(applied.ok, JSON.stringify(applied));
  confirm(rig);
  const { explanation, assumes } = explained(rig);
  t.equal(explanation.decision.kind, "granted");
  for (const about of [/operator/, /fire.*tamper/, /who is where/, /other doors/, /not told yet/]) {
    t.ok(
      assumes.some((sentence) => about.test(sentence)),
      String(about),
    );
  }
  const supposed = explanation.ladder.filter(({ saw }) => saw.startsWith("Supposed, because"));
  t.same(
    supposed.map(({ check }) => check),
    ["posture", "tamper", "clock", "passback", "interlock", "occupancy", "manager"],
  );
  t.match(sawOf(rig, "interlock"), /site cannot know it: of the interlock, door side is shut\.$/);
  t.match(sawOf(rig, "uses"), /^By what the controllers have told so far: pass ada-card is good/);
});

t.test("a rung that the table alone decides is supposed nowhere", async (t) => {
  const rig = await startSite(t);
  rig.service.apply(siteFile(), "x.toml");
  confirm(rig);
  tell(rig, "trusted");
  const supposed = explained(rig, "ada-card").explanation.ladder.filter(({ saw }) =>
    saw.startsWith("Supposed"),
  );
  t.same(
    supposed.map(({ check }) => check),
    ["posture", "tamper"],
  );
  t.equal(sawOf(rig, "manager", "bob-card"), "An earlier check decided.");
});

t.test("the clock is the controller's, as good as it last said", async (t) => {
  const rig = await startSite(t);
  const text = siteFile().replace(
    '{ id = "ada-card",',
    '{ id = "ada-card", ends_at = 2090-01-01T00:00:00,',
  );
  rig.service.apply(text, "x.toml");
  const clockOf = () => explained(rig).assumes.find((sentence) => /clock/.test(sentence));
  t.equal(explained(rig).wall.quality, "trusted");
  t.equal(clockOf(), "The clock of controller one is trusted.");
  tell(rig, "unknown");
  t.equal(explained(rig).wall.quality, "unknown");
  t.match(explained(rig).explanation.decision, { kind: "denied", reason: "clock_unknown" });
  t.match(explained(rig, "ada-card", madeAt).explanation.decision, { reason: "clock_unknown" });
  t.match(sawOf(rig, "clock"), /^By what the controller said of its clock: the pass is limited/);
  t.match(clockOf(), /^The clock of controller one is unknown, as it said at 20\d\d-.*Z\.$/);
  tell(rig, "holdover");
  t.match(explained(rig), {
    wall: { quality: "holdover" },
    explanation: { decision: { kind: "granted" } },
  });
  rig.broker.deliver(rig.topics.status, encodeStatus({ online: false }));
  t.equal(clockOf(), "The clock of controller one is trusted.", "of one that is away");
});

import t from "tap";
import { doorId, ruleId } from "../../../../src/domain/ids.ts";
import type { FrameRule } from "../../../../src/domain/table-change.ts";
import { parseTableFrame } from "../../../../src/protocols/sync/table-frame.ts";
import { door } from "../../core/sample-table.ts";
import { fullFrame } from "./samples.ts";

function faultOf(raw: unknown): string {
  const parsed = parseTableFrame(raw);
  return parsed.ok ? "" : parsed.fault;
}

const grant: FrameRule = {
  id: ruleId("g"),
  kind: "grant",
  whom: "named_users",
  doors: [doorId("front")],
  zones: [],
};

t.test("a frame with one of everything is read as it was written", async (t) => {
  t.same(parseTableFrame(fullFrame()), { ok: true, value: fullFrame() });
  const asText: unknown = JSON.parse(JSON.stringify(fullFrame()));
  t.same(parseTableFrame(asText), { ok: true, value: fullFrame() });
});

t.test("a frame of an older release is read with what its doors did then", async (t) => {
  const [front] = fullFrame().doors;
  if (front === undefined) throw new Error("no door");
  const { id, name, unlockMs, heldOpenMs, heldOpenWarningMs, strikeOnMaxMs, relock } = front;
  const { factors, secondFactorMs, rex, clockUnknown } = front;
  const old = {
    site: "test",
    controller: "one",
    zone: "Europe/Berlin",
    doors: [
      {
        ...{ id, name, unlockMs, heldOpenMs, heldOpenWarningMs, strikeOnMaxMs, relock },
        ...{ factors, secondFactorMs, rex, clockUnknown },
      },
    ],
    rules: [{ id: "g", doors: ["front"], whom: "named_users" }],
    schedules: [],
  };
  const parsed = parseTableFrame(old);
  t.match(parsed, {
    ok: true,
    value: { calendar: [], zones: [], areas: [], doors: [door("front")], rules: [grant] },
  });
});

t.test("people are no part of a frame", async (t) => {
  t.equal(faultOf({ ...fullFrame(), users: [] }), "users: expected no such field");
  t.equal(
    faultOf({ ...fullFrame(), rules: [{ ...grant, users: ["ada"] }] }),
    "rules.0.users: expected no such field",
  );
});

t.test("what a frame names is in it", async (t) => {
  t.equal(
    faultOf(fullFrame({ rules: [{ ...grant, doors: [doorId("side")] }] })),
    "rules.0.doors: expected ids of doors",
  );
  t.equal(faultOf(fullFrame({ schedules: [] })), "rules.0.schedule: expected the id of a schedule");
  t.equal(faultOf(fullFrame({ areas: [] })), "doors.0.inside: expected the id of an area");
  t.equal(faultOf(fullFrame({ rules: [grant, grant] })), "rules.1.id: expected an id used once");
  const { rules: _, ...without } = fullFrame();
  t.equal(faultOf(without), "rules: expected this field");
});

t.test("nobody but a first person in may be anybody", async (t) => {
  for (const kind of ["grant", "grant_two_factors", "auto_unlock"] as const) {
    t.equal(
      faultOf(fullFrame({ rules: [{ ...grant, kind, whom: "anybody" }] })),
      "rules.0.whom: expected named_users",
    );
  }
  const [schedule] = fullFrame().schedules;
  if (schedule === undefined) throw new Error("no schedule");
  const first: FrameRule = { ...grant, kind: "first_person_in", whom: "anybody" };
  t.equal(faultOf(fullFrame({ rules: [{ ...first, schedule: schedule.id }] })), "");
  t.equal(
    faultOf(fullFrame({ rules: [first] })),
    "rules.0.schedule: expected one that ends what the first person begins",
  );
});

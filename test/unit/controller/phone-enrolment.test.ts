import t from "tap";
import { remoteHandlers } from "../../../src/controller/remote-handlers.ts";
import { content, front, lab, open } from "./door-rig.ts";
import { openMobile, withPhones } from "./mobile-rig.ts";

/** What the site is told that wants a phone enrolled at this reader. */
function enrol(world: ReturnType<typeof open>, reader = front.reader): readonly unknown[] {
  const answers: unknown[] = [];
  const carryOut = remoteHandlers({
    doors: world.controller,
    record: (event) => world.events.push(event),
  });
  carryOut({ kind: "enrol", attempt: "a", reader, forMs: 30_000, expects: "phone" }, (answer) =>
    answers.push(answer),
  );
  return answers;
}

const refused = [{ kind: "refused", detail: "no_radio" }];

t.test("no phone is waited for at a reader without a radio, and that is journalled", async (t) => {
  const world = open(content());
  t.same(enrol(world), refused);
  t.match(world.events.at(-1), { kind: "enrolment", reader: front.reader, outcome: "no_radio" });
});

t.test("nor while its radio is down; another reader's is no matter", async (t) => {
  const world = openMobile(withPhones([]));
  world.radio.fail("no_adapter");
  t.same(enrol(world), refused);
  t.same(enrol(world, lab.reader), [{ kind: "listening" }]);
  world.radio.recover();
  t.same(enrol(world), [{ kind: "listening" }]);
});

t.test("nor while it has nothing to show that it is a reader of the site's", async (t) => {
  t.same(enrol(openMobile(content())), refused);
});

import t from "tap";
import { controllerId, passId } from "../../../src/domain/ids.ts";
import { leftKnownMax, TableRevisions } from "../../../src/site/table-revisions.ts";

const one = controllerId("one");
const [ada, bob] = [passId("ada"), passId("bob")];
const table = (version: number, epoch = 1) => ({ epoch, version, tag: version });

function known() {
  const revisions = new TableRevisions();
  revisions.begin(one, table(1));
  const leftBy = () => [ada, bob].filter((pass) => [...revisions.leftBy(pass)].includes(one));
  return { revisions, leftBy };
}

t.test("who left is known until the table without them is in force, or a later one", async (t) => {
  const { revisions, leftBy } = known();
  revisions.lead(one, table(2), { revision: 2, left: [ada] });
  revisions.lead(one, table(3), { revision: 3, left: [bob] });
  revisions.heard(one, table(1));
  t.same(leftBy(), [ada, bob]);
  revisions.heard(one, { ...table(3), tag: 0 });
  t.same(leftBy(), [ada, bob], "another table of that number");
  revisions.heard(one, table(2));
  t.same(leftBy(), [bob]);
  revisions.heard(one, table(3));
  t.same(leftBy(), []);
});

t.test("who left twice has left with the later table", async (t) => {
  const { revisions, leftBy } = known();
  revisions.lead(one, table(2), { left: [ada] });
  revisions.lead(one, table(3), { left: [bob] });
  revisions.lead(one, table(4), { left: [ada] });
  revisions.heard(one, table(3));
  t.same(leftBy(), [ada]);
});

t.test("a new epoch forgets nobody who left", async (t) => {
  const { revisions, leftBy } = known();
  revisions.lead(one, table(7), { left: [ada] });
  revisions.begin(one, table(1, 2));
  t.same(leftBy(), [ada]);
  revisions.heard(one, table(1, 2));
  t.same(leftBy(), []);
});

t.test("where more left than are known, anybody may have, until it says otherwise", async (t) => {
  const { revisions, leftBy } = known();
  const all = Array.from({ length: leftKnownMax }, (_, pass) => passId(`p${pass}`));
  revisions.lead(one, table(2), { left: all });
  t.same(leftBy(), []);
  revisions.lead(one, table(3), { left: [ada] });
  t.same(leftBy(), [ada, bob]);
  revisions.begin(one, table(1, 2));
  t.same(leftBy(), [ada, bob]);
  revisions.heard(one, table(1, 2));
  t.same(leftBy(), []);
});

import { readFileSync } from "node:fs";
import t from "tap";
import { checks } from "../../../src/core/checks.ts";
import {
  type DenialReason,
  denialReasons,
  reasonSentences,
  seamDenialReasons,
} from "../../../src/domain/reason.ts";

const readme = readFileSync("README.md", "utf8");

/** The cells of each row of the first table under a heading. */
function rowsUnder(heading: string): readonly (readonly string[])[] {
  const [, text = ""] = readme.split(`${heading}\n`);
  const [, table = ""] = /\n\| --- .*\n((?:\|.*\n)+)/.exec(text) ?? [];
  return table
    .trim()
    .split("\n")
    .map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const inCode = (cell: string | undefined): readonly string[] =>
  [...(cell ?? "").matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);

t.test("README's order of checks is the code's", async (t) => {
  const rows = rowsUnder("## The order of checks");
  t.same(
    rows.flatMap(([name]) => inCode(name)),
    checks.map(({ name }) => name),
  );
});

t.test("README gives the reasons in the order in which the checks do", async (t) => {
  const named = rowsUnder("## The order of checks").flatMap(([, , reasons]) => inCode(reasons));
  // A schedule needs the time as a start does; it is told by the same word.
  const inTurn = named.filter((reason, place) => named.indexOf(reason) === place);
  t.same(
    inTurn,
    denialReasons.filter((reason) => inTurn.includes(reason)),
  );
});

t.test("README has each reason, its sentence and what Seam calls it", async (t) => {
  const rows = rowsUnder("### Every reason");
  t.same(
    rows.map(([reason, sentence, seam]) => [...inCode(reason), sentence, ...inCode(seam)]),
    denialReasons.map((reason: DenialReason) => [
      reason,
      reasonSentences[reason],
      seamDenialReasons[reason],
    ]),
  );
});

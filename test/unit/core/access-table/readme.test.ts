import { readFileSync } from "node:fs";
import t from "tap";
import { buildTableImage } from "../../../../src/core/access-table/build-table-image.ts";
import { imageFormat, imageHeaderBytes } from "../../../../src/core/access-table/image-header.ts";
import { imageSections } from "../../../../src/core/access-table/image-sections.ts";
import { partsOfContent } from "../../../../src/core/access-table/table-parts.ts";
import { cardPass, door, rule, tableContent, user } from "../sample-table.ts";

const readme = readFileSync(
  new URL("../../../../src/core/access-table/README.md", import.meta.url),
  "utf8",
);

/** The rows of the table under a heading, without its head. */
function rowsUnder(heading: string): readonly (readonly string[])[] {
  const [, part = ""] = readme.split(`\n## ${heading}\n`);
  const [own = ""] = part.split("\n## ");
  const lines = own.split("\n").filter((line) => line.startsWith("| "));
  return lines.slice(2).map((line) =>
    line
      .split("|")
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
}

t.test("the README tells the sections as they are", async (t) => {
  const told = rowsUnder("Sections").map(([name, element]) => [name, element]);
  const known = imageSections.map(({ name, element }) => [`\`${name}\``, element]);
  t.same(told, known);
});

t.test("the README tells the header as an image has it", async (t) => {
  const rows = rowsUnder("Header");
  const placeOf = (what: string): number => {
    const row = rows.find(([, , told]) => told?.startsWith(what) === true);
    return Number(row?.[0]);
  };
  t.ok(readme.includes(`\n${imageHeaderBytes} bytes.\n`));
  t.equal(placeOf("SHA-256 of all before it"), imageHeaderBytes - 32);
  const rowBytes = 40;
  t.equal(placeOf("section table") + imageSections.length * rowBytes, imageHeaderBytes - 32);

  const content = tableContent({
    doors: [door("front")],
    users: [user("ada"), user("bob"), user("cleo")],
    passes: [cardPass("a", "ada", "8:01"), cardPass("b", "ada", "8:02")],
    rules: [rule("one", ["ada"], ["front"])],
  });
  const mark = { epoch: 3, version: 14, tag: 0xfeed };
  const { compiledAt } = content;
  const image = buildTableImage({ mark, compiledAt, ...partsOfContent(content) }, [5, 6]);
  const view = new DataView(image.buffer);
  t.equal(Buffer.from(image.subarray(0, 8)).toString(), "PSTNTBL\n");
  const words: readonly (readonly [string, number])[] = [
    ["format", imageFormat],
    ["bytes of the whole image", image.length],
    ["tag", 0xfeed],
    ["key of the credential index", 5],
    ["passes", 2],
    ["users", 3],
    ["rules", 1],
    ["profiles", 2],
    ["unit", 60_000],
    ["sections", imageSections.length],
    ["zero", 0],
  ];
  for (const [what, value] of words) t.equal(view.getUint32(placeOf(what), true), value, what);
  const doubles: readonly (readonly [string, number])[] = [
    ["epoch", 3],
    ["version", 14],
    ["when", compiledAt],
  ];
  for (const [what, value] of doubles) t.equal(view.getFloat64(placeOf(what), true), value, what);
});

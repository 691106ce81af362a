import { readdirSync, readFileSync } from "node:fs";
import t from "tap";

const folder = new URL("./", import.meta.url);
const readme = readFileSync(
  new URL("../../../../src/protocols/mobile-pass/README.md", import.meta.url),
  "utf8",
);

const testNames = new Map(
  readdirSync(folder)
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => [file, readFileSync(new URL(file, folder), "utf8")]),
);

/** The last column of the table of attacks: `name · name (file)`. */
const rows = readme
  .slice(readme.indexOf("## Attacks"))
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
  .slice(1)
  .map((line) => line.split(" | "));

t.test("every attack of the table has a test, and every test that it names is there", async (t) => {
  t.ok(rows.length >= 15, `${rows.length} attacks`);
  for (const [attack = "", , shownBy = ""] of rows) {
    for (const named of shownBy.replace(/ \|$/, "").split(" · ")) {
      if (named.startsWith("`npm run fuzz -- mobile-pass")) continue;
      const [, name = "", file = "attacks.test.ts"] =
        /^(.*?)(?: \(([a-z-]+\.test\.ts)\))?$/.exec(named) ?? [];
      const text = testNames.get(file) ?? "";
      t.ok(name.length > 10 && text.includes(`"${name}`), `${attack}: ${name}`);
    }
  }
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bitsOf } from "./rig-world.ts";

const baseFile = join(import.meta.dirname, "config/rig-site.toml");

/** Visitors who are in the table at a time: each change brings one and takes one away. */
const visitorCount = 3;

/** Where visitors' numbers begin: nobody else's of this site. */
const firstNumber = 20_000;

const limited = { format: "H10301", fields: { facility: 12, number: 19_999 } };

/** The card that opens only so often, whatever becomes of the power. */
export const limitedSlots: string = bitsOf(limited);

/** The rig's site with a pass that opens `uses` times, and the visitors of change number `change`. */
export function changedSite(change: number, uses: number): string {
  const visitors = Array.from({ length: visitorCount }, (_, index) => change + index);
  const ids = visitors.map((visitor) => `"visitor-${visitor}"`).join(", ");
  const card = (number: number) => `{ format = "H10301", facility = 12, number = ${number} }`;
  const people = visitors.map(
    (visitor) => `
[[users]]
id = "visitor-${visitor}"
name = "Visitor ${visitor}"

[[passes]]
id = "visitor-${visitor}-card"
user = "visitor-${visitor}"
kind = "csn_card"
card = ${card(firstNumber + visitor)}
`,
  );
  return `${readFileSync(baseFile, "utf8")}
[[users]]
id = "guest"
name = "A guest"

[[passes]]
id = "guest-card"
user = "guest"
kind = "csn_card"
card = ${card(limited.fields.number)}
uses = ${uses}

[[rules]]
id = "visitors"
users = ["guest", ${ids}]
doors = ["front", "lab"]
${people.join("")}`;
}

import type { Seeded } from "../../../../hal/sim/seeded.ts";

/** What a tired person, a bad merge or a full disk make of a file. */
export function brokenFile(text: string, random: Seeded): string {
  let broken = text;
  for (let count = random.between(1, 3); count > 0; count -= 1) broken = brokenOnce(broken, random);
  return broken;
}

function brokenOnce(text: string, random: Seeded): string {
  const lines = text.split("\n");
  const at = random.between(0, lines.length - 1);
  const line = lines[at] ?? "";
  const other = random.between(0, lines.length - 1);
  switch (random.between(0, 8)) {
    case 0:
      return lines.toSpliced(at, 1).join("\n");
    case 1:
      return lines.toSpliced(at, 0, line).join("\n");
    case 2:
      return text.slice(0, random.between(0, text.length));
    case 3:
      return lines.toSpliced(at, 1, line.replace(/=.*/, `= ${otherValue(random)}`)).join("\n");
    case 4:
      return lines
        .with(at, lines[other] ?? "")
        .with(other, line)
        .join("\n");
    case 5:
      return lines.with(at, line.replace(/[a-z]/, "")).join("\n");
    case 6: {
      const place = random.between(0, text.length);
      return text.slice(0, place) + strayText(random) + text.slice(place + random.between(0, 2));
    }
    case 7:
      return text.replaceAll("\n", "\r\n");
    default:
      return `${text}\n${text.slice(random.between(0, text.length))}`;
  }
}

function otherValue(random: Seeded): string {
  return random.pick([
    "0",
    "-1",
    "3.5",
    "nan",
    "inf",
    "1e300",
    "9007199254740991",
    '""',
    '"x"',
    '"\\u0000"',
    "true",
    "[]",
    "[[]]",
    '[1, "a"]',
    "{}",
    "{ a = 1 }",
    "{ format = 1 }",
    "1979-05-27",
    "07:32:00",
    "1979-05-27T07:32:00Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00",
    '["front"]',
    "'''\n\n'''",
    "[\n\n{ id = 1 }]",
    '"nowhere"',
    "",
  ]);
}

function strayText(random: Seeded): string {
  return random.pick([
    '"',
    "'",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "\\",
    "\u0000",
    "\uD800",
    "\uFEFF",
    "é",
    '"""',
    "'''",
    "[x]\n",
    "\nx = 1\n",
    "\u2028",
  ]);
}

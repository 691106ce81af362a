import { parse } from "smol-toml";
import t from "tap";
import { Seeded, seedFor } from "../../../../hal/sim/seeded.ts";
import { locateKeys } from "../../../../src/protocols/toml/key-lines.ts";
import type { KeyPath } from "../../../../src/protocols/toml/key-path.ts";

/** Every leaf that is a number says the line that it stands on: the file is its own truth. */
function misplaced(text: string): readonly string[] {
  const lines = locateKeys(text);
  const wrong: string[] = [];
  const visit = (value: unknown, path: KeyPath): void => {
    if (typeof value === "number") {
      const line = lines.lineOf(path);
      if (line !== value) wrong.push(`${JSON.stringify(path)} is on ${value}, not ${line}`);
    } else if (typeof value === "object" && value !== null) {
      const isList = Array.isArray(value);
      for (const [key, item] of Object.entries(value))
        visit(item, [...path, isList ? Number(key) : key]);
    }
  };
  visit(parse(text), []);
  return wrong;
}

t.test("each key is found on its line, however TOML lets it be written", async (t) => {
  const text = `# a comment with [brackets] = 'and "quotes
a = 2
b.c . "d.e" = 3 # c = 99
'literal key' = 4
"esc\\u0061ped\\"=" = 5
text = "a # no comment, \\" no end, [ no list"
after = 7
`;
  t.same(misplaced(text), []);
  t.same(
    misplaced("\uFEFFa = 1\r\nb = 2\r\n\r\n[c]\r\nd = 5\r\n"),
    [],
    "byte order mark and CR LF",
  );
  t.same(
    misplaced(`long = """
one = 99
two \\""" three ""\\"
"""
after = 5
literal = '''
''still = 99
\\'''
last = 9
quotes = """"two more at the end"""""
end = 11
list = ["""x"""""
, 13, '''y''''
, 14
, 15]
empty = ""
empty2 = ''
empty3 = """"""
end2 = 19
`),
    [],
    "strings of many lines",
  );
  t.same(
    misplaced(`list = [
  2, # ] = 99
  { a = 3, b = [ 3,
    4 ], c.d = 4 }, [
    5,
    [],
    [[7]], ],
  "]", ']', 8,
]
inline = { x = 10, y = { z = 10 }, "q,}" = 10 }
`),
    [],
    "lists and inline tables",
  );
  t.same(
    misplaced(`[[readers]]
id = 2
[readers.red]
line = 4
[[readers.lamps]]
on = 6
[[readers.lamps]]
on = 8
[[readers]]
red.line = 10
[[readers.lamps]]
on = 12
[ other . "table" ]
x = 14
[other]
y = 16
[a.b.c]
z = 18
[a.b]
w = 20
`),
    [],
    "tables and lists of tables",
  );
});

t.test("what stands nowhere is told by the nearest thing around it", async (t) => {
  const { lineOf } = locateKeys(
    "x = 1\n\n[[doors]]\nid = 1\n\n[doors.strike]\nline = 2\n\n[[doors]]\n",
  );
  t.equal(lineOf(["doors", 0, "strike", "lock"]), 6, "the table's header");
  t.equal(lineOf(["doors", 0, "position", "line"]), 3, "the door's header");
  t.equal(lineOf(["doors", 1, "id"]), 9);
  t.equal(lineOf(["readers"]), 1, "the file");
  t.equal(lineOf([]), 1);
});

t.test("a header tells a table's place, though a table within it came first", async (t) => {
  const { lineOf } = locateKeys("[a.b]\n\n[a]\n");
  t.equal(lineOf(["a", "x"]), 3);
  t.equal(lineOf(["a", "b", "x"]), 1);
});

/** Writes a random file in which each number is the line it stands on. */
class RandomToml {
  text = "";
  private line = 1;
  private keyCount = 0;
  private readonly random: Seeded;

  constructor(random: Seeded) {
    this.random = random;
    this.statements();
    let table = "";
    for (let index = 0; index < 12; index += 1) table = this.header(table);
  }

  private put(text: string): void {
    this.text += text;
    this.line += text.split("\n").length - 1;
  }

  private newKey(): string {
    this.keyCount += 1;
    const name = `k${this.keyCount}`;
    return this.random.pick([name, `"${name} = ["`, `'${name}#'`, `"\\u0041${name}"`, `a-${name}`]);
  }

  /** A new table, or list element; sometimes below the one before. */
  private header(before: string): string {
    const below = before !== "" && this.random.chance(0.4) ? `${before}.` : "";
    const isElement = this.random.chance(0.5);
    const isAgain = isElement && this.random.chance(0.5) && /list\d+$/.test(before);
    this.keyCount += 1;
    const fresh = `${below}${isElement ? "list" : "table"}${this.keyCount}`;
    const name = isAgain ? before : fresh;
    this.put(isElement ? `[[ ${name}]]\n` : `[${name} ] # [no]\n`);
    this.statements();
    return name;
  }

  private statements(): void {
    for (let count = this.random.between(0, 4); count > 0; count -= 1) {
      if (this.random.chance(0.3)) this.put(this.random.pick(["\n", "# x = [1\n", "  \n\n"]));
      this.put(this.newKey());
      if (this.random.chance(0.2)) this.put(` . ${this.newKey()}`);
      this.put(this.random.pick(["=", " = "]));
      this.value(3);
      this.put(this.random.pick(["\n", " # y\n", "\n\n"]));
    }
  }

  private value(depth: number): void {
    const kind = this.random.between(0, depth > 0 ? 9 : 5);
    if (kind <= 3) this.put(String(this.line));
    else if (kind === 4)
      this.put(this.random.pick(['"#]}\\""', "'\\'", "true", "1979-05-27 07:32:00"]));
    else if (kind === 5) this.put(this.random.pick(['"""\n"" \\""" x = 9\n"""', "'''\n\n'' '''"]));
    else if (kind <= 7) this.list(depth - 1);
    else this.inlineTable(depth - 1);
  }

  private list(depth: number): void {
    const blank = () => this.put(this.random.pick(["", " ", "\n", " # ] [\n"]));
    this.put("[");
    for (let count = this.random.between(0, 4); count > 0; count -= 1) {
      blank();
      this.value(depth);
      blank();
      this.put(",");
    }
    blank();
    this.put("]");
  }

  private inlineTable(depth: number): void {
    this.put("{");
    for (
      let count = this.random.between(0, 3), first = true;
      count > 0;
      count -= 1, first = false
    ) {
      if (!first) this.put(", ");
      this.put(`${this.newKey()} = `);
      this.value(depth);
    }
    this.put("}");
  }
}

t.test("in random files every key is found on its line", async (t) => {
  const seed = seedFor(process.env["SEED"]);
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  for (let run = 0; run < 400; run += 1) {
    const { text } = new RandomToml(random);
    const wrong = misplaced(text);
    if (wrong.length > 0) t.fail(`SEED=${seed} run ${run}: ${wrong.join("; ")}\n${text}`);
  }
});

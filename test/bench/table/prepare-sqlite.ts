// `prepare-sqlite.ts FOLDER PASSES` makes the files that sqlite-table.ts loads, and says how long it
// took and how large one is.
import { copyFileSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { fillSite } from "../decision/sqlite-site.ts";
import type { Prepared } from "./prepared.ts";
import { sqliteFiles } from "./sqlite-table.ts";

const [folder = "", passWord = ""] = process.argv.slice(2);
const toRead = join(folder, sqliteFiles.read);
const startedAt = performance.now();
const database = new Database(toRead);
fillSite(database, Number(passWord));
// Dense: filled in the order of its cards' numbers, a third of it would be empty.
database.exec("VACUUM");
database.close();
const builtMs = performance.now() - startedAt;
copyFileSync(toRead, join(folder, sqliteFiles.asked));
const withLog = new Database(join(folder, sqliteFiles.asked));
withLog.pragma("journal_mode = WAL");
withLog.close();
const prepared: Prepared = { builtMs, fileBytes: statSync(toRead).size };
process.stdout.write(JSON.stringify(prepared));

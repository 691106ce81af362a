import process from "node:process";
import { pathToFileURL } from "node:url";
import { repositoryRoot, setUpOrExit } from "./setup.mjs";

await setUpOrExit({ build: true });

// Imported, not spawned: a signal to this process is a signal to postern, with no chain of parents
// that could swallow it or die first.
const main = `${repositoryRoot}dist/src/main.js`;
process.argv = [process.argv[0] ?? "node", main, "up", ...process.argv.slice(2)];
await import(pathToFileURL(main).href);

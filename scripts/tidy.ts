// `npm run tidy`: the rules of the house that no compiler knows.
import process from "node:process";
import { repositoryRoot } from "./setup.mjs";
import { describeBreaches, tidyTree } from "./tidy/tidy-tree.ts";

const breaches = tidyTree(repositoryRoot);
process.stdout.write(describeBreaches(breaches));
process.stdout.write(breaches.length === 0 ? "tidy\n" : `${breaches.length} breaches\n`);
process.exitCode = breaches.length === 0 ? 0 : 1;

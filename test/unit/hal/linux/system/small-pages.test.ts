import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { keepSmallPages } from "../../../../../hal/linux/system/small-pages.ts";
import { repositoryRoot } from "../../../../../scripts/setup.mjs";

const built = join(repositoryRoot, "hal/linux/system/build/postern_system.node");
const told = (): string | undefined =>
  /^THP_enabled:\s*([01])$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];

t.test(
  "the kernel makes no huge pages of a process that keeps its own small",
  { skip: !existsSync(built) && "postern_system.node is not compiled here (npm run native)" },
  async (t) => {
    const before = told();
    keepSmallPages();
    t.equal(told(), before === undefined ? undefined : "0");
  },
);

import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { createTimeSync } from "../../hal/linux/time-sync.ts";
import { SimTimeSync } from "../../hal/sim/sim-time-sync.ts";
import { timeSyncConformance } from "./time-sync-conformance.ts";

t.test("a time source that tests play", async (t) => {
  timeSyncConformance(t, () => {
    const timeSync = new SimTimeSync();
    return {
      timeSync,
      become: (state) => {
        timeSync.answer = state;
      },
    };
  });
});

t.test("the machine's time source", async (t) => {
  timeSyncConformance(t, (t) => {
    const folder = mkdtempSync(join(tmpdir(), "postern-conformance-"));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "synchronized");
    const missing = join(folder, "missing");
    const timeSync = createTimeSync({
      timedatectl: missing,
      chronyc: missing,
      timesyncdFile: file,
    });
    return {
      timeSync,
      become: (state) => {
        rmSync(file, { force: true });
        if (state === "absent") return;
        writeFileSync(file, "");
        if (state === "unsynchronised") utimesSync(file, 0, 0);
      },
    };
  });
});

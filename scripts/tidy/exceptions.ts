import type { RuleName } from "./breach.ts";

export interface Exception {
  readonly file: string;
  readonly rule: RuleName;
  readonly reason: string;
}

/** Each with the reason that would have to fall away for it to go. One that nothing needs is a breach. */
export const exceptions: readonly Exception[] = [
  {
    file: "hal/linux/system-clock.ts",
    rule: "timer",
    reason: "it is the implementation of Clock that runs on the event loop",
  },
  {
    file: "src/compose/supervisor.ts",
    rule: "timer",
    reason: "it restarts processes and has no board whose Clock it could use",
  },
  {
    file: "src/compose/up.ts",
    rule: "timer",
    reason:
      "it waits for the processes of an earlier run, and has no board whose Clock it could use",
  },
  {
    file: "test/e2e/stack.ts",
    rule: "sleep",
    reason: "it asks other processes again and again; nothing of theirs could be awaited",
  },
  {
    file: "test/e2e/kill.test.ts",
    rule: "sleep",
    reason: "a kill comes at a random moment: that is what is tested",
  },
  {
    file: "test/e2e/rules.test.ts",
    rule: "sleep",
    reason: "a kill comes at a random moment: that is what is tested",
  },
  {
    file: "test/e2e/table-kill.test.ts",
    rule: "sleep",
    reason: "a kill comes at a random moment: that is what is tested",
  },
  {
    file: "test/unit/controller/table-store-kill.test.ts",
    rule: "sleep",
    reason: "a kill comes at a random moment: that is what is tested",
  },
  {
    file: "scripts/setup.mjs",
    rule: "timer",
    reason: "it reports progress before anything is installed",
  },
  {
    file: "scripts/set-up-lock.mjs",
    rule: "timer",
    reason: "it waits for another process, before anything is installed",
  },
];

import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What the shipped unit gives the daemon's Node to live on, for what runs in the guest without systemd.
 * Throws where the unit has no such lines any more.
 */
export function unitSettings(program: string): {
  readonly env: Readonly<Record<string, string>>;
  readonly nice: number;
} {
  const unit = readFileSync(join(program, "systemd/postern-controller.service"), "utf8");
  const [line] = /^Environment=.*NODE_OPTIONS=.*$/m.exec(unit) ?? [];
  const words = [
    ...(line ?? "")
      .replace(/^Environment=/, "")
      .matchAll(/"([A-Z_]+)=([^"]*)"|([A-Z_]+)=([^" ]+)/g),
  ];
  const all = words.map(([, quoted, text, bare, word]) => [quoted ?? bare, text ?? word] as const);
  const env = Object.fromEntries(all.filter(([name]) => name !== undefined));
  if (env["NODE_OPTIONS"] === undefined) throw new Error("the unit has no NODE_OPTIONS");
  const nice = /^Nice=(-?[0-9]+)$/m.exec(unit)?.[1];
  if (nice === undefined) throw new Error("the unit has no Nice");
  return { env, nice: Number(nice) };
}

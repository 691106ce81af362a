import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What the shipped unit gives the daemon's Node to live on, for what runs in the guest without systemd.
 * Throws where the unit has no such line any more.
 */
export function unitEnvironment(program: string): Readonly<Record<string, string>> {
  const unit = readFileSync(join(program, "systemd/postern-controller.service"), "utf8");
  const [line] = /^Environment=.*NODE_OPTIONS=.*$/m.exec(unit) ?? [];
  const words = [
    ...(line ?? "")
      .replace(/^Environment=/, "")
      .matchAll(/"([A-Z_]+)=([^"]*)"|([A-Z_]+)=([^" ]+)/g),
  ];
  const all = words.map(([, quoted, text, bare, word]) => [quoted ?? bare, text ?? word] as const);
  const environment = Object.fromEntries(all.filter(([name]) => name !== undefined));
  if (environment["NODE_OPTIONS"] === undefined) throw new Error("the unit has no NODE_OPTIONS");
  return environment;
}

import type { TableDelta } from "../../../../src/domain/table-change.ts";
import { epochMs } from "../../../../src/domain/time.ts";
import type { TransferEffect } from "../../../../src/protocols/sync/transfer-state.ts";
import type { SiteWord } from "./paper-table-site.ts";
import { TransferWorld } from "./transfer-world.ts";

/** A controller that has the site's table, on a good line. */
export function settled(): TransferWorld {
  const world = new TransferWorld(1);
  world.up();
  world.advance(60_000);
  if (!world.isThere()) throw new Error("it did not come to the site's table");
  forget(world);
  return world;
}

export function forget(world: TransferWorld): void {
  world.gets.length = 0;
  world.acks.length = 0;
  world.effects.length = 0;
}

/** What the site would answer to a request for a snapshot. */
export function manifestOf(world: TransferWorld): SiteWord {
  world.site.answer({ want: "snapshot" });
  const manifest = world.heard.at(-1);
  if (manifest?.kind !== "manifest") throw new Error("no manifest");
  return manifest;
}

export const kinds = (world: TransferWorld): readonly TransferEffect["kind"][] =>
  world.effects.map(({ kind }) => kind);

export const wants = (world: TransferWorld): readonly string[] =>
  world.gets.map(({ want }) => want);

/** Far ahead of what the controller has. */
export function deltaTo(world: TransferWorld, version: number): TableDelta {
  const { epoch } = world.site.mark;
  return {
    from: { epoch, version: version - 1, tag: version - 1 },
    to: { epoch, version, tag: version },
    compiledAt: epochMs(0),
    changes: [],
  };
}

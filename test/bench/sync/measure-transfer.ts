import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readings } from "../readings.ts";
import type { ControllersPart } from "./controllers-part.ts";
import type { ImageSitePart } from "./image-site-part.ts";
import { PartProcess } from "./part-process.ts";
import { rest } from "./rest.ts";

export interface Transferred {
  readonly imageBytes: number;
  /** Of the first transfer, for which the site makes the image. */
  readonly madeMs: number;
  /**
   * Of those after it: from a controller without a table that begins to connect until its table is in
   * force, which it has fetched in chunks, written, verified and taken into use.
   */
  readonly wholeMs: Readings;
  /** Of a process that has fetched a table and had none before. */
  readonly peakBytes: number;
}

export interface TransferSize {
  readonly passCount: number;
  readonly times: number;
  /** Between two, in which the site's limits forget the one before. */
  readonly restMs: number;
}

/** Each transfer to a controller process of its own, with a folder of its own on a disk. */
export async function measureTransfer(
  brokerUrl: string,
  { passCount, times, restMs }: TransferSize,
): Promise<Transferred> {
  const folder = await mkdtemp(join(tmpdir(), "postern-bench-"));
  const siteWords = [join(folder, "site"), brokerUrl, passCount];
  const siteScript = new URL("./image-site-part.ts", import.meta.url);
  const hostScript = new URL("./controllers-part.ts", import.meta.url);
  const site = new PartProcess<ImageSitePart>(siteScript, siteWords);
  try {
    const provision = await site.ask("provision", undefined);
    const fetchOnce = async (name: string) => {
      const host = new PartProcess<ControllersPart>(hostScript, [brokerUrl]);
      try {
        const one = { controller: name, provision, folder };
        const [tookMs = Number.NaN] = await host.ask("open", [one]);
        return { tookMs, peakBytes: await host.ask("peakBytes", undefined) };
      } finally {
        await host.end();
      }
    };
    const { tookMs: madeMs } = await fetchOnce("first");
    const wholeMs = new Readings();
    const peaks = new Readings();
    for (let time = 0; time < times; time += 1) {
      await rest(restMs);
      const { tookMs, peakBytes } = await fetchOnce(`again-${time}`);
      wholeMs.add(tookMs);
      peaks.add(peakBytes);
    }
    const imageBytes = await site.ask("imageBytes", undefined);
    return { imageBytes, madeMs, wholeMs, peakBytes: peaks.max() };
  } finally {
    await site.end();
    await rm(folder, { recursive: true, force: true });
  }
}

import { open } from "node:fs/promises";
import { tool } from "./tool.ts";

/** Enough for a controller's state with a large table twice. */
const diskBytes = 256 * 1024 * 1024;

/** An empty ext4 file system, as an SD card's; sparse on the host. */
export async function makeDisk(file: string): Promise<void> {
  const image = await open(file, "w");
  try {
    await image.truncate(diskBytes);
  } finally {
    await image.close();
  }
  await tool("mkfs.ext4", ["-q", "-F", file]);
}

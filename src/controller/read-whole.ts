import { open } from "node:fs/promises";
import { isMissing } from "../domain/failure-code.ts";

/** Of one reading. */
const attemptsMax = 3;

/**
 * All of a file of at most `bytesMax`, in a buffer that is its alone and can go to another thread.
 * Rejects with the file system's error.
 */
export function readWhole(file: string, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  return insist(async () => {
    const handle = await open(file, "r");
    try {
      const { size } = await handle.stat();
      if (size > bytesMax) throw new Error(`${size} bytes, at most ${bytesMax}`);
      const bytes = new Uint8Array(size);
      for (let done = 0; done < size; ) {
        const { bytesRead } = await handle.read(bytes, done, size - done, done);
        if (bytesRead === 0) throw new Error(`it ended after ${done} of ${size} bytes`);
        done += bytesRead;
      }
      return bytes;
    } finally {
      await handle.close();
    }
  });
}

/** A disk that fails once may not fail the next time; a missing file is missing. */
export async function insist<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = attemptsMax - 1; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || isMissing(error)) throw error;
    }
  }
}

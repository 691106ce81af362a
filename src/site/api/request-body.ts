import { fail, type Result, succeed } from "../../domain/result.ts";
import { type ApiFault, inputFault } from "./api-fault.ts";

/** The longest JSON that is taken: a rule for a whole site's people fits. */
export const jsonBytesMax = 1_024 * 1_024;

/**
 * The text of a body. It is read no further than `bytesMax`, whatever the client said of its length.
 */
export async function readText(
  request: Request,
  bytesMax: number,
): Promise<Result<string, ApiFault>> {
  const chunks: Uint8Array[] = [];
  let bytes = Number(request.headers.get("content-length") ?? 0) > bytesMax ? bytesMax + 1 : 0;
  const body: ReadableStream<Uint8Array> | null = request.body;
  const reader = body?.getReader();
  try {
    while (reader !== undefined && bytes <= bytesMax) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      bytes += value.byteLength;
    }
  } catch {
    // The client went away, or lied about its length: nobody reads the answer.
    return fail(inputFault({ "": ["expected a whole body"] }));
  } finally {
    reader?.releaseLock();
  }
  if (bytes > bytesMax) {
    return fail({
      status: 413,
      type: "payload_too_large",
      message: `A body may have ${bytesMax} bytes here.`,
    });
  }
  try {
    return succeed(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)));
  } catch {
    return fail(inputFault({ "": ["expected a body in UTF-8"] }));
  }
}

import type { EdgeNs } from "../../src/domain/time.ts";
import type { SimBoard, SimBoardState } from "./sim-board.ts";

/**
 * Who cannot read as fast as doors move is told no more at this backlog, and the stream ends behind it:
 * memory is not a queue. A browser then connects anew and begins with the whole board.
 */
export const streamBacklogMax = 256;

/** Streams at a time; one more is refused. */
export const streamClientsMax = 64;

/** Clients now, by board. */
const clientCounts = new WeakMap<SimBoard, number>();

/**
 * The board as server-sent events: the whole of it at once, then the whole after each change. `atNs` is
 * the instant of the change on its line, on the clock that stamps edges, and not that of sending.
 * Undefined when there are too many clients.
 */
export function boardStream(board: SimBoard): Response | undefined {
  const count = clientCounts.get(board) ?? 0;
  if (count >= streamClientsMax) return undefined;
  clientCounts.set(board, count + 1);
  const encoder = new TextEncoder();
  const event = (state: SimBoardState, at: EdgeNs, changed: string | null) =>
    encoder.encode(`data: ${JSON.stringify({ ...state, atNs: at, changed })}\n\n`);

  let stopWatching: (() => void) | undefined;
  const leave = () => {
    if (stopWatching === undefined) return;
    stopWatching();
    stopWatching = undefined;
    clientCounts.set(board, (clientCounts.get(board) ?? 1) - 1);
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        stopWatching = board.watch({
          changed: ({ state, at, changed }) => {
            if (stopWatching === undefined) return;
            if ((controller.desiredSize ?? 0) > 0) {
              controller.enqueue(event(state, at, changed));
              return;
            }
            leave();
            controller.close();
          },
          closed: () => {
            leave();
            controller.close();
          },
        });
        controller.enqueue(event(board.state(), board.gpio.nowNs(), null));
      },
      cancel: leave,
    },
    new CountQueuingStrategy({ highWaterMark: streamBacklogMax }),
  );
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
}

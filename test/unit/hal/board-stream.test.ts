import t from "tap";
import { createBoardFace } from "../../../hal/sim/board-face.ts";
import { streamBacklogMax, streamClientsMax } from "../../../hal/sim/board-stream.ts";
import type { SimBoardState } from "../../../hal/sim/sim-board.ts";
import { doorId } from "../../../src/domain/ids.ts";
import { doorOf, openRig, readerOf } from "./sim-rig.ts";

function openFace() {
  const rig = openRig();
  return { ...rig, face: createBoardFace(rig.sim) };
}

type StreamEvent = SimBoardState & { readonly atNs: number; readonly changed: string | null };

async function openStream(face: ReturnType<typeof createBoardFace>) {
  const response = await face.request("/sim/stream");
  const reader = response.body?.getReader();
  if (reader === undefined) throw new Error("no body");
  const next = async (): Promise<StreamEvent | undefined> => {
    const { done, value } = await reader.read();
    if (done) return undefined;
    const text = new TextDecoder().decode(value);
    const match = /^data: (\{.*\})\n\n$/.exec(text);
    if (match?.[1] === undefined) throw new Error(`not one event: ${text}`);
    return JSON.parse(match[1]) as StreamEvent;
  };
  return { response, next, leave: () => reader.cancel() };
}

t.test("the stream begins with the whole board and tells each change and its time", async (t) => {
  const { face, board, clock, sim } = openFace();
  const { response, next, leave } = await openStream(face);
  t.equal(response.headers.get("content-type"), "text/event-stream");
  t.match(await next(), { ...sim.state(), changed: null, atNs: clock.monotonic() * 1e6 });
  const releasedAt = clock.monotonic() * 1e6;
  doorOf(board, "front").strike.drive("released");
  clock.stall(1_000);
  t.match(await next(), {
    changed: "doors.front.strike",
    atNs: releasedAt,
    doors: { front: { strike: "released" }, lab: { strike: "secured" } },
  });
  readerOf(board, "lab").indicator.show({ kind: "steady", light: "green" });
  t.match(await next(), { changed: "readers.lab.led", readers: { lab: { led: "green" } } });
  readerOf(board, "front").indicator.beep(10);
  t.match(await next(), { changed: "readers.front.beeper", readers: { front: { beeper: "on" } } });
  sim.setRex(doorId("front"), "pressed");
  t.match(await next(), { changed: "doors.front.rex" });
  sim.setAlarm({ kind: "fire" }, "raised");
  t.match(await next(), { changed: "fire", fire: { state: "raised" } });
  sim.setWire({ kind: "contact", door: doorId("front") }, "cut");
  t.match(await next(), { changed: "doors.front.wires" });
  await leave();
});

t.test("closing the board ends the stream", async (t) => {
  const { face, sim } = openFace();
  const { next } = await openStream(face);
  await next();
  sim.close();
  t.equal(await next(), undefined);
});

t.test("a client that falls behind is dropped and the others are not", async (t) => {
  const { face, board } = openFace();
  const slow = await openStream(face);
  const quick = await openStream(face);
  await quick.next();
  for (let count = 0; count < streamBacklogMax + 5; count += 1) {
    doorOf(board, "front").strike.drive(count % 2 === 0 ? "released" : "secured");
    t.equal((await quick.next())?.changed, "doors.front.strike");
  }
  let left = 0;
  while ((await slow.next()) !== undefined) left += 1;
  t.equal(left, streamBacklogMax, "it has what was kept for it, and then the end");
  await quick.leave();
});

t.test("clients that leave make room for others", async (t) => {
  const { face } = openFace();
  const streams = [];
  for (let count = 0; count < streamClientsMax; count += 1) streams.push(await openStream(face));
  const one = await face.request("/sim/stream");
  t.equal(one.status, 503);
  t.match(await one.json(), { ok: false, error: { field: "stream" } });
  await streams[0]?.leave();
  const { response, leave } = await openStream(face);
  t.equal(response.status, 200);
  await leave();
  for (const stream of streams.slice(1)) await stream.leave();
});

import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { SimServiceManager } from "../../../hal/sim/sim-service-manager.ts";
import { EngineSilence } from "../../../src/compose/engine-silence.ts";
import { WatchdogPulse } from "../../../src/compose/watchdog-pulse.ts";
import type { EngineMessage, EngineRequest } from "../../../src/site/engine-messages.ts";
import { ThreadedEngine } from "../../../src/site/threaded-engine.ts";
import { LogText } from "../site/site-rig.ts";

/** A site under the watchdog of its unit, whose engine's thread is played. */
function watched() {
  const clock = new SimClock();
  const log = new LogText();
  const thread = { isHung: false, asked: [] as EngineRequest[] };
  let say: (message: EngineMessage) => void = () => undefined;
  const answer = (request: EngineRequest): void => {
    if (request.kind === "ask") say({ kind: "answer", number: request.number, value: [] });
  };
  const engine = new ThreadedEngine(
    {
      say: (request) => {
        thread.asked.push(request);
        if (!thread.isHung) answer(request);
      },
      hear: (take) => {
        say = take;
      },
    },
    { events: () => undefined, controllerChanged: () => undefined },
  );
  const service = new SimServiceManager({ clock, watchdogMs: 120_000 });
  service.ready();
  const silence = new EngineSilence({ engine, clock, log });
  const pulse = new WatchdogPulse({ service, clock, overdueMs: () => silence.overdueMs() });
  const goOn = (): void => {
    thread.isHung = false;
    thread.asked.forEach(answer);
  };
  const close = (): void => {
    pulse.close();
    silence.close();
  };
  return { clock, log, thread, engine, service, goOn, close };
}

t.test("a site whose engine answers is alive, and asks it no more than it must", async (t) => {
  const { clock, log, thread, service, close } = watched();
  for (let minute = 0; minute < 10; minute += 1) await clock.elapse(60_000);
  t.notOk(service.isOverdue());
  t.ok(thread.asked.length > 30 && thread.asked.length <= 60, `${thread.asked.length}`);
  t.equal(log.text, "");
  close();
});

t.test("a site whose engine hangs is killed, and one that took long is not", async (t) => {
  const { clock, log, thread, service, goOn, close } = watched();
  thread.isHung = true;
  for (let second = 0; second < 120; second += 1) await clock.elapse(1_000);
  goOn();
  for (let minute = 0; minute < 5; minute += 1) await clock.elapse(60_000);
  t.notOk(service.isOverdue());
  t.equal(log.text, "");
  thread.isHung = true;
  for (let second = 0; second < 300; second += 1) await clock.elapse(1_000);
  t.ok(service.isOverdue());
  t.match(log.text, "the site's engine does not answer");
  t.equal(log.text.match(/does not answer/g)?.length, 1, "once");
  close();
});

t.test("an engine whose thread has ended does not hang: that is told elsewhere", async (t) => {
  const { clock, engine, service, close } = watched();
  const opened = t.rejects(engine.opened, { message: "gone" });
  engine.ended(new Error("gone"));
  await opened;
  for (let minute = 0; minute < 10; minute += 1) await clock.elapse(60_000);
  t.notOk(service.isOverdue());
  close();
});

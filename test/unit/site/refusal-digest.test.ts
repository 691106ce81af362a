import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { controllerId } from "../../../src/domain/ids.ts";
import { digestMs, RefusalDigest } from "../../../src/site/refusal-digest.ts";
import { LogText, one } from "./site-rig.ts";

function openDigest() {
  const clock = new SimClock();
  const log = new LogText();
  const digest = new RefusalDigest({ clock, log });
  const lines = () => log.text.split("\n").filter((line) => line !== "");
  return { clock, digest, lines };
}

t.test("the first refusal is told at once, those behind it in one line a minute", async (t) => {
  const { clock, digest, lines } = openDigest();
  for (let minute = 0; minute < 3; minute += 1) {
    for (let count = 0; count < 1_000; count += 1) {
      digest.note(controllerId(`c-${count % 20}`), "altered");
    }
    clock.advance(digestMs);
  }
  t.equal(lines().length, 4);
  t.match(lines()[0], /"controller":"c-0","reason":"altered"/);
  t.match(lines()[1], /"count":999,"controllers":\["c-1","c-2","c-3","c-4","c-5"\]/);
  t.match(lines()[3], /"count":1000/);
});

t.test("who floods one reason hides no other", async (t) => {
  const { digest, lines } = openDigest();
  for (let count = 0; count < 1_000; count += 1) digest.note(one, "altered");
  digest.note(one, "too_long");
  t.match(lines(), [/altered/, /too_long/]);
});

t.test("once all is quiet nothing waits, and the next is told at once again", async (t) => {
  const { clock, digest, lines } = openDigest();
  digest.note(one, "altered");
  clock.advance(digestMs);
  t.equal(clock.alarmCount, 0);
  digest.note(one, "altered");
  t.equal(lines().length, 2);
  digest.note(one, "altered");
  digest.close();
  t.match(lines()[2], /"count":1/);
  t.equal(clock.alarmCount, 0);
});

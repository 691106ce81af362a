import { createPublicKey, generateKeyPairSync } from "node:crypto";
import t from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import {
  type AnswerCommand,
  answerKeptMs,
  CommandReceiver,
  offersPerSecondMax,
  openOffersMax,
} from "../../../src/controller/command-receiver.ts";
import { commandRefusalQuietMs } from "../../../src/controller/command-refusals.ts";
import { rawCredential } from "../../../src/domain/credential.ts";
import type { DoorEvent } from "../../../src/domain/event.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { controllerId, doorId, readerId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import {
  type OfferedAnswer,
  openCommandAnswer,
} from "../../../src/protocols/sync/command-answer.ts";
import {
  commandOfferMs,
  drawAsk,
  drawOffer,
  openCommandOffer,
  sealCommandAsk,
} from "../../../src/protocols/sync/command-offer.ts";
import { type SiteCommand, sealSiteCommand } from "../../../src/protocols/sync/site-command.ts";
import { attempt, flipBit, pairing } from "../protocols/sync/samples.ts";

const paired = pairing();
const secretScope = { ...paired.scope, tableKey: paired.tableKey };
const unlock = { kind: "unlock", attempt, door: doorId("front") } as const satisfies SiteCommand;
const raw = rawCredential("26:0190e0f");

/** A receiver at a link that may be down, and all that came of it. */
class Desk {
  readonly clock: SimClock;
  readonly carried: SiteCommand[] = [];
  readonly answers: OfferedAnswer["answer"][] = [];
  readonly events: DoorEvent[] = [];
  isUp = true;
  siteKey = paired.opener.sitePublicKey;
  reply: (answer: AnswerCommand) => void = (answer) => answer({ kind: "done" });
  receiver: CommandReceiver;
  #offers: string[] = [];

  constructor(clock = new SimClock()) {
    this.clock = clock;
    this.receiver = this.open();
  }

  open(): CommandReceiver {
    return new CommandReceiver({
      provision: paired.provision,
      siteKeys: { current: () => this.siteKey },
      clock: this.clock,
      record: (event) => this.events.push(event),
      carryOut: (command, answer) => {
        this.carried.push(command);
        this.reply(answer);
      },
      send: async (what, message) => {
        if (!this.isUp) throw new HalError("disconnected", "down");
        if (what === "offer") {
          const opened = openCommandOffer(paired.scope, message);
          if (opened.ok) this.#offers.push(opened.value.offer);
          return;
        }
        const opened = openCommandAnswer(secretScope, message);
        if (opened.ok) this.answers.push(opened.value.answer);
      },
    });
  }

  /** What was offered to an ask of its own; undefined where nothing was. */
  offer(): string | undefined {
    this.#offers = [];
    this.receiver.takeAsk(sealCommandAsk(paired.scope, { ask: drawAsk() }));
    return this.#offers[0];
  }

  offered(): string {
    const offer = this.offer();
    if (offer === undefined) throw new Error("nothing was offered");
    return offer;
  }

  refusals(): readonly string[] {
    return this.events.flatMap((event) =>
      event.kind === "command_refused" ? [`${event.reason} ${event.count}`] : [],
    );
  }
}

const sealed = (offer: string, command: SiteCommand = unlock) =>
  sealSiteCommand(paired.sealer, { offer, command });

t.test("a command that takes up an offer is carried out, and answered", async (t) => {
  const desk = new Desk();
  desk.receiver.takeCommand(sealed(desk.offered()));
  t.same(desk.carried, [unlock]);
  t.same(desk.answers, [{ kind: "done" }]);
  t.same(desk.events, []);
  t.equal(desk.clock.alarmCount, 0);
});

t.test("a command is carried out once, however often it is sent", async (t) => {
  const desk = new Desk();
  const message = sealed(desk.offered());
  for (let count = 0; count < 5; count += 1) desk.receiver.takeCommand(message);
  t.equal(desk.carried.length, 1);
  t.same(desk.refusals(), [], "the broker may bring it twice");
  desk.clock.advance(commandOfferMs);
  desk.offered();
  desk.receiver.takeCommand(message);
  t.equal(desk.carried.length, 1);
  t.same(desk.refusals(), ["no_offer 1"], "but not later");
});

t.test("a second command to the same offer is not carried out", async (t) => {
  const desk = new Desk();
  const offer = desk.offered();
  desk.receiver.takeCommand(sealed(offer));
  desk.receiver.takeCommand(sealed(offer, { ...unlock, door: doorId("lab") }));
  t.same(desk.carried, [unlock]);
});

t.test("a command that is held back for five seconds does nothing", async (t) => {
  const desk = new Desk();
  const [early, late] = [desk.offered(), desk.offered()];
  desk.clock.advance(commandOfferMs - 1);
  desk.receiver.takeCommand(sealed(early));
  t.equal(desk.carried.length, 1);
  desk.clock.advance(1);
  desk.receiver.takeCommand(sealed(late));
  t.equal(desk.carried.length, 1);
  t.same(desk.refusals(), ["no_offer 1"]);
});

t.test("whatever the wall clock shows, an offer is good for as long", async (t) => {
  const desk = new Desk(new SimClock({ wallAt: 0, quality: "unknown" }));
  const message = sealed(desk.offered());
  desk.clock.setWall({ at: epochMs(Date.UTC(2099, 0)) });
  desk.receiver.takeCommand(message);
  t.equal(desk.carried.length, 1, "a controller that does not know the time takes commands");
});

t.test("after a restart no command from before does anything", async (t) => {
  const desk = new Desk();
  const message = sealed(desk.offered());
  desk.receiver = desk.open();
  desk.receiver.takeCommand(message);
  t.same(desk.carried, []);
  t.same(desk.refusals(), ["no_offer 1"]);
});

t.test("what is altered, another's, or of an offer that was never made does nothing", async (t) => {
  const desk = new Desk();
  const offer = desk.offered();
  const good = sealed(offer);
  for (let bit = 0; bit < good.length * 8; bit += 1) desk.receiver.takeCommand(flipBit(good, bit));
  const other = pairing(9);
  desk.receiver.takeCommand(sealSiteCommand(other.sealer, { offer, command: unlock }));
  desk.receiver.takeCommand(
    sealSiteCommand(
      { ...paired.sealer, controller: controllerId("two") },
      { offer, command: unlock },
    ),
  );
  desk.receiver.takeCommand(sealed(drawOffer()));
  desk.receiver.takeCommand(new Uint8Array());
  t.same(desk.carried, []);
  t.same(desk.answers, []);
  desk.receiver.takeCommand(good);
  t.same(desk.carried, [unlock], "and the good one is taken all the same");
});

t.test(
  "the site's new key is believed as soon as it is handed over, the old no more",
  async (t) => {
    const desk = new Desk();
    const next = generateKeyPairSync("ed25519");
    const sealer = { ...paired.sealer, signingKey: next.privateKey };
    desk.receiver.takeCommand(sealSiteCommand(sealer, { offer: desk.offered(), command: unlock }));
    t.same(desk.carried, []);
    desk.siteKey = createPublicKey(next.publicKey.export({ type: "spki", format: "pem" }));
    desk.receiver.takeCommand(sealed(desk.offered()));
    t.same(desk.carried, []);
    desk.receiver.takeCommand(sealSiteCommand(sealer, { offer: desk.offered(), command: unlock }));
    t.same(desk.carried, [unlock]);
  },
);

t.test("who asks all the time gets so many offers a second, and no memory fills", async (t) => {
  const desk = new Desk();
  const first = desk.offered();
  for (let count = 1; count < offersPerSecondMax; count += 1) desk.offered();
  t.equal(desk.offer(), undefined);
  desk.receiver.takeCommand(sealed(first));
  t.equal(desk.carried.length, 1);
  desk.clock.advance(1_000);
  const second = desk.offered();
  for (let count = 1; count < openOffersMax - offersPerSecondMax; count += 1) desk.offered();
  t.ok(openOffersMax < 2 * offersPerSecondMax, "or what follows tries nothing");
  const third = desk.offered();
  desk.receiver.takeCommand(sealed(second));
  t.equal(desk.carried.length, 2);
  for (let at = 0; at < openOffersMax; at += offersPerSecondMax / 2) {
    desk.clock.advance(1_000);
    for (let count = 0; count < offersPerSecondMax / 2; count += 1) desk.offered();
  }
  desk.receiver.takeCommand(sealed(third));
  t.equal(desk.carried.length, 2, "the oldest was taken back");
});

t.test("asks that nobody of the site's sealed are answered with nothing", async (t) => {
  const desk = new Desk();
  const ask = sealCommandAsk(pairing(9).scope, { ask: drawAsk() });
  for (let count = 0; count < 100; count += 1) desk.receiver.takeAsk(ask);
  t.same(desk.answers, []);
  t.same(desk.refusals(), ["altered 1"]);
});

t.test("a flood of refusals is one entry in the journal, and an hour later a count", async (t) => {
  const desk = new Desk();
  for (let count = 0; count < 500; count += 1) desk.receiver.takeCommand(new Uint8Array(99));
  t.same(desk.refusals(), ["malformed 1"]);
  desk.clock.advance(commandRefusalQuietMs - 1);
  t.equal(desk.refusals().length, 1);
  desk.clock.advance(1);
  t.same(desk.refusals(), ["malformed 1", "malformed 499"]);
  desk.receiver.takeCommand(new Uint8Array(99));
  desk.receiver.close();
  t.same(desk.refusals().at(-1), "malformed 1", "what is counted is not lost at the end");
  t.equal(desk.clock.alarmCount, 0);
});

const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));

t.test("an answer that the broker did not take is given when the link is back", async (t) => {
  const desk = new Desk();
  desk.reply = (answer) => {
    answer({ kind: "listening" });
    desk.isUp = false;
    answer({ kind: "presented", raw });
  };
  desk.receiver.takeCommand(sealed(desk.offered()));
  await quiet();
  t.same(desk.answers, [{ kind: "listening" }]);
  desk.clock.advance(answerKeptMs - 1);
  desk.isUp = true;
  desk.receiver.up();
  await quiet();
  t.same(desk.answers.at(-1), { kind: "presented", raw });
  desk.receiver.up();
  await quiet();
  t.equal(desk.answers.length, 2, "once");
});

t.test("an answer that nobody waits for any more is forgotten", async (t) => {
  const desk = new Desk();
  desk.reply = (answer) => {
    desk.isUp = false;
    answer({ kind: "presented", raw });
  };
  desk.receiver.takeCommand(sealed(desk.offered()));
  await quiet();
  desk.clock.advance(answerKeptMs);
  desk.isUp = true;
  desk.receiver.up();
  await quiet();
  t.same(desk.answers, []);
});

t.test("a command names a reader and a time, or nothing is carried out", async (t) => {
  const desk = new Desk();
  const enrol: SiteCommand = { kind: "enrol", attempt, reader: readerId("front"), forMs: 1_000 };
  desk.receiver.takeCommand(sealed(desk.offered(), enrol));
  desk.receiver.takeCommand(sealed(desk.offered(), { ...enrol, forMs: 3_600_000 }));
  t.same(desk.carried, [enrol]);
});

import { join } from "node:path";
import t, { type Test } from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { type AnswerCommand, CommandReceiver } from "../../../src/controller/command-receiver.ts";
import { rawCredential } from "../../../src/domain/credential.ts";
import { HalError } from "../../../src/domain/hal-error.ts";
import { controllerId, doorId, readerId } from "../../../src/domain/ids.ts";
import { commandOfferMs } from "../../../src/protocols/sync/command-offer.ts";
import type { SiteCommand } from "../../../src/protocols/sync/site-command.ts";
import { openerOf } from "../../../src/protocols/sync/site-seal.ts";
import { topicsFor } from "../../../src/protocols/sync/topics.ts";
import {
  answerMsMax,
  askAgainMs,
  asksMax,
  type CommandOutcome,
  createSiteCommands,
  enrolmentGraceMs,
  pendingCommandsMax,
  type SiteCommands,
} from "../../../src/site/commands.ts";
import { openSiteKeys } from "../../../src/site/site-keys.ts";
import { openStateFolder } from "../../../src/site/state-folder.ts";
import { one, site, temporaryFolder } from "./site-rig.ts";

const attempt = "0b0e7c2a-93a4-4d0f-8f3c-1d6a3c5e7f90";
const unlock: SiteCommand = { kind: "unlock", attempt, door: doorId("front") };
const forMs = 30_000;
const enrol: SiteCommand = { kind: "enrol", attempt, reader: readerId("front"), forMs };
const raw = rawCredential("26:0190e0f");
const two = controllerId("two");

const topics = topicsFor(site, one);
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A site and a real controller's receiver, and a broker between them that a test may meddle with. */
class Stage {
  readonly clock = new SimClock();
  readonly commands: SiteCommands;
  readonly carried: SiteCommand[] = [];
  readonly refusals: string[] = [];
  /** All that went over the broker. */
  readonly heard: { readonly topic: string; readonly payload: Uint8Array }[] = [];
  /** What is lost on its way. */
  loses: (topic: string) => boolean = () => false;
  isSiteUp = true;
  reply: (answer: AnswerCommand) => void = (answer) => answer({ kind: "done" });
  receiver: CommandReceiver;
  readonly #open: () => CommandReceiver;

  constructor(t: Test) {
    const keys = openSiteKeys(openStateFolder(join(temporaryFolder(t), "site")), site);
    const provision = keys.provisionFor(one);
    keys.provisionFor(two);
    const siteKey = openerOf(provision).sitePublicKey;
    this.commands = createSiteCommands({
      keys,
      clock: this.clock,
      refusals: { note: (_controller, reason) => this.refusals.push(reason) },
      link: {
        publish: async (topic, payload) => {
          if (!this.isSiteUp) throw new HalError("disconnected", "down");
          this.carry(topic, payload);
        },
      },
    });
    this.#open = () =>
      new CommandReceiver({
        provision,
        siteKeys: { current: () => siteKey },
        clock: this.clock,
        record: () => {},
        carryOut: (command, answer) => {
          this.carried.push(command);
          this.reply(answer);
        },
        send: async (what, payload) =>
          this.carry(what === "offer" ? topics.commandOffer : topics.commandAnswer, payload),
      });
    this.receiver = this.#open();
  }

  restartController(): void {
    this.receiver = this.#open();
  }

  carry(topic: string, payload: Uint8Array): void {
    this.heard.push({ topic, payload });
    if (!this.loses(topic)) this.deliver(topic, payload);
  }

  deliver(topic: string, payload: Uint8Array): void {
    if (topic === topics.commandAsk) this.receiver.takeAsk(payload);
    if (topic === topics.command) this.receiver.takeCommand(payload);
    if (topic === topics.commandOffer) this.commands.takeOffer(one, payload);
    if (topic === topics.commandAnswer) this.commands.takeAnswer(one, payload);
  }

  /** What a command came to, once it did. */
  send(command: SiteCommand, controller = one): { outcome: CommandOutcome | undefined } {
    const sent: { outcome: CommandOutcome | undefined } = { outcome: undefined };
    void this.commands.send(controller, command).then((outcome) => {
      sent.outcome = outcome;
    });
    return sent;
  }
}

const done = { ok: true, value: { kind: "done" } } as const;
const fault = (reason: string, detail?: string) => {
  return { ok: false, fault: { reason, ...(detail !== undefined && { detail }) } };
};

t.test("a command is told once and its answer comes back", async (t) => {
  const stage = new Stage(t);
  t.same(await stage.commands.send(one, unlock), done);
  t.same(stage.carried, [unlock]);
  t.equal(stage.clock.alarmCount, 0);
});

t.test("what the controller says against it is told", async (t) => {
  const stage = new Stage(t);
  stage.reply = (answer) => answer({ kind: "refused", detail: "lockdown" });
  t.same(await stage.commands.send(one, unlock), fault("refused", "lockdown"));
});

t.test("a controller that is away is offline after three asks, and was told nothing", async (t) => {
  const stage = new Stage(t);
  stage.loses = (topic) => topic === topics.commandAsk;
  const sent = stage.send(unlock);
  stage.clock.advance(askAgainMs * asksMax - 1);
  await turn();
  t.equal(sent.outcome, undefined);
  stage.clock.advance(1);
  await turn();
  t.same(sent.outcome, fault("controller_offline"));
  t.equal(stage.heard.length, asksMax);
  t.ok(stage.heard.every(({ topic }) => topic === topics.commandAsk));
  stage.loses = () => false;
  for (const { topic, payload } of [...stage.heard]) stage.deliver(topic, payload);
  t.same(stage.carried, [], "nor when its asks arrive late");
});

t.test("one ask that is lost costs a second", async (t) => {
  const stage = new Stage(t);
  stage.loses = () => stage.heard.length === 1;
  const sent = stage.send(unlock);
  stage.clock.advance(askAgainMs);
  await turn();
  t.same(sent.outcome, done);
  t.equal(stage.carried.length, 1);
});

t.test("two offers to two asks take one command", async (t) => {
  const stage = new Stage(t);
  stage.loses = (topic) => topic === topics.commandOffer;
  const sent = stage.send(unlock);
  stage.clock.advance(askAgainMs);
  const offers = stage.heard.filter(({ topic }) => topic === topics.commandOffer);
  t.equal(offers.length, 2);
  for (const { topic, payload } of [...offers, ...offers]) stage.deliver(topic, payload);
  await turn();
  t.same(sent.outcome, done);
  t.equal(stage.carried.length, 1);
});

t.test(
  "a command whose answer is lost is not told again, and nobody claims it was done",
  async (t) => {
    const stage = new Stage(t);
    stage.loses = (topic) => topic === topics.commandAnswer;
    const sent = stage.send(unlock);
    stage.clock.advance(answerMsMax);
    await turn();
    t.same(sent.outcome, fault("no_answer"));
    t.equal(stage.carried.length, 1);
  },
);

t.test("with the site's own link down nothing is told", async (t) => {
  const stage = new Stage(t);
  stage.isSiteUp = false;
  const sent = stage.send(unlock);
  stage.clock.advance(askAgainMs * asksMax);
  await turn();
  t.same(sent.outcome, fault("controller_offline"));
});

t.test("an enrolment is answered when its card comes, however long that takes", async (t) => {
  const stage = new Stage(t);
  let answer: AnswerCommand = () => {};
  stage.reply = (giveIt) => {
    answer = giveIt;
    giveIt({ kind: "listening" });
  };
  const sent = stage.send(enrol);
  stage.clock.advance(forMs);
  await turn();
  t.equal(sent.outcome, undefined);
  answer({ kind: "presented", raw });
  await turn();
  t.same(sent.outcome, { ok: true, value: { kind: "presented", raw } });
});

t.test("an enrolment that never ends is over soon after its time", async (t) => {
  const stage = new Stage(t);
  stage.reply = (answer) => answer({ kind: "listening" });
  const sent = stage.send(enrol);
  stage.clock.advance(forMs + enrolmentGraceMs - 1);
  await turn();
  t.equal(sent.outcome, undefined);
  stage.clock.advance(1);
  await turn();
  t.same(sent.outcome, fault("no_answer"));
});

t.test("two enrolments at one time get each its own card, in whatever order", async (t) => {
  const stage = new Stage(t);
  const answers: AnswerCommand[] = [];
  stage.reply = (answer) => {
    answers.push(answer);
    answer({ kind: "listening" });
  };
  const first = stage.send(enrol);
  const second = stage.send({ ...enrol, reader: readerId("lab") });
  const other = rawCredential("26:0190e0e");
  answers[1]?.({ kind: "presented", raw: other });
  answers[0]?.({ kind: "presented", raw });
  await turn();
  t.match(first.outcome, { value: { raw } });
  t.match(second.outcome, { value: { raw: other } });
});

t.test("what was recorded of a command does nothing later, to anybody", async (t) => {
  const stage = new Stage(t);
  await stage.commands.send(one, unlock);
  const recorded = [...stage.heard];
  const replay = () => {
    for (const { topic, payload } of recorded) stage.deliver(topic, payload);
  };
  replay();
  t.equal(stage.carried.length, 1, "at once");
  stage.clock.advance(commandOfferMs);
  replay();
  t.equal(stage.carried.length, 1, "later");
  stage.restartController();
  replay();
  t.equal(stage.carried.length, 1, "after a restart");
  const sent = stage.send(enrol);
  stage.reply = (answer) => answer({ kind: "nothing" });
  replay();
  stage.clock.advance(askAgainMs * asksMax);
  await turn();
  t.not(sent.outcome?.ok, undefined);
  t.ok(stage.carried.every(({ kind }) => kind === "unlock" || kind === "enrol"));
  t.equal(stage.carried.filter(({ kind }) => kind === "unlock").length, 1);
});

t.test("an old answer does not pass for that of the command that is under way", async (t) => {
  const stage = new Stage(t);
  await stage.commands.send(one, unlock);
  const old = stage.heard.filter(({ topic }) => topic === topics.commandAnswer);
  stage.reply = () => {};
  const sent = stage.send(unlock);
  for (const { topic, payload } of old) stage.deliver(topic, payload);
  await turn();
  t.equal(sent.outcome, undefined, "it is not confirmed by what confirmed another");
});

t.test("another controller's offers and answers are nobody's", async (t) => {
  const stage = new Stage(t);
  stage.loses = (topic) => topic === topics.commandOffer;
  const sent = stage.send(unlock);
  const [offer] = stage.heard.filter(({ topic }) => topic === topics.commandOffer);
  if (offer === undefined) throw new Error("nothing was offered");
  stage.commands.takeOffer(two, offer.payload);
  stage.commands.takeAnswer(two, offer.payload);
  stage.commands.takeAnswer(one, new Uint8Array(3));
  await turn();
  t.equal(sent.outcome, undefined);
  t.same(stage.carried, []);
  t.same(stage.refusals, ["offer_altered", "answer_altered", "answer_malformed"]);
});

t.test("so many commands wait at a time, and one more is refused", async (t) => {
  const stage = new Stage(t);
  stage.loses = () => true;
  for (let count = 0; count < pendingCommandsMax; count += 1) stage.send(unlock);
  t.same(await stage.commands.send(one, unlock), fault("refused", "too_many"));
  stage.clock.advance(askAgainMs * asksMax);
  stage.loses = () => false;
  t.same(await stage.commands.send(one, unlock), done);
});

t.test("a controller that was never given a key is offline", async (t) => {
  const stage = new Stage(t);
  t.same(await stage.commands.send(controllerId("three"), unlock), fault("controller_offline"));
});

t.test("closing leaves nothing that waits", async (t) => {
  const stage = new Stage(t);
  stage.reply = (answer) => answer({ kind: "listening" });
  const told = stage.send(enrol);
  stage.loses = () => true;
  const untold = stage.send(unlock);
  stage.commands.close();
  await turn();
  t.same(told.outcome, fault("no_answer"));
  t.same(untold.outcome, fault("controller_offline"));
  t.equal(stage.clock.alarmCount, 0);
  t.same(await stage.commands.send(one, unlock), fault("controller_offline"));
});

import type { Board } from "../../hal/board.ts";
import type { Clock } from "../../hal/clock.ts";
import type { LightPattern } from "../../hal/indicator.ts";
import type { DoorEvent } from "../domain/event.ts";
import { fail, type Result, succeed } from "../domain/result.ts";
import { unreachable } from "../domain/unreachable.ts";
import type {
  LocalFault,
  PulseArgs,
  ShowLightArgs,
  TriedLight,
  WatchReaderArgs,
} from "../protocols/local/local-message.ts";
import type { LocalPulsed, LocalShownLight } from "../protocols/local/local-reports.ts";
import type { DoorController, PulseFault } from "./door-controller.ts";
import { bootPattern } from "./indication.ts";
import { LineFeed } from "./line-feed.ts";
import { badArgument } from "./local-argument.ts";
import type { LocalFeed } from "./local-feed.ts";
import { PresentationFeed } from "./presentation-feed.ts";

/** What a technician does at the box: he looks at its lines and tries what is wired to them. */
export interface BenchHandlers {
  lines(): Result<LocalFeed, LocalFault>;
  watchReader(args: WatchReaderArgs): Result<LocalFeed, LocalFault>;
  pulse(args: PulseArgs): Result<LocalPulsed, LocalFault>;
  showLight(args: ShowLightArgs): Result<LocalShownLight, LocalFault>;
}

export interface BenchOptions {
  readonly board: Board;
  readonly doors: DoorController;
  readonly clock: Clock;
  readonly record: (event: DoorEvent) => void;
}

export function benchHandlers(options: BenchOptions): BenchHandlers {
  const { board, clock } = options;
  return {
    lines: () => {
      if (board.lines !== undefined) return succeed(new LineFeed(board.lines, clock));
      return fail({ code: "failed", message: "this board has no lines to look at" });
    },
    watchReader: (args) => watchReader(options, args),
    pulse: (args) => pulse(options, args),
    showLight: (args) => showLight(options, args),
  };
}

function watchReader(
  { board, clock, record }: BenchOptions,
  args: WatchReaderArgs,
): Result<LocalFeed, LocalFault> {
  const hardware = board.readers.find(({ id }) => id === args.reader);
  if (hardware === undefined) return fail(readerUnknown(board));
  const { id, reader } = hardware;
  if (reader.observe === undefined) {
    return fail(
      badArgument("reader", "a reader on two Wiegand lines: this one has no bits to see"),
    );
  }
  const bits = args.bits ? "shown" : "masked";
  const observe = reader.observe.bind(reader);
  const feed = new PresentationFeed({ reader, observe, bits, clock });
  record({ kind: "reader_watched", reader: id, bits });
  return succeed(feed);
}

function pulse(
  { board, doors }: BenchOptions,
  { door, forMs }: PulseArgs,
): Result<LocalPulsed, LocalFault> {
  if (!doors.hasDoor(door)) {
    const names = board.doors.map(({ id }) => id);
    return fail(badArgument("door", `one of ${names.join(", ")}`));
  }
  const pulsed = doors.pulse(door, forMs);
  if (pulsed.ok) return succeed({ door, forMs: pulsed.value });
  return fail({ code: "failed", message: `door ${door}: ${why(pulsed.fault)}` });
}

function why(fault: PulseFault): string {
  switch (fault) {
    case "fire":
      return "there is a fire alarm, and no strike is tried during one";
    case "lockdown":
      return "it is in lockdown: clear that first";
    case "disabled":
      return "it is disabled: clear that first";
    case "held_unlocked":
      return "it is unlocked, and its strike released already";
    case "leaf_open":
      return "its leaf is open: shut it first, or the strike would be released when it shuts";
    case "interlock":
      return "another door of its interlock is open or unlocked";
    case "strike_failed":
      return "its strike did not take the command; it is commanded again until it does";
    default:
      return unreachable(fault);
  }
}

function showLight(
  { board, doors }: BenchOptions,
  { reader, light, forMs }: ShowLightArgs,
): Result<LocalShownLight, LocalFault> {
  if (!doors.showLight(reader, patternOf(light), forMs)) return fail(readerUnknown(board));
  return succeed({ reader, forMs });
}

function patternOf(light: TriedLight): LightPattern {
  return light === "boot" ? bootPattern : { kind: "steady", light };
}

function readerUnknown({ readers }: Board): LocalFault {
  return badArgument("reader", `one of ${readers.map(({ id }) => id).join(", ")}`);
}

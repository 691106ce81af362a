import { type RawCredential, rawFromBits } from "../../src/domain/credential.ts";
import type { ReaderId } from "../../src/domain/ids.ts";
import type { Heard } from "./rig-target.ts";

export interface PresentedFrame {
  readonly reader: ReaderId;
  readonly slots: string;
}

export interface FrameCount {
  readonly right: number;
  /** Cards that nobody presented there then. One is one too many. */
  readonly wrong: number;
  readonly lost: number;
  readonly misread: number;
}

/** Compares what was presented with what was read, reader by reader and in order. */
export function countFrames(
  presented: readonly PresentedFrame[],
  heard: readonly Heard[],
): FrameCount {
  const readers = new Set([...presented, ...heard].map(({ reader }) => reader));
  let [right, wrong] = [0, 0];
  for (const reader of readers) {
    const cards = heard.flatMap((one) =>
      one.reader === reader && one.kind === "card" ? [one.raw] : [],
    );
    const sent = presented
      .filter((one) => one.reader === reader)
      .map(({ slots }) => rawFromBits(slots));
    const matched = matchInOrder(sent, cards);
    right += matched;
    wrong += cards.length - matched;
  }
  const keys = heard.filter(({ kind }) => kind === "key" || kind === "pin").length;
  return {
    right,
    // Nobody types here: a key is a frame that was taken for something it is not.
    wrong: wrong + keys,
    lost: presented.length - right,
    misread: heard.filter(({ kind }) => kind === "misread").length,
  };
}

/** How many of the cards are one of those that were sent, each after the one before. */
function matchInOrder(sent: readonly RawCredential[], cards: readonly RawCredential[]): number {
  const placesOf = new Map<RawCredential, number[]>();
  for (const [place, raw] of sent.entries()) {
    const places = placesOf.get(raw);
    if (places === undefined) placesOf.set(raw, [place]);
    else places.push(place);
  }
  let [next, matched] = [0, 0];
  for (const card of cards) {
    const place = placesOf.get(card)?.find((one) => one >= next);
    if (place === undefined) continue;
    next = place + 1;
    matched += 1;
  }
  return matched;
}

import { type RawCredential, rawFromBits } from "../../src/domain/credential.ts";
import type { ReaderId } from "../../src/domain/ids.ts";
import type { Heard } from "./rig-target.ts";

export interface PresentedFrame {
  readonly reader: ReaderId;
  readonly slots: string;
  /** On the wire, by whoever sent it: it may be misread. */
  readonly isBent?: boolean;
}

export interface FrameCount {
  readonly right: number;
  /** Cards that nobody presented there then. One is one too many. */
  readonly wrong: number;
  /** Without those that were bent on the wire. */
  readonly lost: number;
  /** Of those that were bent on the wire, how many were not read. */
  readonly bent: number;
  readonly misread: number;
}

/** Compares what was presented with what was read, reader by reader and in order. */
export function countFrames(
  presented: readonly PresentedFrame[],
  heard: readonly Heard[],
): FrameCount {
  const readers = new Set([...presented, ...heard].map(({ reader }) => reader));
  let [right, wrong, lost, bent] = [0, 0, 0, 0];
  for (const reader of readers) {
    const cards = heard.flatMap((one) =>
      one.reader === reader && one.kind === "card" ? [one.raw] : [],
    );
    const sent = presented.filter((one) => one.reader === reader);
    const matched = matchInOrder(
      sent.map(({ slots }) => rawFromBits(slots)),
      cards,
    );
    const unread = sent.filter((_, place) => !matched.has(place));
    const bentHere = unread.filter(({ isBent = false }) => isBent).length;
    right += matched.size;
    wrong += cards.length - matched.size;
    bent += bentHere;
    lost += unread.length - bentHere;
  }
  const keys = heard.filter(({ kind }) => kind === "key" || kind === "pin").length;
  return {
    right,
    // Nobody types here: a key is a frame that was taken for something it is not.
    wrong: wrong + keys,
    lost,
    bent,
    misread: heard.filter(({ kind }) => kind === "misread").length,
  };
}

/** The places in `sent` of those cards that are one of them, each after the one before. */
function matchInOrder(
  sent: readonly RawCredential[],
  cards: readonly RawCredential[],
): ReadonlySet<number> {
  const placesOf = new Map<RawCredential, number[]>();
  for (const [place, raw] of sent.entries()) {
    const places = placesOf.get(raw);
    if (places === undefined) placesOf.set(raw, [place]);
    else places.push(place);
  }
  const matched = new Set<number>();
  let next = 0;
  for (const card of cards) {
    const place = placesOf.get(card)?.find((one) => one >= next);
    if (place === undefined) continue;
    next = place + 1;
    matched.add(place);
  }
  return matched;
}

import type { Reader, ReaderHealth } from "../reader.ts";

/**
 * A card reader and a keypad of bare switches beside it, as one: what either reports comes in the order
 * in which it is heard, and counts are of both.
 */
export function joinReaders(card: Reader, keypad: Reader): Reader {
  return {
    listen: (listener) => {
      card.listen(listener);
      keypad.listen(listener);
    },
    health: () => sumOf(card.health(), keypad.health()),
    // A keypad of switches sends no bits.
    ...(card.observe && { observe: card.observe.bind(card) }),
    close: () => {
      try {
        card.close();
      } finally {
        keypad.close();
      }
    },
  };
}

function sumOf(one: ReaderHealth, other: ReaderHealth): ReaderHealth {
  const misreadCounts: Record<string, number> = { ...one.misreadCounts };
  for (const [verdict, count] of Object.entries(other.misreadCounts)) {
    misreadCounts[verdict] = (misreadCounts[verdict] ?? 0) + count;
  }
  return {
    frameCount: one.frameCount + other.frameCount,
    misreadCounts,
    extraBitCount: one.extraBitCount + other.extraBitCount,
    lostEdgeCount: one.lostEdgeCount + other.lostEdgeCount,
  };
}

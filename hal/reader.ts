import type { RawCredential } from "../src/domain/credential.ts";
import type { EdgeNs } from "../src/domain/time.ts";

export type Key = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "*" | "#";

/** What a reader made of one presentation or key press. `at` is its last edge, or byte. */
export type ReaderReport =
  /** A frame that is whole in one configured format; `format` is that format's name. */
  | {
      readonly kind: "card";
      readonly raw: RawCredential;
      readonly format: string;
      readonly at: EdgeNs;
    }
  | { readonly kind: "key"; readonly key: Key; readonly at: EdgeNs }
  /** A keypad that sends the whole PIN in one frame. Digits only, 1-5 of them. */
  | { readonly kind: "pin"; readonly digits: string; readonly at: EdgeNs }
  /**
   * Never a card. `verdict` is one of the Wiegand verdicts other than `ok`, or `entry_error` where a
   * keypad could not send what was typed.
   */
  | {
      readonly kind: "misread";
      readonly verdict: string;
      readonly bitCount: number;
      readonly at: EdgeNs;
    };

/** Counts since opening. A healthy reader counts frames only. */
export interface ReaderHealth {
  readonly frameCount: number;
  /** By verdict, `ok` not among them. */
  readonly misreadCounts: Readonly<Record<string, number>>;
  /** Bits that arrived after a frame had been decided early. */
  readonly extraBitCount: number;
  /** Edges that the kernel's queue lost. */
  readonly lostEdgeCount: number;
}

/**
 * One frame as it was on the wire, for a technician. It is personal: the bits of a card are its number,
 * and those of a keypad a PIN, so these are never in it.
 */
export interface ReaderObservation {
  /** `ok`, or why it is a misread. */
  readonly verdict: string;
  readonly kind: ReaderReport["kind"];
  /** Of a card: the format's name. */
  readonly format?: string;
  readonly bitCount: number;
  /**
   * `0` and `1`, first bit on the wire first; at most 256. Of a card; and of a misread where the reader
   * has no keypad, or what was misread may have been keys.
   */
  readonly bits?: string;
  /** Between the falling edges of one bit and the next, in microseconds; at most 255. */
  readonly spacingsUs: readonly number[];
}

/** A card reader, a keypad, or both in one housing: one stream, in the order things happened. */
export interface Reader {
  /** One listener for the life of the reader. It must not throw. */
  listen(listener: (report: ReaderReport) => void): void;
  health(): ReaderHealth;
  /**
   * Calls `onFrame` with each frame after the listener has had its report; it must take note and return.
   * The function that comes back ends it. Absent where there are no bits on a wire to see.
   */
  observe?(onFrame: (seen: ReaderObservation) => void): () => void;
  close(): void;
}

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

/** A card reader, a keypad, or both in one housing: one stream, in the order things happened. */
export interface Reader {
  /** One listener for the life of the reader. It must not throw. */
  listen(listener: (report: ReaderReport) => void): void;
  health(): ReaderHealth;
  close(): void;
}

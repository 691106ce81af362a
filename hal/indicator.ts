export type Light = "red" | "green" | "amber" | "off";

/** A steady or flashing light; `amber` is red and green together where there is no amber lamp. */
export type LightPattern =
  | { readonly kind: "steady"; readonly light: Light }
  /** Alternates `light` and `off`, beginning with `light`, `onMs` each, until the next `show`. */
  | { readonly kind: "flash"; readonly light: Light; readonly onMs: number }
  /** `count` flashes of `light`, then steady `then`. */
  | {
      readonly kind: "flash_then";
      readonly light: Light;
      readonly onMs: number;
      readonly count: number;
      readonly then: Light;
    };

/** The lamps and beeper of one reader. A lamp that fails never delays a door: nothing here throws. */
export interface Indicator {
  /** Replaces whatever was shown. Returns at once; flashing goes on by itself. */
  show(pattern: LightPattern): void;

  /** Sounds the beeper once for `durationMs` (1-10,000); a beep during a beep extends it. */
  beep(durationMs: number): void;

  /** Everything off, lines freed. Safe to call twice. */
  close(): void;
}

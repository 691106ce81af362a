import { HalError } from "../../src/domain/hal-error.ts";
import { type EdgeNs, edgeNs, monotonicMs } from "../../src/domain/time.ts";
import type { MatrixWiring } from "../board-profile.ts";
import type { Alarm, Clock } from "../clock.ts";
import type { Gpio, InputLines, Level, OutputLine } from "../gpio.ts";
import type { Key, Reader, ReaderHealth, ReaderReport } from "../reader.ts";
import { closeAll } from "./close-all.ts";
import { openWhole } from "./open-whole.ts";

/** Row by row from the top left, as they are printed; the fourth column, A to D, is nobody's PIN. */
const printedKeys: readonly (readonly (Key | undefined)[])[] = [
  ["1", "2", "3", undefined],
  ["4", "5", "6", undefined],
  ["7", "8", "9", undefined],
  ["*", "0", "#", undefined],
];

/** While a key is down, and for as long as contacts bounce after it. */
const scanMs = 15;
/** A key that reads the same for this long is pressed, or let go. */
const settledMs = 25;
/** A second key in the column of one that is held shows only when the rows are scanned. */
const scanHeldMs = 60;
/** A chip that is gone is looked for this often. */
const retryMs = 1_000;

interface KeySwitch {
  /** Undefined for one that means nothing. */
  readonly key: Key | undefined;
  readonly row: number;
  readonly column: number;
  /** As it was believed; a key is told when it goes down. */
  isDown: boolean;
  /** Since when it has read otherwise than believed. */
  changedAt: EdgeNs | undefined;
}

/**
 * A keypad of bare switches, each on the crossing of a row and a column. At rest all rows are low and
 * nothing is scanned: the edge of a column wakes it up. Then the rows are pulled low one at a time, the
 * others being let go, so that two keys of one column join no two outputs that disagree.
 *
 * Three keys on the corners of a rectangle read as all four. While any rectangle reads as pressed, no key
 * is told and none is let go: nobody could say which are pressed in truth.
 *
 * A key is told when it went down and stayed so for 25 ms, once, however long it is held; one that is down
 * when we begin to look is not. A chip that is gone tells nothing; it is asked again every second. One alarm
 * at most is armed, and none at rest.
 *
 * Throws `HalError` as `Gpio.openInputs` and `openOutput` do, and `not_supported` for more rows or
 * columns than keys are printed for. Nothing is open then.
 */
export function openMatrixKeypad(options: {
  readonly gpio: Gpio;
  readonly clock: Clock;
  readonly wiring: MatrixWiring;
}): Reader {
  const { gpio, clock, wiring } = options;
  if (wiring.rows.length !== 4 || wiring.columns.length < 3 || wiring.columns.length > 4) {
    throw new HalError("not_supported", "a matrix keypad has 4 rows, and 3 or 4 columns");
  }
  const rows: OutputLine[] = [];
  return openWhole(
    () => {
      for (const line of wiring.rows) {
        rows.push(gpio.openOutput({ line, initial: 0, drive: "open_drain" }));
      }
      const columns = gpio.openInputs({ lines: wiring.columns, bias: "pull_up" });
      return new MatrixKeypad(clock, rows, columns);
    },
    () => closeAll(rows.map((row) => () => row.close())),
  );
}

class MatrixKeypad implements Reader {
  readonly #clock: Clock;
  readonly #rows: readonly OutputLine[];
  readonly #columns: InputLines;
  readonly #switches: readonly KeySwitch[];
  #listener: ((report: ReaderReport) => void) | undefined;
  #alarm: Alarm | undefined;
  #isScanning = false;
  /** What is down when we begin to look was not pressed just now: it may be stuck. */
  #isFirstLook = true;
  #scanned: { readonly columns: string; readonly pressed: ReadonlySet<KeySwitch>; at: number };
  #keyCount = 0;
  #closed = false;

  constructor(clock: Clock, rows: readonly OutputLine[], columns: InputLines) {
    this.#clock = clock;
    this.#rows = rows;
    this.#columns = columns;
    this.#scanned = nothingScanned;
    this.#switches = rows.flatMap((_, row) =>
      columns.lines.map((_, column) => ({
        key: printedKeys[row]?.[column],
        row,
        column,
        isDown: false,
        changedAt: undefined,
      })),
    );
  }

  listen(listener: (report: ReaderReport) => void): void {
    if (this.#listener !== undefined) throw new Error("this keypad has its one listener already");
    this.#listener = listener;
    this.#columns.listen(({ level }) => {
      if (level === 0 && !this.#isScanning) this.#scan();
    });
    this.#columns.watchLoss?.(() => this.#lost());
    this.#scan();
  }

  health(): ReaderHealth {
    return { frameCount: this.#keyCount, misreadCounts: {}, extraBitCount: 0, lostEdgeCount: 0 };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#alarm?.cancel();
    closeAll([this.#columns, ...this.#rows].map((lines) => () => lines.close()));
  }

  #scan(): void {
    if (this.#closed) return;
    this.#isScanning = true;
    let pressed: ReadonlySet<KeySwitch>;
    try {
      pressed = this.#pressed();
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      return this.#lost();
    }
    if (!hasRectangle(pressed)) {
      if (this.#isFirstLook) this.#beginWith(pressed);
      else this.#believe(pressed, edgeNs(Math.round(this.#clock.monotonic() * 1e6)));
    }
    const isAtRest = pressed.size === 0 && this.#switches.every((one) => isSettledUp(one));
    if (isAtRest) this.#isScanning = false;
    else this.#arm(scanMs);
  }

  #arm(waitMs: number): void {
    this.#alarm?.cancel();
    this.#alarm = this.#clock.alarm(monotonicMs(this.#clock.monotonic() + waitMs), () =>
      this.#scan(),
    );
  }

  /** Leaves all rows low. Throws `HalError`. */
  #pressed(): ReadonlySet<KeySwitch> {
    this.#drive(() => 0);
    const columns = this.#columnLevels().join("");
    if (!columns.includes("0")) {
      this.#scanned = nothingScanned;
      return this.#scanned.pressed;
    }
    const now = this.#clock.monotonic();
    const isSettled = this.#switches.every((one) => one.changedAt === undefined);
    const { columns: before, pressed: held, at } = this.#scanned;
    // A key that is held costs one look, 1 ms at 100 kHz, and seldom a scan, which takes 6 ms.
    if (columns === before && isSettled && now - at < scanHeldMs) return held;
    const pressed = this.#scanRows();
    this.#scanned = { columns, pressed, at: now };
    return pressed;
  }

  #scanRows(): ReadonlySet<KeySwitch> {
    const pressed = new Set<KeySwitch>();
    for (const row of this.#rows.keys()) {
      this.#drive((other) => (other === row ? 0 : 1));
      const levels = this.#columnLevels();
      for (const one of this.#switches) {
        if (one.row === row && levels[one.column] === 0) pressed.add(one);
      }
    }
    this.#drive(() => 0);
    return pressed;
  }

  /** Those that are let go go first: two rows must never be low at once but at rest. */
  #drive(levelOf: (row: number) => Level): void {
    for (const level of [1, 0] as const) {
      for (const [index, row] of this.#rows.entries()) {
        if (levelOf(index) === level && row.driven() !== level) row.drive(level);
      }
    }
  }

  #columnLevels(): readonly Level[] {
    const columns = this.#columns;
    return columns.readAll?.() ?? columns.lines.map((_, index) => columns.read(index));
  }

  #believe(pressed: ReadonlySet<KeySwitch>, now: EdgeNs): void {
    for (const one of this.#switches) {
      const isPressed = pressed.has(one);
      if (isPressed === one.isDown) {
        one.changedAt = undefined;
        continue;
      }
      one.changedAt ??= now;
      if (now - one.changedAt < settledMs * 1e6) continue;
      const at = one.changedAt;
      one.isDown = isPressed;
      one.changedAt = undefined;
      if (isPressed && one.key !== undefined) this.#tell(one.key, at);
    }
  }

  #beginWith(pressed: ReadonlySet<KeySwitch>): void {
    this.#isFirstLook = false;
    for (const one of pressed) one.isDown = true;
  }

  /** What is down when the chip comes back may have been pressed at any time. */
  #lost(): void {
    this.#isScanning = true;
    this.#arm(retryMs);
    this.#isFirstLook = true;
    this.#scanned = nothingScanned;
    for (const one of this.#switches) {
      one.isDown = false;
      one.changedAt = undefined;
    }
  }

  #tell(key: Key, at: EdgeNs): void {
    this.#keyCount += 1;
    this.#listener?.({ kind: "key", key, at });
  }
}

const nothingScanned = { columns: "", pressed: new Set<KeySwitch>(), at: 0 };

const isSettledUp = ({ isDown, changedAt }: KeySwitch): boolean =>
  !isDown && changedAt === undefined;

/** Whether two rows read as pressed in the same two columns: one of the four may be none. */
function hasRectangle(pressed: ReadonlySet<KeySwitch>): boolean {
  const columnsByRow = new Map<number, Set<number>>();
  for (const { row, column } of pressed) {
    const columns = columnsByRow.get(row) ?? new Set();
    columnsByRow.set(row, columns.add(column));
  }
  const rows = [...columnsByRow.values()];
  return rows.some((one, index) =>
    rows
      .slice(index + 1)
      .some((other) => [...one].filter((column) => other.has(column)).length > 1),
  );
}

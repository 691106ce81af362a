import { mkdirSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import type { Level } from "../../../../../hal/gpio.ts";
import {
  type NativeGpio,
  type NativeRequest,
  numbersPerEdge,
} from "../../../../../hal/linux/gpio/native-gpio.ts";

export interface FakeChip {
  readonly label: string;
  /** By offset. */
  readonly lines: readonly { readonly name: string; readonly consumer?: string }[];
}

/** What a request was opened with. */
export interface Asked {
  readonly path: string;
  readonly offsets: readonly number[];
  readonly consumer: string;
  readonly bias?: number;
  readonly debounceUs?: number;
  readonly level?: Level;
  readonly isOpenDrain?: boolean;
}

interface Held {
  readonly asked: Asked;
  listener: ((edges: Float64Array, count: number) => void) | undefined;
  isOpen: boolean;
}

const { EBADF, EBUSY, ENOENT } = constants.errno;

/** The kernel's side of gpio.c, with its chips in `folder` under their names. */
export class FakeKernel implements NativeGpio {
  readonly asked: Asked[] = [];
  /** The next call of that name is refused with this errno, once for each that stands here. */
  readonly refusals: { readonly call: string; readonly errno: number }[] = [];
  levels = 0;
  readonly #folder: string;
  readonly #chips: Readonly<Record<string, FakeChip>>;
  readonly #held = new Map<object, Held>();

  constructor(folder: string, chips: Readonly<Record<string, FakeChip>>) {
    this.#folder = folder;
    this.#chips = chips;
    mkdirSync(folder, { recursive: true });
    for (const name of Object.keys(chips)) writeFileSync(join(folder, name), "");
  }

  chip(path: string) {
    const refusal = this.#refusal("chip");
    const chip = this.#chipAt(path);
    if (refusal !== undefined) return refusal;
    if (chip === undefined) return -ENOENT;
    return { name: path.slice(this.#folder.length + 1), ...chip, lineCount: chip.lines.length };
  }

  line(path: string, offset: number) {
    const line = this.#chipAt(path)?.lines[offset];
    const refusal = this.#refusal("line");
    if (refusal !== undefined) return refusal;
    if (line === undefined) return -ENOENT;
    return { consumer: "", ...line, isUsed: line.consumer !== undefined };
  }

  requestInputs(
    path: string,
    offsets: readonly number[],
    consumer: string,
    bias: 0 | 1 | 2,
    debounceUs: number,
  ) {
    return this.#open({ path, offsets, consumer, bias, debounceUs }, "requestInputs");
  }

  requestOutput(
    path: string,
    offset: number,
    consumer: string,
    level: Level,
    isOpenDrain: boolean,
  ) {
    const asked = { path, offsets: [offset], consumer, level, isOpenDrain };
    return this.#open(asked, "requestOutput");
  }

  read(request: NativeRequest): number {
    return (
      this.#refusal("read") ?? (this.#held.get(request)?.isOpen === true ? this.levels : -EBADF)
    );
  }

  drive(request: NativeRequest, level: Level) {
    const refusal = this.#refusal("drive");
    if (refusal !== undefined) return refusal;
    if (this.#held.get(request)?.isOpen !== true) return -EBADF;
    this.levels = level;
    return 0 as const;
  }

  listen(request: NativeRequest, listener: (edges: Float64Array, count: number) => void): number {
    const held = this.#held.get(request);
    const refusal = this.#refusal("listen");
    if (refusal !== undefined) return refusal;
    if (held !== undefined) held.listener = listener;
    return 0;
  }

  close(request: NativeRequest): void {
    const held = this.#held.get(request);
    if (held !== undefined) held.isOpen = false;
  }

  /** Hands rows of line, level, stamp and number to every listener, as one read of the queue. */
  queue(...rows: readonly (readonly [number, number, number, number])[]): void {
    const edges = new Float64Array(1_024 * numbersPerEdge);
    edges.set(rows.flat());
    for (const { listener } of this.#held.values()) listener?.(edges, rows.length);
  }

  #open(asked: Asked, call: string): NativeRequest | number {
    this.asked.push(asked);
    const refusal = this.#refusal(call);
    if (refusal !== undefined) return refusal;
    const chip = this.#chipAt(asked.path);
    if (asked.offsets.some((offset) => chip?.lines[offset]?.consumer !== undefined)) return -EBUSY;
    const request = {} as NativeRequest;
    this.#held.set(request, { asked, listener: undefined, isOpen: true });
    return request;
  }

  #chipAt(path: string): FakeChip | undefined {
    return this.#chips[path.slice(this.#folder.length + 1)];
  }

  #refusal(call: string): number | undefined {
    const at = this.refusals.findIndex((refusal) => refusal.call === call);
    const [refusal] = at < 0 ? [] : this.refusals.splice(at, 1);
    return refusal === undefined ? undefined : -refusal.errno;
  }
}

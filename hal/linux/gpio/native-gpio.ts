import { constants } from "node:os";
import { HalError, type HalFailure } from "../../../src/domain/hal-error.ts";
import { loadNativeAddon } from "../native-addon.ts";

declare const request: unique symbol;

/** Lines that the kernel gave us, until they are closed or collected. */
export type NativeRequest = object & { readonly [request]: true };

/** An errno, negated: the world's failure, as against a wrong call, which throws. */
export type Refusal = number;

export interface NativeChip {
  /** As `gpiochip0`. */
  readonly name: string;
  /** As `pinctrl-bcm2711`; may be empty. */
  readonly label: string;
  readonly lineCount: number;
}

export interface NativeLine {
  /** As `GPIO17`; empty for many. */
  readonly name: string;
  /** Who holds it, in its own words; may be empty though it is used. */
  readonly consumer: string;
  readonly isUsed: boolean;
}

/** One edge in a row of `edges`: line, level, stamp in nanoseconds, and its number, of 32 bits. */
export const numbersPerEdge = 4;

/** What gpio.c offers: see there. */
export interface NativeGpio {
  chip(path: string): NativeChip | Refusal;
  line(path: string, offset: number): NativeLine | Refusal;
  /** `bias`: 0 none, 1 pull-up, 2 pull-down. `debounceUs`: 0 for none. At most 32 offsets. */
  requestInputs(
    path: string,
    offsets: readonly number[],
    consumer: string,
    bias: 0 | 1 | 2,
    debounceUs: number,
  ): NativeRequest | Refusal;
  requestOutput(
    path: string,
    offset: number,
    consumer: string,
    level: 0 | 1,
    isOpenDrain: boolean,
  ): NativeRequest | Refusal;
  /** The levels as bits, by index. */
  read(request: NativeRequest): number | Refusal;
  drive(request: NativeRequest, level: 0 | 1): 0 | Refusal;
  /**
   * Once. `count` edges stand in `edges`, which is used again for the next; or it is a refusal, after
   * which there will be none. Sequences begin at 1 with the first edge after this call.
   */
  listen(
    request: NativeRequest,
    listener: (edges: Float64Array, count: number) => void,
  ): 0 | Refusal;
  close(request: NativeRequest): void;
}

let loaded: NativeGpio | undefined;

/** Loaded when it is first needed. Throws as `loadNativeAddon`. */
export function nativeGpio(): NativeGpio {
  loaded ??= loadNativeAddon({
    folder: "hal/linux/gpio",
    file: "postern_gpio.node",
  }) as NativeGpio;
  return loaded;
}

const { EACCES, EBADF, EBUSY, EINVAL, ENODEV, ENOENT, ENOTTY, ENXIO, EOPNOTSUPP, EPERM } =
  constants.errno;
/** The kernel's own, which some drivers let through. */
const kernelNotSupported = 524;

const kinds: ReadonlyMap<number, HalFailure> = new Map([
  [EBUSY, "in_use"],
  [EACCES, "not_permitted"],
  [EPERM, "not_permitted"],
  [ENOENT, "not_found"],
  [ENXIO, "not_found"],
  [ENODEV, "disconnected"],
  [EBADF, "disconnected"],
  [EINVAL, "not_supported"],
  [ENOTTY, "not_supported"],
  [EOPNOTSUPP, "not_supported"],
  [kernelNotSupported, "not_supported"],
]);

export function refusalKind(refusal: Refusal): HalFailure {
  return kinds.get(-refusal) ?? "io";
}

/** `what` names the line or the chip. */
export function refused(what: string, refusal: Refusal): HalError {
  const name = Object.entries(constants.errno).find(([, code]) => code === -refusal)?.[0];
  return new HalError(refusalKind(refusal), `${what}: ${name ?? `error ${-refusal}`}`);
}

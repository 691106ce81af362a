import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { describeFailure } from "../../../src/domain/describe-failure.ts";
import { failureCode } from "../../../src/domain/failure-code.ts";
import { HalError, type HalFailure } from "../../../src/domain/hal-error.ts";
import { classFolderOfLinux } from "./adapters.ts";

/** The two lines of noble, by who keeps them. Only the second one is still worked on. */
export const centralDrivers = ["abandonware", "stoprocent"] as const;

export type CentralDriver = (typeof centralDrivers)[number];

type Answered<T extends readonly unknown[]> = (error: unknown, ...values: T) => void;

/** What both lines have in common and we use. */
export interface NobleCharacteristic {
  readonly uuid: string;
  read(answered: Answered<[data: Buffer]>): void;
  write(data: Buffer, withoutResponse: boolean, answered: Answered<[]>): void;
  subscribe(answered: Answered<[]>): void;
  on(event: "data", listener: (data: Buffer) => void): void;
}

export interface NoblePeripheral {
  readonly id: string;
  readonly rssi: number;
  /** Not before the first answer of the other end. */
  readonly mtu?: number | null;
  readonly state: string;
  connect(answered: Answered<[]>): void;
  cancelConnect(): void;
  disconnect(): void;
  discoverSomeServicesAndCharacteristics(
    services: string[],
    characteristics: string[],
    answered: Answered<[services: unknown, characteristics: readonly NobleCharacteristic[]]>,
  ): void;
  once(event: "connect", listener: (error: unknown) => void): void;
  once(event: "disconnect", listener: () => void): void;
}

export interface Noble {
  /** Opens the adapter when it is first asked for. */
  readonly state: string;
  startScanning(services: string[], allowDuplicates: boolean, answered: Answered<[]>): void;
  stopScanning(stopped: () => void): void;
  on(event: "discover", listener: (peripheral: NoblePeripheral) => void): void;
  on(event: "stateChange", listener: (state: string) => void): void;
  removeListener(event: "discover", listener: (peripheral: NoblePeripheral) => void): void;
}

export interface OpenNoble {
  readonly noble: Noble;
  /** To be called once, when the adapter is powered. */
  readonly settle: () => void;
  readonly close: () => void;
}

/**
 * An adapter in the kernel's user channel: nobody else has it meanwhile, and the kernel's own Bluetooth does
 * nothing with it. (Over the raw channel two hosts drive one controller, and @abandonware/noble's connecting
 * blocks the process for many seconds.) The adapter is to be down before. Throws `HalError`.
 */
export function openNoble(driver: CentralDriver, adapter: number): OpenNoble {
  const name = `hci${adapter}`;
  if (!existsSync(classFolderOfLinux)) {
    throw new HalError(
      "not_supported",
      "this kernel has no Bluetooth, or no adapter was ever found",
    );
  }
  if (!existsSync(`${classFolderOfLinux}/${name}`)) {
    throw new HalError("not_found", `there is no Bluetooth adapter ${name}`);
  }
  try {
    const open = driver === "abandonware" ? openAbandonware(adapter) : openStoprocent(adapter);
    // It tells why only by throwing, or not at all.
    if (open.noble.state !== "unsupported") return open;
    open.close();
  } catch (error) {
    throw adapterError(name, error);
  }
  throw new HalError("in_use", `${name} cannot be had: ${inUse(name)}, or this user may not`);
}

const inUse = (name: string) =>
  `it is up or has another user (\`systemctl stop bluetooth\`, \`hciconfig ${name} down\`)`;

function adapterError(name: string, cause: unknown): HalError {
  const code = failureCode(cause);
  const of = (kind: HalFailure, why: string) => new HalError(kind, `${name}: ${why}`, { cause });
  if (code === "EBUSY") return of("in_use", inUse(name));
  if (code === "EPERM" || code === "EACCES") {
    return of("not_permitted", "only root may have an adapter to itself (CAP_NET_ADMIN)");
  }
  if (code === "ENODEV") return of("not_found", "it is gone");
  if (code === "EAFNOSUPPORT") return of("not_supported", "this kernel has no Bluetooth");
  if (code === "MODULE_NOT_FOUND") return of("not_supported", "its driver is not installed");
  return of("io", describeFailure(cause));
}

const load = createRequire(import.meta.url);

/** Of what @abandonware/noble 1.9.2 keeps to itself; it has no other door to any of it. */
interface AbandonwareNoble extends Noble {
  readonly _bindings: {
    readonly _hci: {
      _userChannel: boolean;
      readonly _socket: { stop(): void };
      readLeBufferSize(): void;
    };
  };
}

function openAbandonware(adapter: number): OpenNoble {
  const create = load("@abandonware/noble/with-custom-binding") as (
    options: object,
  ) => AbandonwareNoble;
  const noble = create({ deviceId: adapter, extended: false });
  const { _hci: hci } = noble._bindings;
  // Its option of that name is taken for the opposite (lib/hci-socket/hci.js: `=== "undefined" &&`).
  hci._userChannel = true;
  return {
    noble,
    // It never asks in the user channel, and without the answer it sends nothing, for ever.
    settle: () => hci.readLeBufferSize(),
    close: () => hci._socket.stop(),
  };
}

function openStoprocent(adapter: number): OpenNoble {
  const { withBindings } = load("@stoprocent/noble") as {
    withBindings(kind: "hci", options: object): Noble & { stop(): void };
  };
  const noble = withBindings("hci", { deviceId: adapter, userChannel: true, extended: false });
  return { noble, settle: () => undefined, close: () => noble.stop() };
}

import { type KeyObject, randomBytes } from "node:crypto";
import type { ReaderId, SiteId } from "../../src/domain/ids.ts";
import { privateSeedBytes } from "../../src/protocols/mobile-pass/p256.ts";
import type { PhoneAction } from "../../src/protocols/mobile-pass/phone-message.ts";
import { newPhone, type PhoneState } from "../../src/protocols/mobile-pass/phone-state.ts";
import type { Board } from "../board.ts";
import type { BoardProfile } from "../board-profile.ts";
import type { Clock } from "../clock.ts";
import { SimBlePeripheral } from "./sim-ble.ts";
import { SimPhone, type SimPhoneOutcome } from "./sim-phone.ts";

/** Phones that are remembered; one more is refused. */
export const simPhonesMax = 64;

/** One use of a phone, by whoever holds it. */
export interface SimPhoneUse {
  /** What people call it. */
  readonly phone: string;
  readonly action: PhoneAction;
  /** Of the site that it belongs to, of a phone that was not used before: it is new then. */
  readonly siteKey?: KeyObject;
  /** How strongly the reader hears it, in dBm. */
  readonly rssi: number;
}

/** Why a phone is not used: nothing was sent then. */
export type SimPhoneFault = "no_radio" | "site_key_missing" | "too_many" | "in_use";

/** The radios of a simulated board's readers, and the phones of the people in front of them. */
export class SimPhones {
  readonly #site: SiteId;
  readonly #clock: Clock;
  readonly #radios = new Map<
    string,
    { readonly peripheral: SimBlePeripheral; readonly rssiMin?: number }
  >();
  readonly #phones = new Map<string, { readonly phone: SimPhone; readonly address: string }>();
  readonly #inUse = new Set<string>();

  constructor(options: {
    readonly profile: BoardProfile;
    readonly clock: Clock;
    readonly site: SiteId;
  }) {
    const { profile, clock, site } = options;
    this.#site = site;
    this.#clock = clock;
    for (const { id, ble } of profile.readers) {
      if (ble === undefined) continue;
      const { rssiMin } = ble;
      const peripheral = new SimBlePeripheral({ clock });
      this.#radios.set(id, { peripheral, ...(rssiMin !== undefined && { rssiMin }) });
    }
  }

  /** Readers that have a radio. */
  get readers(): readonly string[] {
    return [...this.#radios.keys()];
  }

  addTo(board: Board): Board {
    const withRadio = board.readers.map((reader) => {
      const ble = this.#radios.get(reader.id);
      return ble === undefined ? reader : { ...reader, ble };
    });
    return { ...board, readers: withRadio };
  }

  async use(reader: ReaderId, use: SimPhoneUse): Promise<SimPhoneOutcome | SimPhoneFault> {
    const radio = this.#radios.get(reader);
    if (radio === undefined) return "no_radio";
    if (this.#inUse.has(use.phone)) return "in_use";
    const known = this.#phones.get(use.phone) ?? this.#make(use);
    if (typeof known === "string") return known;
    const { phone, address } = known;
    this.#inUse.add(use.phone);
    try {
      return await phone.use(radio.peripheral.central({ address, rssi: use.rssi }), use.action);
    } finally {
      this.#inUse.delete(use.phone);
    }
  }

  /** All that this phone keeps, to go on with elsewhere; undefined where nobody has one of that name. */
  stateOf(phone: string): PhoneState | undefined {
    return this.#phones.get(phone)?.phone.state;
  }

  close(): void {
    for (const { peripheral } of this.#radios.values()) peripheral.close();
  }

  #make({ phone: name, siteKey }: SimPhoneUse) {
    if (siteKey === undefined) return "site_key_missing";
    if (this.#phones.size >= simPhonesMax) return "too_many";
    const deviceSeed = randomBytes(privateSeedBytes);
    const state = newPhone({ site: this.#site, siteKey, deviceSeed });
    const phone = new SimPhone({ state, clock: this.#clock, entropy: randomBytes });
    // As phones draw them that do not want to be known by it: the first two bits are set to 01.
    const drawn = randomBytes(6);
    drawn[0] = ((drawn[0] ?? 0) & 0x3f) | 0x40;
    const made = { phone, address: drawn.toString("hex").replace(/..(?!$)/g, "$&:") };
    this.#phones.set(name, made);
    return made;
  }
}

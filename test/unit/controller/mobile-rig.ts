import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { BlePeripheral } from "../../../hal/ble.ts";
import { SimBlePeripheral, type SimBlePhone } from "../../../hal/sim/sim-ble.ts";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import { SimPhone } from "../../../hal/sim/sim-phone.ts";
import type { PassRecord, TableContent } from "../../../src/domain/access.ts";
import type { RawCredential } from "../../../src/domain/credential.ts";
import { controllerId, siteId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import { privateKeyFrom, privateSeedBytes } from "../../../src/protocols/mobile-pass/p256.ts";
import type { PhoneAction } from "../../../src/protocols/mobile-pass/phone-message.ts";
import { newPhone, phoneOf } from "../../../src/protocols/mobile-pass/phone-state.ts";
import { issueReaderCertificate } from "../../../src/protocols/mobile-pass/reader-certificate.ts";
import type { Entropy } from "../../../src/protocols/mobile-pass/version.ts";
import { cardPass } from "../core/sample-table.ts";
import { content, front, open } from "./door-rig.ts";

const site = siteId("test");
const controller = controllerId("one");
const { publicKey: siteKey, privateKey: mobileKey } = generateKeyPairSync("ed25519");
const controllerKey = privateKeyFrom(new Uint8Array(privateSeedBytes).fill(5));
export const entropy: Entropy = (byteCount) => randomBytes(byteCount);

/** A site that signs for other readers. */
export const anotherSite = () => ({ siteKey: generateKeyPairSync("ed25519").publicKey });

/** As the site signs it for a controller. */
export function certificateOf(readerKey = controllerKey, issuedAt = 1_700_000_000_000): string {
  const issued = { site, controller, readerKey, issuedAt: epochMs(issuedAt), mobileKey };
  return Buffer.from(issueReaderCertificate(issued)).toString("base64url");
}

export const certified = { certificate: certificateOf() };

/** A phone of the site that has never met a reader. */
export function phoneOn(clock: SimClock, key = siteKey): SimPhone {
  const state = newPhone({ site, siteKey: key, deviceSeed: randomBytes(privateSeedBytes) });
  return new SimPhone({ state, clock, entropy });
}

export const rawOf = (phone: SimPhone): RawCredential => phoneOf(phone.state.deviceKey);

export function phonePassOf(
  id: string,
  user: string,
  phone: SimPhone,
  part: Partial<PassRecord> = {},
): PassRecord {
  return cardPass(id, user, rawOf(phone), { kind: "mobile", ...part });
}

/** The people of `content`, and these passes beside theirs. */
export function withPhones(
  passes: readonly PassRecord[],
  base: TableContent = content(),
): TableContent {
  return { ...base, passes: [...base.passes, ...passes], mobile: certified };
}

type OpenOptions = NonNullable<Parameters<typeof open>[1]>;

/** A whole controller on simulated lines, with a radio at the front reader and one at the lab's. */
export function openMobile(
  table: TableContent | undefined,
  {
    clock = new SimClock(),
    rssiMin,
    wired = (peripheral) => peripheral,
    ...others
  }: Omit<OpenOptions, "radios" | "mobile"> & {
    readonly rssiMin?: number;
    /** What stands between the controller and a radio. */
    readonly wired?: (peripheral: BlePeripheral) => BlePeripheral;
  } = {},
) {
  const radio = new SimBlePeripheral({ clock });
  const labRadio = new SimBlePeripheral({ clock });
  const settings = rssiMin === undefined ? {} : { rssiMin };
  const world = open(table, {
    clock,
    ...others,
    radios: new Map([
      ["front", { peripheral: wired(radio), ...settings }],
      ["lab", { peripheral: wired(labRadio), ...settings }],
    ]),
    mobile: { controllerKey, entropy },
  });
  const use = async (
    phone: SimPhone,
    {
      at = radio,
      action = "present",
      ...as
    }: Partial<SimBlePhone> & {
      readonly at?: SimBlePeripheral;
      readonly action?: PhoneAction;
    } = {},
  ) => {
    world.order.length = 0;
    const outcome = await phone.use(at.central({ address: "c0:00:00:00:00:01", ...as }), action);
    // The phone hangs up when it has heard.
    await clock.elapse(1);
    return outcome;
  };
  return {
    ...world,
    radio,
    labRadio,
    use,
    phone: () => phoneOn(clock),
    led: (reader: "front" | "lab" = "front") => world.sim.state().readers[reader]?.led,
    mobile: (reader = front.reader) =>
      world.controller.readers().find(({ id }) => id === reader)?.mobile,
    troubles: () =>
      world.events.flatMap((event) =>
        event.kind === "trouble" ? [`${event.trouble} ${event.state}`] : [],
      ),
  };
}

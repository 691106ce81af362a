import type { RawCredential } from "../../domain/credential.ts";
import { type MonotonicMs, monotonicMs } from "../../domain/time.ts";
import { type Channel, openChannel, sealedBytes, unseal } from "./channel.ts";
import type { MobileFault } from "./mobile-fault.ts";
import { type EphemeralKey, pointBytes } from "./p256.ts";
import {
  credentialOf,
  decodePhoneMessage,
  isFastGenuine,
  isFullGenuine,
  type PhoneAction,
  type PhoneForm,
  type PhoneMessage,
  phoneIdOf,
} from "./phone-message.ts";
import { type Resumption, resumptionMs } from "./resumption.ts";
import { protocolVersion } from "./version.ts";

/** What a reader needs to hear a phone; `channel` once the phone was asked for the full form. */
export interface Listener {
  readonly hello: Uint8Array;
  readonly ephemeral: EphemeralKey;
  readonly resume: (id: string) => Resumption | undefined;
  readonly channel: Channel | undefined;
}

export interface ProvenPhone {
  readonly action: PhoneAction;
  readonly form: PhoneForm;
  /** Under what it is remembered. */
  readonly id: string;
  readonly phone: RawCredential;
  /** The day that a signature began goes on; a MAC begins none. */
  readonly resumableUntil: MonotonicMs;
}

export type Heard =
  | { readonly kind: "proven"; readonly channel: Channel; readonly proven: ProvenPhone }
  /**
   * No fault: a phone whose last answer was lost, or whom the reader has forgotten, comes like this. A
   * MAC of somebody else's gets the same answer, so that nobody learns who is remembered.
   */
  | { readonly kind: "full_needed"; readonly channel: Channel }
  | {
      readonly kind: "refused";
      readonly fault: MobileFault;
      /** Undefined where nothing was said yet that only the two of them could read. */
      readonly channel: Channel | undefined;
    };

const openingBytes = 1 + pointBytes;

/** A whole message of a phone, of which nothing is known yet. What is cheap is asked first. */
export function hearPhone(listener: Listener, message: Uint8Array, now: MonotonicMs): Heard {
  const { hello, ephemeral, channel } = listener;
  const refused = (fault: MobileFault): Heard => ({ kind: "refused", fault, channel });
  if (message[0] !== protocolVersion) return refused("version_unknown");
  if (channel !== undefined) return hearSealed(listener, channel, message.subarray(1), now);
  if (message.length < openingBytes + sealedBytes(1)) return refused("message_malformed");
  const opening = message.subarray(0, openingBytes);
  const agreed = ephemeral.agree(opening.subarray(1));
  if (agreed === undefined) return refused("key_invalid");
  const opened = openChannel({ hello, opening, agreed });
  return hearSealed(listener, opened, message.subarray(openingBytes), now);
}

function hearSealed(listener: Listener, before: Channel, box: Uint8Array, now: MonotonicMs): Heard {
  const opened = unseal(before, "to_reader", box);
  if (opened === undefined) {
    return { kind: "refused", fault: "not_authentic", channel: listener.channel };
  }
  const { channel, plain } = opened;
  const refused = (fault: MobileFault): Heard => ({ kind: "refused", fault, channel });
  const message = decodePhoneMessage(plain);
  if (message === undefined) return refused("message_malformed");
  if (message.form === "full") {
    if (!isFullGenuine(before, message)) return refused("signature_wrong");
    return { kind: "proven", channel, proven: signedBy(message, now) };
  }
  // Told once that it is not known like this: it could go on asking.
  if (listener.channel !== undefined) return refused("message_malformed");
  const { id } = message;
  const known = listener.resume(id);
  if (known === undefined || now >= known.expiresAt || !isFastGenuine(before, message, known.key)) {
    return { kind: "full_needed", channel };
  }
  const { phone, expiresAt: resumableUntil } = known;
  const proven = { action: "present", form: "fast", id, phone, resumableUntil } as const;
  return { kind: "proven", channel, proven };
}

function signedBy(
  { action, deviceKey }: Extract<PhoneMessage, { form: "full" }>,
  now: MonotonicMs,
): ProvenPhone {
  return {
    action,
    form: "full",
    id: phoneIdOf(deviceKey),
    phone: credentialOf(deviceKey),
    resumableUntil: monotonicMs(now + resumptionMs),
  };
}

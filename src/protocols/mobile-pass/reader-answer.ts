/** All that a phone is told; why it was denied is none of it. */
export type ReaderAnswer =
  | "granted"
  | "denied"
  /** Taken as a first factor: the reader waits for the PIN. */
  | "more_needed"
  | "enrolled"
  | "not_enrolling"
  | "try_later";

const answerCodes = {
  granted: 1,
  denied: 2,
  more_needed: 3,
  enrolled: 4,
  not_enrolling: 5,
  try_later: 6,
  /** No outcome: the reader does not know the phone by its fast form. */
  full_needed: 7,
} as const satisfies Record<ReaderAnswer | "full_needed", number>;

export interface SealedAnswer {
  readonly answer: ReaderAnswer | "full_needed";
  /** For how many seconds the next time may be fast; 0 where it may not. */
  readonly resumableForS: number;
}

export const answerBytes = 5;

/** The same length whatever it says: who listens does not see whether it was granted. */
export function encodeAnswer({ answer, resumableForS }: SealedAnswer): Uint8Array {
  const bytes = Buffer.alloc(answerBytes);
  bytes.writeUInt8(answerCodes[answer]);
  bytes.writeUInt32BE(resumableForS, 1);
  return bytes;
}

/** Undefined where it is none. */
export function decodeAnswer(plain: Uint8Array): SealedAnswer | undefined {
  const code = plain[0];
  const found = Object.entries(answerCodes).find(([, known]) => known === code);
  if (found === undefined || plain.length !== answerBytes) return undefined;
  const answer = found[0] as keyof typeof answerCodes;
  const resumableForS = Buffer.from(plain).readUInt32BE(1);
  return resumableForS > 0 && answer !== "granted" ? undefined : { answer, resumableForS };
}

/** What comes first in a message to the phone. */
export const sealedKind = 1;
const plainKind = 0;

/** What a reader says where it shares no key with the phone. Anybody can say it. */
const refusalCodes = {
  version_unknown: 1,
  frame_malformed: 2,
  message_malformed: 3,
  key_invalid: 4,
  not_authentic: 5,
} as const;

export type PlainRefusal = keyof typeof refusalCodes;

export const isPlainRefusal = (fault: string): fault is PlainRefusal =>
  Object.hasOwn(refusalCodes, fault);

export function encodeRefusal(refusal: PlainRefusal): Uint8Array {
  return Uint8Array.of(plainKind, refusalCodes[refusal]);
}

/** Whatever its code: newer readers may know more of them. */
export function isRefusal(message: Uint8Array): boolean {
  return message.length === 2 && message[0] === plainKind;
}

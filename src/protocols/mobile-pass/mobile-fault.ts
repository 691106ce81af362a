/** Why a reader ended a session without an outcome. Stable strings, for counters and events. */
export type MobileFault =
  /** A frame of the wrong shape, out of order, or one too many. */
  | "frame_malformed"
  /** A message of the wrong length or with a value that means nothing. */
  | "message_malformed"
  | "version_unknown"
  /** It wrote before it listened for the answer. */
  | "not_subscribed"
  /** What should be a public key is no point of the curve. */
  | "key_invalid"
  /** It was not encrypted for this session: altered, replayed, or for another reader. */
  | "not_authentic"
  /** The phone does not have the private key of what it calls its own. */
  | "signature_wrong"
  /** Nothing was written for 1,500 ms. */
  | "idle"
  /** 3,000 ms were over. */
  | "too_late"
  /** The phone went before it had said all. */
  | "left_early";

/** Why a phone got no answer, or believes none. */
export type PhoneFault =
  | "hello_malformed"
  | "version_unknown"
  /** The reader speaks a newer version, that this phone speaks too: somebody hides it. */
  | "downgraded"
  | "certificate_of_another_site"
  /** Not signed by the site that this phone belongs to. */
  | "certificate_not_authentic"
  /** The controller has another, newer key since. */
  | "certificate_superseded"
  /** The hello is not signed by the key that the site certified. */
  | "hello_not_authentic"
  /** The reader answered with something that is no answer, or altered on its way. */
  | "answer_not_authentic"
  /** The reader said, unauthenticated, that it cannot read this phone. */
  | "not_understood"
  | "too_late"
  | "link_lost";

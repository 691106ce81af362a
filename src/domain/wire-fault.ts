/**
 * What a supervised input reads beside its two states: its wire was cut, or its conductors touch. An
 * input that is not supervised cannot tell and reads one of its states instead.
 */
export type WireFault = "cut" | "shorted";

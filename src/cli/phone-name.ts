/** A phone's name, as it is typed; of its own, so that a verb's arguments load no cryptography. */
export const phoneName: RegExp = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** The GATT service of a reader that takes mobile passes; drawn once, at random. */
export const mobilePassService = {
  service: "b51d0001f2a44be79c64d0a1b6e3c27f",
  hello: "b51d0002f2a44be79c64d0a1b6e3c27f",
  pass: "b51d0003f2a44be79c64d0a1b6e3c27f",
  result: "b51d0004f2a44be79c64d0a1b6e3c27f",
} as const;

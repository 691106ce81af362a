import type { Level } from "./gpio.ts";

/**
 * Where the kernel has an output, for a program that drives it when the daemon is dead: it has no
 * profile, no names and no time.
 */
export type OutputAddress =
  | {
      /** A line of a GPIO character device. */
      readonly kind: "gpio";
      /** As `/dev/gpiochip0`. */
      readonly device: string;
      readonly offset: number;
    }
  | {
      /** A line that sysfs exported. */
      readonly kind: "sysfs";
      /** As `/sys/class/gpio/gpio529`. */
      readonly folder: string;
    }
  | {
      /** A bit of a chip on an I2C bus, where 1 is the level 1. */
      readonly kind: "i2c";
      /** As `/dev/i2c-1`. */
      readonly device: string;
      /** Seven bits. */
      readonly address: number;
      /** The register that holds the outputs, and the one that makes its bits inputs. */
      readonly outputs: { readonly register: number; readonly directionRegister: number };
      /** 0 to 7. */
      readonly bit: number;
    };

/** An output, and the level that secures what hangs from it. */
export interface SecuredOutput {
  /** As the profile names it. */
  readonly line: string;
  readonly address: OutputAddress;
  readonly securedLevel: Level;
}

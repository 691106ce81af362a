import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describeFailure } from "../../src/domain/describe-failure.ts";
import { HalError } from "../../src/domain/hal-error.ts";

/** Ours are ELF objects of the machine that runs Node. */
const prebuiltFolder = join("prebuilds", `linux-${process.arch}`);

/**
 * Loads an addon of ours, written in C against N-API: `file`, such as `postern_gpio.node`, which is
 * compiled from the sources in `folder`, such as `hal/linux/gpio`. The one that was compiled here goes
 * before the one that came with the package. The caller knows the shape of what it gets.
 *
 * Throws `HalError` `not_found` where there is neither, with the command that compiles it, and
 * `not_supported` for one that does not load here.
 */
export function loadNativeAddon(addon: {
  readonly folder: string;
  readonly file: string;
  readonly root?: string;
}): unknown {
  const { folder, file, root = packageRoot() } = addon;
  const places = [join(root, folder, "build", file), join(root, prebuiltFolder, file)];
  const place = places.find((candidate) => existsSync(candidate));
  if (place === undefined) {
    throw new HalError(
      "not_found",
      `${file} is neither in ${places.join(" nor in ")}: compile it with "npm run native"`,
    );
  }
  try {
    return createRequire(import.meta.url)(place) as unknown;
  } catch (cause) {
    throw new HalError("not_supported", `${place}: ${describeFailure(cause)}`, { cause });
  }
}

/** The folder of package.json: this file runs from `hal/` and, compiled, from `dist/hal/`. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const above = dirname(folder);
    if (above === folder) throw new HalError("not_found", "no package.json above this program");
    folder = above;
  }
  return folder;
}

import { PackageError, runCommand } from "./run-command.ts";

/** The Debian package that has a library, and the oldest version that is known to be enough. */
const packagesOf: Readonly<Record<string, string>> = {
  "libstdc++.so.6": "libstdc++6",
  "libgcc_s.so.1": "libgcc-s1",
  "libc.so.6": "libc6",
  "libdl.so.2": "libc6",
  "libm.so.6": "libc6",
  "libpthread.so.0": "libc6",
  "librt.so.1": "libc6",
  "ld-linux-x86-64.so.2": "libc6",
  "ld-linux-aarch64.so.1": "libc6",
};

/** Which release of GCC brought a version of libstdc++'s symbols, as its package counts. Newest first. */
const compilerOfSymbols: readonly (readonly [symbols: string, compiler: string])[] = [
  ["3.4.30", "12"],
  ["3.4.29", "11"],
  ["3.4.28", "9"],
];

/**
 * What goes into `Depends` for the programs and addons in `files`, sorted. Read from the files themselves,
 * of whatever machine they are: dpkg-shlibdeps wants the other machine's libraries installed here. Throws
 * `PackageError` for a library that no package is known for.
 */
export function libraryPackages(files: readonly string[]): readonly string[] {
  const packages = new Map<string, string>();
  for (const file of files) {
    for (const { library, version } of neededLibraries(elfDump(file))) {
      const name = packagesOf[library];
      if (name === undefined) throw new PackageError(`${file} needs ${library}, of what package?`);
      packages.set(name, laterVersion(packages.get(name) ?? "", packageVersion(name, version)));
    }
  }
  return [...packages]
    .map(([name, version]) => (version === "" ? name : `${name} (>= ${version})`))
    .sort();
}

function elfDump(file: string): string {
  const env = { ...process.env, LC_ALL: "C" };
  return runCommand("readelf", ["--wide", "--dynamic", "--version-info", file], {
    env,
    from: "binutils",
  });
}

/** Each needed library with the newest version of its symbols that is asked for, or "". */
export function neededLibraries(
  dump: string,
): readonly { readonly library: string; readonly version: string }[] {
  const versions = new Map<string, string>();
  for (const [, library = ""] of dump.matchAll(/\(NEEDED\).*\[(.*)\]/g)) versions.set(library, "");
  let library = "";
  for (const line of dump.split("\n")) {
    library = /\bFile: (\S+)/.exec(line)?.[1] ?? library;
    const version = /\bName: GLIBC(?:XX)?_([0-9.]+)\b/.exec(line)?.[1];
    if (version === undefined || !versions.has(library)) continue;
    versions.set(library, laterVersion(versions.get(library) ?? "", version));
  }
  return [...versions].map(([name, version]) => ({ library: name, version }));
}

function packageVersion(name: string, symbols: string): string {
  if (name === "libc6") return symbols;
  if (name !== "libstdc++6" || symbols === "") return "";
  const [newest = ""] = compilerOfSymbols[0] ?? [];
  if (laterVersion(newest, symbols) !== newest) {
    throw new PackageError(`GLIBCXX_${symbols} is of what release of GCC?`);
  }
  const enough = compilerOfSymbols.find(([known]) => laterVersion(known, symbols) === symbols);
  return enough?.[1] ?? "";
}

function laterVersion(left: string, right: string): string {
  const numbers = (text: string) => text.split(".").map(Number);
  const [ours, theirs] = [numbers(left), numbers(right)];
  for (let index = 0; index < Math.max(ours.length, theirs.length); index += 1) {
    const difference = (ours[index] ?? 0) - (theirs[index] ?? 0);
    if (difference !== 0) return difference > 0 ? left : right;
  }
  return left;
}

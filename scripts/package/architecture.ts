/** A machine that packages are made for, by the names that each tool has for it. */
export interface Architecture {
  readonly debian: "amd64" | "arm64";
  /** As in `process.arch`. */
  readonly node: "x64" | "arm64";
  /** What the names of a cross compiler's programs begin with, on Debian. */
  readonly toolPrefix: string;
}

export const architectures: readonly Architecture[] = [
  { debian: "amd64", node: "x64", toolPrefix: "x86_64-linux-gnu-" },
  { debian: "arm64", node: "arm64", toolPrefix: "aarch64-linux-gnu-" },
];

/** The compiler and binutils that make programs for `architecture`, whatever this machine is. */
export function toolsFor({ toolPrefix }: Architecture): {
  readonly cc: string;
  readonly cxx: string;
  readonly ar: string;
  readonly strip: string;
} {
  const tool = (name: string) => `${toolPrefix}${name}`;
  return { cc: tool("gcc"), cxx: tool("g++"), ar: tool("ar"), strip: tool("strip") };
}

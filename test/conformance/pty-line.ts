import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

/**
 * Holds the far end of a pair of terminals whose near end is at the path that it is given: bytes come in
 * by its standard input and go out by its output. When it ends, the near end hangs up and is gone, as
 * that of an adapter which is unplugged.
 */
const holder = `
import os, pty, select, sys, tty
far, near = pty.openpty()
tty.setraw(near)
path = sys.argv[1]
fresh = path + ".new"
os.symlink(os.ttyname(near), fresh)
os.rename(fresh, path)
os.write(2, b"plugged\\n")
while True:
    ready = select.select([0, far], [], [])[0]
    if 0 in ready:
        data = os.read(0, 4096)
        if not data:
            break
        os.write(far, data)
    if far in ready:
        os.write(1, os.read(far, 4096))
os.unlink(path)
`;

/** Why no pair of terminals can be had, or false. */
export function missingForPty(): string | false {
  const found = spawnSync("python3", ["-c", "import pty"], { stdio: "ignore" });
  return found.status === 0 ? false : "python3 is not installed";
}

/** A wire whose near end comes and goes at a path. */
export class PtyLine {
  readonly #path: string;
  readonly #received: Uint8Array[] = [];
  #holder: ChildProcess | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async plug(): Promise<void> {
    const child = spawn("python3", ["-u", "-c", holder, this.#path], { stdio: "pipe" });
    this.#holder = child;
    child.stdout.on("data", (bytes: Buffer) => this.#received.push(Uint8Array.from(bytes)));
    const [said] = (await once(child.stderr, "data")) as [Buffer];
    if (said.toString() !== "plugged\n") throw new Error(said.toString());
  }

  async unplug(): Promise<void> {
    const child = this.#holder;
    this.#holder = undefined;
    if (child === undefined) return;
    const ended = once(child, "exit");
    child.stdin?.end();
    await ended;
  }

  async send(bytes: Uint8Array): Promise<void> {
    const input = this.#holder?.stdin;
    if (input === undefined || input === null) throw new Error("nothing is plugged in");
    await new Promise<void>((resolve, reject) => {
      input.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  received(): Uint8Array {
    return Uint8Array.from(this.#received.flatMap((bytes) => [...bytes]));
  }
}

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { createSystemClock } from "../../../hal/linux/system-clock.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import type { RigTime } from "../rig-target.ts";
import type { AgentAnswer, AgentCall, AgentCalls } from "./agent-protocol.ts";
import type { GuestImage } from "./guest-image.ts";

export interface GuestOptions {
  readonly image: GuestImage;
  /** The compiled sources: the guest runs `test/rig/kernel/agent.js` of it. */
  readonly program: string;
  /** Shared with the guest, where it is /rig. */
  readonly share: string;
  readonly consoleLog: string;
  readonly time: RigTime;
  readonly init: "plain" | "systemd";
  /** Of kernel modules, as `rig.groups` names them. */
  readonly groups: readonly string[];
  /** A disk image, which the guest mounts at /disk. Its writes are on it when the guest is told so. */
  readonly disk?: string;
  readonly note: (text: string) => void;
}

/** A machine that runs. */
export interface Guest {
  /** Rejects with what the agent says went wrong, or when the machine is gone. */
  call<Name extends keyof AgentCalls>(
    name: Name,
    parameters: AgentCalls[Name]["parameters"],
  ): Promise<AgentCalls[Name]["result"]>;
  /** As when the plug is pulled. */
  cutPower(): Promise<void>;
  /** QEMU's exit code: 0 where the machine was reset or switched itself off. */
  readonly ended: Promise<number | null>;
}

/** On a machine with much else to do it takes minutes. */
const bootSecondsMax = 400;

/** Boots a machine; resolves when its agent answers. */
export async function bootGuest(options: GuestOptions): Promise<Guest> {
  // However this process ends, an emulated machine must not go on without it, at a whole processor.
  const bound = ["--pdeathsig", "KILL", "qemu-system-x86_64", ...qemuArguments(options)];
  const qemu = spawn("setpriv", bound, { stdio: "pipe" });
  const ended = new Promise<number | null>((resolve) => qemu.on("close", resolve));
  const link = new AgentLink(qemu, options.note);
  const clock = createSystemClock({ quality: () => "unknown" });
  const started = clock.monotonic();
  const late = clock.alarm(monotonicMs(started + bootSecondsMax * 1_000), () => {
    options.note(`the guest has not come up in ${bootSecondsMax} s`);
    qemu.kill("SIGKILL");
  });
  try {
    const { programs } = options.image;
    await link.call("hello", { programs, time: options.time });
  } finally {
    late.cancel();
  }
  options.note(`booted in ${((clock.monotonic() - started) / 1_000).toFixed(1)} s`);
  return {
    ended,
    call: (name, parameters) => link.call(name, parameters),
    cutPower: async () => {
      const over = once(qemu, "close");
      qemu.kill("SIGKILL");
      await over;
    },
  };
}

function qemuArguments(options: GuestOptions): readonly string[] {
  const { image, program, share, consoleLog, time, init, groups, disk } = options;
  const words = [
    "console=ttyS0 panic=-1 quiet printk.devkmsg=on preempt=full",
    `rig.groups=${groups.join(",")} rig.program=${program} rig.node=${process.execPath}`,
    ...(init === "systemd" ? ["rig.systemd systemd.show_status=false"] : []),
  ];
  // Where there is nothing to run time jumps to what is next, or passes as this machine's does. Were it this
  // machine's throughout, it would stand still for milliseconds where others run, and bend every card.
  const icount = time === "exact" ? "shift=0,sleep=off" : "shift=2,sleep=on";
  return [
    ...["-accel", "tcg,thread=single", "-smp", "1", "-icount", icount],
    ...["-cpu", "max", "-m", "2048", "-nodefaults", "-no-user-config", "-display", "none"],
    ...["-no-reboot", "-serial", `file:${consoleLog}`],
    ...["-kernel", image.kernel, "-initrd", image.initramfs, "-append", words.join(" ")],
    "-virtfs",
    "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap",
    ...["-virtfs", `local,path=${share},mount_tag=rig,security_model=none`],
    ...["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"],
    ...[
      "-chardev",
      "stdio,id=agent,signal=off",
      "-device",
      "virtserialport,chardev=agent,name=agent",
    ],
    ...(groups.includes("net") ? ["-nic", "user,model=virtio-net-pci"] : []),
    ...(groups.includes("watchdog") ? ["-device", "i6300esb", "-action", "watchdog=reset"] : []),
    // Writethrough: what the guest was told is on the disk is in the image when QEMU is killed.
    ...(disk === undefined
      ? []
      : ["-drive", `file=${disk},format=raw,if=virtio,cache=writethrough`]),
  ];
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (cause: Error) => void;
}

/** Questions and answers over QEMU's standard input and output, a line of JSON each. */
class AgentLink {
  readonly #qemu: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #ended: Error | undefined;

  constructor(qemu: ChildProcessWithoutNullStreams, note: (text: string) => void) {
    this.#qemu = qemu;
    createInterface({ input: qemu.stdout }).on("line", (line) => this.#take(line, note));
    createInterface({ input: qemu.stderr }).on("line", (line) => note(`qemu: ${line}`));
    qemu.stdin.on("error", () => undefined);
    qemu.on("error", (error) => this.#end(error));
    qemu.on("close", (code, signal) => {
      this.#end(new Error(`the guest ended (${signal ?? `exit code ${code}`}): see console.log`));
    });
  }

  call<Name extends keyof AgentCalls>(
    name: Name,
    parameters: AgentCalls[Name]["parameters"],
  ): Promise<AgentCalls[Name]["result"]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      const id = this.#nextId;
      this.#nextId += 1;
      this.#waiting.set(id, {
        resolve: (result) => resolve(result as AgentCalls[Name]["result"]),
        reject,
      });
      this.#qemu.stdin.write(`${JSON.stringify({ id, name, parameters } satisfies AgentCall)}\n`);
    });
  }

  #take(line: string, note: (text: string) => void): void {
    let answer: AgentAnswer;
    try {
      answer = JSON.parse(line) as AgentAnswer;
    } catch {
      note(`the agent said what is no answer: ${line.slice(0, 200)}`);
      return;
    }
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.error === undefined) waiting?.resolve(answer.result);
    else waiting?.reject(new Error(answer.error));
  }

  #end(cause: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = cause;
    for (const { reject } of this.#waiting.values()) reject(cause);
    this.#waiting.clear();
  }
}

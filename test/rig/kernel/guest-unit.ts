import { edgeNs } from "../../../src/domain/time.ts";
import type { ControllerStarted } from "../rig-target.ts";
import type { Guest } from "./guest.ts";

const unit = "postern-controller.service";

/** The shipped unit under the guest's systemd, laid out as the package lays it out. */
export class GuestUnit {
  /** That of the unit's StateDirectory. */
  readonly stateFolder = "/var/lib/postern";
  readonly #guest: () => Guest;
  readonly #program: string;
  #isInstalled = false;

  constructor(options: { readonly guest: () => Guest; readonly program: string }) {
    this.#guest = options.guest;
    this.#program = options.program;
  }

  forget(): void {
    this.#isInstalled = false;
  }

  /** Resolves when systemd has been told that it is ready. */
  async start(config: string): Promise<ControllerStarted> {
    const guest = this.#guest();
    if (!this.#isInstalled) await this.#install();
    this.#isInstalled = true;
    await guest.call("write", { file: "/etc/postern/controller.toml", text: config });
    await this.#shell("chown -R postern:postern /var/lib/postern /etc/postern");
    await this.#shell(
      `systemctl start ${unit} || { journalctl -u ${unit} -n 60 --no-pager >&2; false; }`,
    );
    const shown = await this.#show(
      "MainPID",
      "ExecMainStartTimestampMonotonic",
      "ActiveEnterTimestampMonotonic",
    );
    const [pid = 0, spawnedUs = 0, readyUs = 0] = shown.map(Number);
    return { pid, spawnedAt: edgeNs(spawnedUs * 1_000), readyAt: edgeNs(readyUs * 1_000) };
  }

  async stop(): Promise<number | null> {
    await this.#shell(`systemctl stop ${unit}`);
    const [status = ""] = await this.#show("ExecMainStatus");
    return Number(status);
  }

  /** Of the process that systemd has for it now; undefined while there is none. */
  async mainPid(): Promise<number | undefined> {
    const [pid = "0"] = await this.#show("MainPID");
    return pid === "0" ? undefined : Number(pid);
  }

  output(): Promise<string> {
    return this.#shell(`journalctl -u ${unit} --no-pager -o cat`);
  }

  async #install(): Promise<void> {
    const script = `set -e
      sources=${this.#program}
      mkdir -p /etc/postern /usr/lib/postern
      systemd-sysusers "$sources/systemd/postern.sysusers.conf"
      printf '#!/bin/sh\\nexec ${process.execPath} %s "$@"\\n' "$sources/src/main.js" > /usr/bin/postern
      chmod 755 /usr/bin/postern
      cp "$sources/hal/linux/secure/build/postern-secure" /usr/lib/postern/
      cp "$sources/systemd/${unit}" /etc/systemd/system/
      mkdir -p /usr/lib/systemd/system.conf.d
      cp "$sources/systemd/postern-watchdog.conf" /usr/lib/systemd/system.conf.d/50-postern-watchdog.conf
      for device in /dev/gpiochip*; do chgrp gpio "$device"; chmod 660 "$device"; done
      for device in /dev/i2c-*; do [ ! -e "$device" ] || { chgrp i2c "$device"; chmod 660 "$device"; }; done
      systemctl daemon-reload
      [ ! -e /dev/watchdog0 ] || systemctl daemon-reexec`;
    await this.#shell(script);
  }

  /** The values of a unit's properties, in the order asked for. */
  async #show(...names: readonly string[]): Promise<readonly string[]> {
    const options = names.map((name) => `-p ${name}`).join(" ");
    const lines = (await this.#shell(`systemctl show ${options} ${unit}`)).split("\n");
    return names.map((name) => {
      const line = lines.find((candidate) => candidate.startsWith(`${name}=`));
      return line?.slice(name.length + 1) ?? "";
    });
  }

  async #shell(script: string): Promise<string> {
    const command = ["sh", "-c", script];
    const { code, stdout, stderr } = await this.#guest().call("run", { command, secondsMax: 300 });
    if (code === 0) return stdout;
    throw new Error(
      `${script.split("\n")[0]}: ${code}\n${stdout.slice(-2_000)}${stderr.slice(-6_000)}`,
    );
  }
}

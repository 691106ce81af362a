// A phone's radio in a process of its own, whose end gives the adapter back: `@abandonware/noble` does not
// before it is garbage. `ble-advertising-kernel.ts` starts it: `fork(…, [DRIVER])`, and says what it is to do.
import { openLinuxCentral } from "../../hal/linux/ble/central.ts";
import { createSystemClock } from "../../hal/linux/system-clock.ts";
import { mobilePassService } from "../../src/protocols/mobile-pass/gatt.ts";

/** `hear`: true when a reader was heard within `ms`. `connect`: resolves with whether it could. */
export type PhoneAsk =
  | { readonly do: "hear"; readonly ms: number }
  | { readonly do: "connect"; readonly ms: number }
  /** Answered when the link has gone; `leave` ends it first. */
  | { readonly do: "leave" }
  | { readonly do: "wait" };

const phone = await openLinuxCentral({
  driver: process.argv[2] === "stoprocent" ? "stoprocent" : "abandonware",
  adapter: 1,
  service: mobilePassService,
  clock: createSystemClock({ quality: () => "unknown" }),
});
let link: Awaited<ReturnType<typeof phone.connect>> | undefined;

async function obey(ask: PhoneAsk): Promise<boolean> {
  if (ask.do === "leave" || ask.do === "wait") {
    if (ask.do === "leave") link?.disconnect();
    await link?.gone;
    return true;
  }
  const [reader] = await phone.scan({ forMs: ask.ms, isEnough: () => true });
  if (ask.do === "connect" && reader !== undefined) link = await phone.connect(reader, ask.ms);
  return reader !== undefined;
}

process.on("message", (ask) => {
  // What fails here ends this process, and its parent says so.
  obey(ask as PhoneAsk).then(
    (isDone) => process.send?.({ isDone }),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.send?.({ isDone: true });

import { join } from "node:path";
import { ask } from "../../../src/cli/client.ts";
import { doorId } from "../../../src/domain/ids.ts";
import type { Stack } from "../../e2e/stack.ts";
import { Readings } from "../readings.ts";
import type { SiteCaller } from "./site-caller.ts";

/** A facility that no imported card has. */
const facility = 7;
const patienceMs = 30_000;

let lastNumber = 0;

/**
 * A card is issued over the API, one after another. Each time until the controller's own authoriser, asked
 * over its socket, would open the door to that card: milliseconds.
 */
export async function decideAfterIssue(options: {
  readonly stack: Stack;
  readonly caller: SiteCaller;
  readonly passes: number;
}): Promise<Readings> {
  const { stack, caller, passes } = options;
  const readings = new Readings();
  const acs_user_id = await caller.addUser("Bench Walker");
  await admitted(stack, undefined, acs_user_id);
  for (let pass = 0; pass < passes; pass += 1) {
    lastNumber += 1;
    const number = lastNumber;
    const card = { card_format: "H10301", card_number: `${facility}:${number}` };
    const startedAt = performance.now();
    await caller.ask("/postern/passes/create", { acs_user_id, kind: "card", ...card });
    await admitted(stack, number, acs_user_id);
    readings.add(performance.now() - startedAt);
  }
  return readings;
}

/** `number` undefined: the controller only has to answer. */
async function admitted(stack: Stack, number: number | undefined, who: string): Promise<void> {
  const socketFile = join(stack.stateDir, "controller.sock");
  const values = [String(facility), String(number ?? 0)];
  const args = { door: doorId("front"), card: { format: "H10301", values } };
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    const answer = await ask(socketFile, { verb: "explain", args });
    const { decision } = answer as { readonly decision: { readonly kind: string } };
    if (number === undefined || decision.kind === "granted") return;
    if (performance.now() > giveUpAt)
      throw new Error(`the door never had card ${number} of ${who}`);
  }
}

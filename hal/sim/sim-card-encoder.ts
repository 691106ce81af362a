import { fail, type Result, succeed } from "../../src/domain/result.ts";
import type { CardEncoder, EncoderFault } from "../card-encoder.ts";

/** A card of plastic: what is written to it stays there. */
export class SimCard {
  identity: Uint8Array = new Uint8Array();
  /** What goes wrong with it, or nothing; `wears_out`: it holds something else than what was written. */
  flaw: "none" | "unfit" | "taken_away" | "wears_out" = "none";
}

/** An encoder in memory. What lies on it, a test says. */
export class SimCardEncoder implements CardEncoder {
  card: SimCard | undefined;
  isOffline = false;

  async write(identity: Uint8Array): Promise<Result<Uint8Array, EncoderFault>> {
    if (this.isOffline) return fail("offline");
    const { card } = this;
    if (card === undefined) return fail("no_card");
    if (card.flaw === "unfit") return fail("card_unfit");
    card.identity = new Uint8Array(identity);
    if (card.flaw === "taken_away") {
      this.card = undefined;
      return fail("interrupted");
    }
    if (card.flaw === "wears_out") card.identity[0] = (card.identity[0] ?? 0) ^ 1;
    return succeed(new Uint8Array(card.identity));
  }
}

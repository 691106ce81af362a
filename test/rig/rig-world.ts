import { type DoorId, doorId, type ReaderId, readerId } from "../../src/domain/ids.ts";
import {
  type CardFields,
  encodeCard,
  standardFormats,
} from "../../src/protocols/wiegand/format.ts";

/** The doors and readers of every target's board: two doors, each with a reader of its name. */
export const front: DoorId = doorId("front");
export const lab: DoorId = doorId("lab");
export const frontReader: ReaderId = readerId("front");
export const labReader: ReaderId = readerId("lab");

/** The one that most sites have. */
export const adaCard = { format: "H10301", fields: { facility: 12, number: 34567 } };

/**
 * Ada's cards, one of each format. All of them open both doors at any time; `config/site.toml` beside
 * this file issues them.
 */
export const adaCards: readonly { readonly format: string; readonly fields: CardFields }[] = [
  adaCard,
  { format: "H10306", fields: { facility: 1234, number: 34567 } },
  { format: "H10302", fields: { number: 1_234_567_890 } },
  { format: "H10304", fields: { facility: 1234, number: 345678 } },
  { format: "C1000-35", fields: { facility: 123, number: 456789 } },
  { format: "C1000-48", fields: { facility: 12345, number: 678901 } },
  { format: "CSN32", fields: { uid: "04a1b2c3" } },
  { format: "CSN56", fields: { uid: "04a1b2c3d4e5f6" } },
  { format: "CSN80", fields: { uid: "04a1b2c3d4e5f6a7b8c9" } },
];

/** Opens both doors, at the keypads that they have. */
export const adaPin = "246810";

/** A card that nobody issued. */
export const strangerCard = { format: "H10301", fields: { facility: 99, number: 4711 } };

/** The bits of a card. Throws where the format does not take the fields. */
export function bitsOf(card: { readonly format: string; readonly fields: CardFields }): string {
  const format = standardFormats.find(({ name }) => name === card.format);
  const encoded = format && encodeCard(format, card.fields);
  if (!encoded?.ok) throw new Error(`${card.format} does not take ${JSON.stringify(card.fields)}`);
  return encoded.value;
}

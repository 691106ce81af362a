/**
 * What is said to be a table is none: its references do not resolve, or it has something twice. Of a
 * table that comes from outside it is caught and told; of one that we made it is our mistake.
 */
export class TableFault extends Error {
  override readonly name = "TableFault";
}

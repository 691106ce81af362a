import type { PassRecord } from "../../domain/access.ts";
import type { TableFrame, TableMark, TableUser } from "../../domain/table-change.ts";
import type { EpochMs } from "../../domain/time.ts";
import { newKeyBuffer, notAKey, writePresentedKey } from "./credential-key.ts";
import type { HashKey } from "./keyed-hash.ts";
import { TableFault } from "./table-fault.ts";
import { writeTableImage } from "./write-table-image.ts";

/** All that an image says. References resolve inside; ids and credentials are unique. */
export interface TableImageContent {
  readonly mark: TableMark;
  readonly compiledAt: EpochMs;
  readonly frame: TableFrame;
  readonly users: Iterable<TableUser>;
  readonly passes: Iterable<PassRecord>;
}

/**
 * The file that is the table; README.md says what stands where. The same content, in whatever order,
 * and the same key give the same bytes. Throws for content that is not valid.
 */
export function buildTableImage(content: TableImageContent, hashKey: HashKey): Uint8Array {
  const { mark, compiledAt, frame } = content;
  const users = [...content.users].sort(byId);
  const userNumbers = new Map(users.map(({ id }, number) => [id, number]));
  const ordered = inImageOrder(content.passes);
  const passes = ordered.map((pass) => {
    const user = userNumbers.get(pass.user);
    if (user === undefined) {
      throw new TableFault(`pass ${pass.id} refers to user ${pass.user}, whom the table lacks`);
    }
    return { pass, user };
  });
  return writeTableImage(
    { mark, compiledAt, frame, userCount: users.length, users, passCount: passes.length, passes },
    hashKey,
  );
}

function inImageOrder(passes: Iterable<PassRecord>): readonly PassRecord[] {
  const ofKind = new Map<number, PassRecord[]>();
  const ids = new Set<string>();
  const key = newKeyBuffer();
  for (const pass of passes) {
    // The image has one list of ids for each kind, and in two of them it would not be seen.
    if (ids.has(pass.id)) throw new TableFault(`the table has pass ${pass.id} twice`);
    ids.add(pass.id);
    const kind = writePresentedKey(pass.presents, key);
    if (kind === notAKey) {
      throw new TableFault(`pass ${pass.id} presents no well-formed credential`);
    }
    const group = ofKind.get(kind);
    if (group === undefined) ofKind.set(kind, [pass]);
    else group.push(pass);
  }
  const kinds = [...ofKind].sort(([one], [other]) => one - other);
  return kinds.flatMap(([, group]) => group.sort(byId));
}

function byId(one: { readonly id: string }, other: { readonly id: string }): number {
  if (one.id === other.id) return 0;
  return one.id < other.id ? -1 : 1;
}

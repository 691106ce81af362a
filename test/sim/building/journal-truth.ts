import type { DoorEvent } from "../../../src/domain/event.ts";
import type { DoorId, PassId, ReaderId, UserId } from "../../../src/domain/ids.ts";
import type { DenialReason, GrantReason } from "../../../src/domain/reason.ts";
import { type Admitted, hasPassTrait, passShown, type Shown } from "./ladder.ts";
import { placeOf } from "./plan.ts";
import type { Who } from "./reader-truth.ts";
import type { Use } from "./uses-truth.ts";

/** Every event that has to be in the journal, once each. */
export class JournalTruth {
  /** Due since somebody last looked. */
  readonly expected: DoorEvent[] = [];

  tell(event: DoorEvent): void {
    this.expected.push(event);
  }

  grant(told: {
    readonly reader: ReaderId;
    readonly one: Admitted;
    readonly reason: GrantReason;
    readonly uses: readonly Use[];
  }): void {
    const { reader, one, reason, uses } = told;
    const person = { door: placeOf(reader).id, reader, ...named(one.pass) };
    const use = uses.find(({ pass }) => pass === one.pass.id)?.use;
    const pinUse = uses.find(({ pass }) => pass === one.pinPass?.id);
    const counted = { ...(use !== undefined && { use }), ...(pinUse && { pinUse }) };
    this.tell({ kind: "access_granted", ...person, reason, ...counted });
    if (one.strayedFrom === undefined) return;
    this.tell({ kind: "passback_violation", ...person, ...one.strayedFrom });
  }

  deny(reader: ReaderId, reason: DenialReason, person: Who | undefined): void {
    const door = placeOf(reader).id;
    const whom = person && { pass: person.pass, user: person.user };
    this.tell({ kind: "access_denied", door, reader, reason, ...whom });
  }

  /** A duress PIN is told of whatever became of it. */
  duress(content: Parameters<typeof passShown>[0], reader: ReaderId, pin: Shown["pin"]): void {
    const pass = pin && passShown(content, { pin });
    if (!pass?.active || !hasPassTrait(pass, "duress")) return;
    this.tell({ kind: "duress", door: doorOf(reader), reader, ...named(pass) });
  }
}

/** Whose pass it is, as events name both. */
export function named({ id, user }: { readonly id: PassId; readonly user: UserId }): Who {
  return { pass: id, user };
}

function doorOf(reader: ReaderId): DoorId {
  return placeOf(reader).id;
}

import type { PassRecord, RuleRecord } from "../../../src/domain/access.ts";
import type { ControllerId, DoorId, PassId, UserId } from "../../../src/domain/ids.ts";
import type { TableChange, TableFrame, TableUser } from "../../../src/domain/table-change.ts";
import type { SiteModel } from "../../../src/site/site-model.ts";
import type { SpentUses } from "../../../src/site/spent-uses.ts";

/** A table's people as plain maps; what a frame knows of them is its rules. */
export interface NaiveTable {
  readonly frame: TableFrame;
  readonly users: Map<UserId, TableUser>;
  readonly passes: Map<PassId, PassRecord>;
}

export const naivePinKey = new Uint8Array(32).fill(3);

/** Who is in a controller's table, asked of each user and each door anew. */
export function naivePeople(
  model: SiteModel,
  {
    controller,
    spent,
  }: {
    readonly controller: ControllerId;
    readonly spent: SpentUses;
  },
): Pick<NaiveTable, "users" | "passes"> {
  const doors = model.doors.filter((door) => door.controller === controller);
  const coversAny = (rule: RuleRecord) => model.doors.some(({ id }) => covers(model, rule, id));
  const coversHere = (rule: RuleRecord) => doors.some(({ id }) => covers(model, rule, id));
  const users = new Map<UserId, TableUser>();
  for (const { id, suspended, traits } of model.users) {
    const named = model.rules.filter((rule) => rule.users.includes(id) && coversAny(rule));
    const here = named.filter(coversHere);
    const isFree = doors.some(({ posture }) => posture === "free_access");
    if (doors.length === 0 || !(here.length > 0 || named.length === 0 || isFree)) continue;
    const rules = here.map((rule) => rule.id).sort();
    users.set(id, { id, suspended, ...(traits.length > 0 && { traits }), rules });
  }
  const passes = new Map<PassId, PassRecord>();
  for (const { id, user, kind, active, traits, ...pass } of model.passes) {
    if (!users.has(user)) continue;
    const { startsAt, endsAt, usesMax } = pass;
    const uses = usesMax === undefined ? [] : spent(id);
    const sum = (isHere: boolean) =>
      uses
        .filter((use) => (use.controller === controller) === isHere)
        .reduce((total, use) => total + use.spent, 0);
    const told = (count: number) => Math.min(count, usesMax ?? 0);
    passes.set(id, {
      id,
      user,
      kind,
      active,
      ...(startsAt !== undefined && { startsAt }),
      ...(endsAt !== undefined && { endsAt }),
      ...(usesMax !== undefined && { usesMax }),
      ...(sum(true) > 0 && { spentHere: told(sum(true)) }),
      ...(sum(false) > 0 && { spentElsewhere: told(sum(false)) }),
      ...(traits.length > 0 && { traits }),
      presents:
        "digest" in pass ? { as: "pin", digest: pass.digest } : { as: "raw", raw: pass.raw },
    });
  }
  return { users, passes };
}

function covers({ zones }: SiteModel, rule: RuleRecord, door: DoorId): boolean {
  if (rule.doors.includes(door)) return true;
  return zones
    .filter((zone) => zone.doors.includes(door))
    .some((zone) => {
      for (let at: typeof zone | undefined = zone; at !== undefined; ) {
        if (rule.zones.includes(at.id)) return true;
        const { parent }: typeof zone = at;
        at = zones.find(({ id }) => id === parent);
      }
      return false;
    });
}

/**
 * What a controller makes of changes, by the words of `TableChange`; throws where they do not hold.
 */
export function applied(table: NaiveTable, changes: readonly TableChange[]): NaiveTable {
  let { frame } = table;
  let users = new Map(table.users);
  const passes = new Map(table.passes);
  const named = new Set<string>();
  for (const [place, change] of changes.entries()) {
    const name = nameOf(change);
    if (named.has(name)) throw new Error(`${name} twice`);
    named.add(name);
    switch (change.kind) {
      case "frame": {
        if (place > 0) throw new Error("a frame that is not first");
        ({ frame } = change);
        const left = new Set(frame.rules.map(({ id }) => id));
        users = new Map(
          [...users].map(([id, user]) => {
            return [id, { ...user, rules: user.rules.filter((rule) => left.has(rule)) }];
          }),
        );
        break;
      }
      case "user":
        users.set(change.user.id, change.user);
        break;
      case "user_gone":
        if (!users.delete(change.user)) throw new Error(`no user ${change.user} to go`);
        break;
      case "pass":
        passes.set(change.pass.id, change.pass);
        break;
      case "pass_gone":
        if (!passes.delete(change.pass)) throw new Error(`no pass ${change.pass} to go`);
        break;
    }
  }
  const made = { frame, users, passes };
  checkWhole(made);
  return made;
}

function nameOf(change: TableChange): string {
  switch (change.kind) {
    case "frame":
      return "frame";
    case "user":
      return `user ${change.user.id}`;
    case "user_gone":
      return `user ${change.user}`;
    case "pass":
      return `pass ${change.pass.id}`;
    case "pass_gone":
      return `pass ${change.pass}`;
  }
}

function checkWhole({ frame, users, passes }: NaiveTable): void {
  const rules = new Set(frame.rules.map(({ id }) => id));
  for (const user of users.values()) {
    for (const rule of user.rules) if (!rules.has(rule)) throw new Error(`no rule ${rule}`);
  }
  const presented = new Set<string>();
  for (const { id, user, presents } of passes.values()) {
    if (!users.has(user)) throw new Error(`no user ${user} of pass ${id}`);
    const key = JSON.stringify(presents);
    if (presented.has(key)) throw new Error(`what pass ${id} presents is presented twice`);
    presented.add(key);
  }
}

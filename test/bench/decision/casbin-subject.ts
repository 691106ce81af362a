import { newEnforcer, newModelFromString } from "casbin";
import { compileSchedule } from "../../../src/core/schedule.ts";
import type { LoadSubject } from "./subject.ts";
import {
  cardOf,
  datesOf,
  doorName,
  doorsOf,
  groupCount,
  groupsOf,
  hasOfficeHours,
  isActive,
  isSuspended,
  officeHours,
  passName,
  userName,
  zone,
} from "./world.ts";

const model = `
[request_definition]
r = sub, obj, at

[policy_definition]
p = sub, obj, hours

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.obj == p.obj && g(r.sub, p.sub) && inForce(p.hours, r.at)
`;

/**
 * casbin decides who may go where, when, by roles. It holds no credentials and no validity, so a Map
 * before it has those, as an application's own tables would.
 */
export const loadCasbin: LoadSubject = async (passCount) => {
  const office = compileSchedule(officeHours, zone);
  const enforcer = await newEnforcer(newModelFromString(model));
  await enforcer.addFunction(
    "inForce",
    (hours: string, at: Parameters<typeof office.isOpen>[0]) =>
      hours === "always" || office.isOpen(at),
  );
  const policies: string[][] = [];
  for (let group = 0; group < groupCount; group += 1) {
    const hours = hasOfficeHours(group) ? "office" : "always";
    for (const door of doorsOf(group)) policies.push([`group-${group}`, doorName(door), hours]);
  }
  await enforcer.addPolicies(policies);
  const passes = new Map<string, number>();
  const memberships: string[][] = [];
  for (let pass = 0; pass < passCount; pass += 1) {
    passes.set(cardOf(pass), pass);
    const groups = new Set(groupsOf(pass));
    for (const group of groups) memberships.push([userName(pass), `group-${group}`]);
  }
  await enforcer.addGroupingPolicies(memberships);

  return ({ presented, door, wall }) => {
    const pass = passes.get(presented.card ?? "");
    if (pass === undefined) return { kind: "denied", reason: "unknown_credential" };
    const named = { pass: passName(pass), user: userName(pass) };
    const { startsAt, endsAt } = datesOf(pass);
    if (!isActive(pass)) return { kind: "denied", reason: "pass_inactive", ...named };
    if (isSuspended(pass)) return { kind: "denied", reason: "user_suspended", ...named };
    if (wall.at < startsAt) return { kind: "denied", reason: "not_yet_valid", ...named };
    if (wall.at >= endsAt) return { kind: "denied", reason: "expired", ...named };
    return enforcer.enforceSync(named.user, door, wall.at)
      ? { kind: "granted", ...named }
      : { kind: "denied", reason: "no_access", ...named };
  };
};

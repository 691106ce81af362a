import { describeTomlFault } from "../../../src/protocols/toml/toml-fault.ts";
import { modelOfSiteFile, parseSiteFile } from "../../../src/site/site-file.ts";
import type { SiteModel } from "../../../src/site/site-model.ts";

/** Says each thing that a site can say of its doors and people at least once. */
export const whole = `
site = "test"
zone = "Europe/Vienna"
doors = [
  { id = "outer", name = "Outer", controller = "one", readers = ["outer"], interlock = ["inner"] },
  { id = "inner", name = "Inner", controller = "one", readers = ["inner", "exit"], interlock = ["outer"], inside = "vault", outside = "lock", exit_readers = ["exit"], two_person = "required", company_ms = 20000 },
  { id = "yard", name = "Yard", controller = "two", readers = ["yard"], posture = "free_access", extra_time_ms = 5000, held_open_watch = "while_locked", tamper = "deny", fire = "unlock", after_restart = "forget" },
]
zones = [
  { id = "campus" },
  { id = "house", parent = "campus", doors = ["outer", "inner"] },
  { id = "garden", parent = "campus", doors = ["yard"] },
]
areas = [
  { id = "lock" },
  { id = "vault", passback = "timed", passback_ms = 60000, occupancy_max = 2, manager_in = "required" },
]
users = [
  { id = "ada", name = "Ada", traits = ["manager", "may_escort"] },
  { id = "bob", name = "Bob", traits = ["needs_escort"] },
]
passes = [
  { id = "ada-card", user = "ada", kind = "csn_card", uses = 3, traits = ["pass_through", "toggle"], card = { format = "H10301", facility = 1, number = 1 } },
  { id = "ada-pin", user = "ada", kind = "pin", pin = "1234" },
  { id = "ada-duress", user = "ada", kind = "pin", pin = "1235", traits = ["duress"] },
  { id = "bob-card", user = "bob", kind = "csn_card", card = { format = "H10301", facility = 1, number = 2 } },
]
schedules = [
  { id = "day", intervals = [
    { days = ["mon", "fri"], from = "08:00", to = "18:00" },
    { days = ["mon", "fri"], day_type = "short", from = "08:00", to = "12:00" },
  ] },
]
calendar = [
  { date = "12-25", day_type = "holiday" },
  { date = "2026-12-24", day_type = "short" },
]
rules = [
  { id = "staff", users = ["ada", "bob"], doors = ["outer"], zones = ["garden"] },
  { id = "vault", kind = "grant_two_factors", users = ["ada"], doors = ["inner"] },
  { id = "open", kind = "auto_unlock", zones = ["campus"], schedule = "day" },
  { id = "first", kind = "first_person_in", users = ["ada"], doors = ["outer"], schedule = "day" },
]
`;

const file = "site.toml";

export function faultsOf(text: string): readonly string[] {
  const result = parseSiteFile({ file, text });
  return result.ok ? [] : result.fault.map(describeTomlFault);
}

export function accepted(text: string): SiteModel {
  const result = parseSiteFile({ file, text });
  if (!result.ok) throw new Error(faultsOf(text).join("\n"));
  return modelOfSiteFile(result.value, new Uint8Array(32));
}

export function changed(from: string | RegExp, to: string): string {
  const text = whole.replace(from, to);
  if (text === whole) throw new Error(`nothing to replace: ${from}`);
  return text;
}

/** What is wrong after one replacement, each with the line that has it. */
export const faultAfter = (from: string | RegExp, to: string): string =>
  faultsOf(changed(from, to)).join("\n");

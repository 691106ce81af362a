/**
 * A site file with a door to each controller, some users with every door and, for each door, one with
 * that door alone. Everybody has one card with dates.
 */
export interface SiteSize {
  readonly controllerCount: number;
  /** Users with every door. */
  readonly everywhereCount: number;
}

export const siteName = "bench";
export const cardFormat = "H10301";

const padded = (number: number): string => String(number).padStart(7, "0");
export const controllerName = (door: number): string => `box-${padded(door)}`;
export const doorName = (door: number): string => `door-${padded(door)}`;
const passName = (user: number): string => `pass-${padded(user)}`;
const userName = (user: number): string => `user-${padded(user)}`;

/** The printed number of a user's card after it was replaced so many times. No two are the same. */
export function cardOf(
  user: number,
  replacedCount: number,
): { readonly facility: number; readonly number: number } {
  return { facility: replacedCount % 256, number: user };
}

/** `replaced` says how often a user's card was replaced; nobody else's was. */
export function siteText(
  { controllerCount, everywhereCount }: SiteSize,
  replaced: ReadonlyMap<number, number>,
): string {
  const doors = Array.from({ length: controllerCount }, (_, door) => door);
  const users = Array.from({ length: everywhereCount + controllerCount }, (_, user) => user);
  const list = (of: readonly number[], name: (number: number) => string) =>
    of.map((number) => `"${name(number)}"`).join(", ");
  return [
    `site = "${siteName}"\nzone = "Europe/Berlin"\n`,
    ...doors.map((door) => {
      const controller = controllerName(door);
      return (
        `[[doors]]\nid = "${doorName(door)}"\nname = "Door ${door}"\n` +
        `controller = "${controller}"\nreaders = ["${controller}"]\n`
      );
    }),
    ...users.map((user) => `[[users]]\nid = "${userName(user)}"\nname = "User ${user}"\n`),
    ...users.map((user) => {
      const { facility, number } = cardOf(user, replaced.get(user) ?? 0);
      return (
        `[[passes]]\nid = "${passName(user)}"\nuser = "${userName(user)}"\nkind = "csn_card"\n` +
        "starts_at = 2020-01-01T00:00:00\nends_at = 2099-12-31T18:00:00\n" +
        `card = { format = "${cardFormat}", facility = ${facility}, number = ${number} }\n`
      );
    }),
    `[[rules]]\nid = "everywhere"\nusers = [${list(users.slice(0, everywhereCount), userName)}]\n` +
      `doors = [${list(doors, doorName)}]\n`,
    ...doors.map(
      (door) =>
        `[[rules]]\nid = "only-${door}"\nusers = ["${userName(everywhereCount + door)}"]\n` +
        `doors = ["${doorName(door)}"]\n`,
    ),
  ].join("\n");
}

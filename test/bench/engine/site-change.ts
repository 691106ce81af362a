import { rawFromBits } from "../../../src/domain/credential.ts";
import { doorDefaults } from "../../../src/domain/door-defaults.ts";
import { controllerId, doorId, passId, ruleId, userId } from "../../../src/domain/ids.ts";
import { epochMs } from "../../../src/domain/time.ts";
import type { ModelChange } from "../../../src/site/model-change.ts";
import type { SitePass } from "../../../src/site/site-model.ts";

const controllerCount = 50;
const ruleCount = 20;
/** So many tables each pass is in. */
export const doorsPerRule = 5;

const numbered = <Item>(count: number, make: (number: number) => Item): readonly Item[] =>
  Array.from({ length: count }, (_, number) => make(number));

/** `changed`: how often it was; each time it is what it was not, active or inactive. */
export function passOf(number: number, changed = 0): SitePass {
  return {
    id: passId(`pass-${number}`),
    user: userId(`user-${number}`),
    kind: "csn_card",
    active: changed % 2 === 0,
    startsAt: epochMs(Date.UTC(2020, 0, 1)),
    endsAt: epochMs(Date.UTC(2099, 11, 31, 18)),
    traits: [],
    card: { format: "plain", fields: { number } },
    raw: rawFromBits(number.toString(2).padStart(34, "0")),
  };
}

/** Everybody has one card and is in one rule, which covers the doors of five controllers. */
export function wholeSite(passCount: number): ModelChange {
  const doorAt = (number: number) => doorId(`door-${number % controllerCount}`);
  return {
    revision: 1,
    surroundings: {
      zone: "UTC",
      calendar: [],
      zones: [],
      areas: [],
      doors: numbered(controllerCount, (number) => ({
        ...doorDefaults,
        id: doorAt(number),
        name: `Door ${number}`,
        controller: controllerId(`box-${number}`),
        readers: [],
      })),
      schedules: [],
    },
    users: numbered(passCount, (number) => {
      const id = userId(`user-${number}`);
      return { id, to: { id, name: `User ${number}`, suspended: false, traits: [] } };
    }),
    passes: numbered(passCount, (number) => ({
      id: passId(`pass-${number}`),
      to: passOf(number),
    })),
    rules: numbered(ruleCount, (number) => {
      const id = ruleId(`rule-${number}`);
      const doors = numbered(doorsPerRule, (door) => doorAt(number * doorsPerRule + door));
      return { id, to: { id, kind: "grant", doors, zones: [] } };
    }),
    members: numbered(passCount, (number) => ({
      rule: ruleId(`rule-${number % ruleCount}`),
      user: userId(`user-${number}`),
      is: "in",
    })),
  };
}

/** Each of these passes is other than it was. */
export function passesChanged(numbers: readonly number[], changed: number): ModelChange {
  const passes = numbers.map((number) => {
    const to = passOf(number, changed);
    return { id: to.id, to };
  });
  return { revision: changed + 1, users: [], passes, rules: [], members: [] };
}

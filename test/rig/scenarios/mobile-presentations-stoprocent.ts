import { mobilePresentations } from "../mobile-presentations.ts";
import type { Scenario } from "../scenario.ts";

export const scenario: Scenario = mobilePresentations({
  name: "mobile-presentations-stoprocent",
  profile: "two-doors-stoprocent",
  driver: "stoprocent",
});

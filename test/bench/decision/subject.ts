import type { AccessRequest, Decision } from "../../../src/core/authorize.ts";

/** A site of `passCount` passes, loaded: what it decides of a request. */
export type Decide = (request: AccessRequest) => Decision;

/** Loads the site of world.ts; what it needed for loading only, it lets go of. */
export type LoadSubject = (passCount: number) => Promise<Decide>;

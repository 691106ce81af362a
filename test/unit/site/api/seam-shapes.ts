import { schemas } from "@seamapi/types/connect";

/** Seam's own words for what it answers, as its package has them, and nothing beside them. */
export const acsUser = schemas.acs_user.strict();
export const acsCredential = schemas.acs_credential.strict();
export const acsEntrance = schemas.acs_entrance.strict();
export const acsAccessGroup = schemas.acs_access_group.strict();
export const acsSystem = schemas.acs_system.strict();
export const pagination = schemas.pagination.strict();

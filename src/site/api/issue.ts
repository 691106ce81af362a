import { fail, type Result } from "../../domain/result.ts";
import type { IssuingChange } from "../issuer.ts";
import type { TableFault } from "../table-plan.ts";
import type { ApiFault } from "./api-fault.ts";
import type { ApiSite } from "./api-site.ts";
import type { ApiCall } from "./route.ts";

/** One change of what is issued, in the caller's name, as far as tables can be made of it. */
export async function issue<Value>(
  { issuer }: ApiSite,
  { author }: ApiCall,
  make: (change: IssuingChange) => Promise<Result<Value, ApiFault>>,
): Promise<Result<Value, ApiFault>> {
  const made = await issuer.change(author, make);
  if (made.ok) return made;
  return fail("status" in made.fault ? made.fault : noTableOf(made.fault));
}

/** All input was in order by itself; the controller could not have taken what comes of it. */
function noTableOf({ controller, detail }: TableFault): ApiFault {
  return {
    status: 409,
    type: "table_not_possible",
    message: `Controller ${controller} could not take the table that follows: a fault at ${detail}.`,
  };
}

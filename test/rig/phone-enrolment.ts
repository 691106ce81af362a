/** A call of the site's API: JSON in and out. */
export type SiteCall = (method: "GET" | "POST", path: string, body?: unknown) => Promise<unknown>;

/** As long as the site lets a reader wait. */
const listenMs = 120_000;

/** Ada's pass for her phones, which the front reader now waits for one of; answers the pass's id. */
export async function beginPhoneEnrolment(site: SiteCall): Promise<string> {
  const users = (await site("POST", "/acs/users/list", { search: "Ada" })) as {
    readonly acs_users: readonly { readonly acs_user_id: string }[];
  };
  const encoders = (await site("POST", "/acs/encoders/list", {})) as {
    readonly acs_encoders: readonly {
      readonly acs_encoder_id: string;
      readonly display_name: string;
    }[];
  };
  const [user] = users.acs_users;
  const reader = encoders.acs_encoders.find(({ display_name }) =>
    display_name.endsWith("reader front"),
  );
  if (user === undefined || reader === undefined) throw new Error("no Ada, or no reader front");
  const made = (await site("POST", "/acs/credentials/create", {
    acs_user_id: user.acs_user_id,
    access_method: "mobile_key",
    is_multi_phone_sync_credential: true,
  })) as { readonly acs_credential: { readonly acs_credential_id: string } };
  const { acs_credential_id } = made.acs_credential;
  await listenForPhone(site, { acs_encoder_id: reader.acs_encoder_id, acs_credential_id });
  return acs_credential_id;
}

async function listenForPhone(
  site: SiteCall,
  which: { readonly acs_encoder_id: string; readonly acs_credential_id: string },
): Promise<void> {
  await site("POST", "/postern/enrolments/create", { ...which, listen_ms: listenMs });
}

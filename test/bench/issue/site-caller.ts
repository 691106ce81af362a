/** Asks the site as any program would, over a connection that is kept. */
export class SiteCaller {
  readonly #origin: string;
  readonly #key: string;

  constructor(origin: string, key: string) {
    this.#origin = origin;
    this.#key = key;
  }

  async ask(path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    const response = await fetch(`${this.#origin}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as Readonly<Record<string, unknown>>;
    if (response.ok) return answer;
    throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
  }

  /** A user whom the demonstration's front door admits; answers the UUID. */
  async addUser(name: string): Promise<string> {
    const body = { full_name: name, access_groups: ["visitors"] };
    const { user } = await this.ask("/postern/users/create", body);
    return (user as { readonly acs_user_id: string }).acs_user_id;
  }
}

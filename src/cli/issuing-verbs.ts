import { type Command, InvalidArgumentError, Option } from "commander";
import { passTraits, userTraits } from "../domain/access.ts";
import { peopleFileHelp } from "./people-columns.ts";
import type { SiteClient } from "./site-client.ts";
import { CommandFailed, type Terminal } from "./terminal.ts";

/** What the verbs of a running site need of the process that they are typed at. */
export interface IssuingHost {
  readonly terminal: Terminal;
  /** The site's configuration, unless another is named. */
  readonly configFile: string;
  readonly openClient: (configFile: string) => Promise<SiteClient>;
  /** Typed unseen, or from a pipe. */
  readonly readPin: () => Promise<string>;
  readonly onInterrupt: (act: () => void) => () => void;
  readonly pause: (forMs: number) => Promise<void>;
  /** Whether a person looks on, for whom progress is drawn. */
  readonly progress: "shown" | "hidden";
}

interface SiteFlags {
  readonly config: string;
  readonly json: boolean;
}

interface AddUserFlags extends SiteFlags {
  readonly id?: string;
  readonly email?: string;
  readonly phone?: string;
  readonly group: readonly string[];
  readonly trait: readonly string[];
}

interface AddPassFlags extends SiteFlags {
  readonly user: string;
  readonly pin?: string;
  readonly card?: string;
  readonly enrol?: string;
  readonly mobile: boolean;
  readonly starts?: string;
  readonly ends?: string;
  readonly uses?: number;
  readonly trait: readonly string[];
}

interface ImportFlags extends SiteFlags {
  readonly dryRun: boolean;
  readonly skipBad: boolean;
  readonly pins?: string;
}

const gathered = (value: string, before: readonly string[]): readonly string[] => [
  ...before,
  value,
];

function count(text: string): number {
  if (/^[1-9][0-9]{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number from 1.");
}

/** Users and passes from the command line, by way of the running site's API. */
export function addIssuingVerbs(postern: Command, host: IssuingHost): void {
  addUserVerbs(postern.command("user").description("add, list and change users"), host);
  addPassVerbs(postern.command("pass").description("issue, list and change passes"), host);
  addPeopleFiles(postern, host);
}

function siteVerb(parent: Command, words: string, host: IssuingHost): Command {
  return parent
    .command(words)
    .addOption(new Option("--config <file>", "the site's").default(host.configFile))
    .option("--json", "for programs", false);
}

async function issuing(host: IssuingHost, { config, json }: SiteFlags) {
  return { client: await host.openClient(config), terminal: host.terminal, json };
}

function addUserVerbs(user: Command, host: IssuingHost): void {
  siteVerb(user, "add <name>", host)
    .description("a new user")
    .option("--id <id>", "what events and files call the user; drawn unless it is said")
    .option("--email <address>", "a mail address")
    .option("--phone <number>", "a telephone number")
    .option("--group <group>", "an access group, by id or name; more than once", gathered, [])
    .option("--trait <trait>", `${userTraits.join(", ")}; more than once`, gathered, [])
    .action(async (name: string, flags: AddUserFlags) => {
      const { addUser } = await import("./user.ts");
      const { id, email, phone, group: groups, trait: traits } = flags;
      await addUser(await issuing(host, flags), {
        name,
        groups,
        traits,
        ...(id !== undefined && { id }),
        ...(email !== undefined && { email }),
        ...(phone !== undefined && { phone }),
      });
    });
  siteVerb(user, "list", host)
    .description("users, the newest first")
    .option("--search <text>", "in name, mail address or number")
    .option("--limit <count>", "at most so many", count, 500)
    .action(async (flags: SiteFlags & { readonly search?: string; readonly limit: number }) => {
      const { listUsers } = await import("./user.ts");
      const { search, limit } = flags;
      const sought = { limit, ...(search !== undefined && { search }) };
      await listUsers(await issuing(host, flags), sought);
    });
  for (const [verb, description] of [
    ["suspend", "deny everything that was issued to a user"],
    ["unsuspend", "end a user's suspension"],
    ["delete", "delete a user with everything that was issued to him"],
  ] as const) {
    siteVerb(user, `${verb} <user>`, host)
      .description(description)
      .action(async (text: string, flags: SiteFlags) => {
        const { changeUser } = await import("./user.ts");
        await changeUser(await issuing(host, flags), { user: text, verb });
      });
  }
}

function addPassVerbs(pass: Command, host: IssuingHost): void {
  siteVerb(pass, "add", host)
    .description("a new pass: a PIN, a card, or a phone's")
    .requiredOption("--user <user>", "whose: an id, a UUID, or a whole name")
    .option("--pin <how>", "random: drawn and shown once; -: asked for, or from standard input")
    .option("--card <format:field:…>", "as H10301:12:34567, or 12:34567")
    .option(
      "--enrol <reader>",
      "the card that is presented there within 30 s; with --mobile the phone",
    )
    .option("--mobile", "for the user's phones; more of them come by `pass enrol`", false)
    .option("--starts <when>", "with its offset, or as the site's clocks show it")
    .option("--ends <when>", "as --starts; a date alone is that whole day")
    .option("--uses <count>", "how many grants it is good for", count)
    .option("--trait <trait>", `${passTraits.join(", ")}; more than once`, gathered, [])
    .action(async (flags: AddPassFlags) => addPassOf(host, flags));
  siteVerb(pass, "list", host)
    .description("passes, the newest first, and how far the doors are with each")
    .option("--user <user>", "this user's")
    .action(async (flags: SiteFlags & { readonly user?: string }) => {
      const { listPasses } = await import("./pass.ts");
      const { user } = flags;
      await listPasses(await issuing(host, flags), { ...(user !== undefined && { user }) });
    });
  for (const [verb, description] of [
    ["suspend", "keep a pass, and have it open nothing"],
    ["unsuspend", "have it open again"],
    ["delete", "delete a pass"],
  ] as const) {
    siteVerb(pass, `${verb} <pass>`, host)
      .description(description)
      .action(async (text: string, flags: SiteFlags) => {
        const { changePass } = await import("./pass.ts");
        await changePass(await issuing(host, flags), { pass: text, verb });
      });
  }
  siteVerb(pass, "enrol <pass>", host)
    .description("have a reader wait for what a pass expects: its card, or one more phone")
    .requiredOption("--reader <reader>", "where it is presented within 30 s")
    .action(async (text: string, flags: SiteFlags & { readonly reader: string }) => {
      const { enrolInto } = await import("./enrol.ts");
      const { onInterrupt, pause } = host;
      const options = { ...(await issuing(host, flags)), onInterrupt, pause };
      await enrolInto(options, { pass: text, reader: flags.reader });
    });
  addAssigning(pass, host);
}

function addAssigning(pass: Command, host: IssuingHost): void {
  siteVerb(pass, "assign <pass>", host)
    .description("give a pass that nobody has to a user")
    .requiredOption("--user <user>", "whose it is to be")
    .action(async (text: string, flags: SiteFlags & { readonly user: string }) => {
      const { assignPass } = await import("./pass.ts");
      await assignPass(await issuing(host, flags), { pass: text, user: flags.user });
    });
  siteVerb(pass, "unassign <pass>", host)
    .description("take a pass from its user; it is kept, and opens nothing")
    .action(async (text: string, flags: SiteFlags) => {
      const { unassignPass } = await import("./pass.ts");
      await unassignPass(await issuing(host, flags), { pass: text });
    });
}

async function addPassOf(host: IssuingHost, flags: AddPassFlags): Promise<void> {
  const { user, pin, card, enrol: reader, mobile, starts, ends, uses, trait: traits } = flags;
  // A phone is enrolled as a card is, and either alone says what is meant.
  const ways = [pin !== undefined, card !== undefined, reader !== undefined || mobile];
  if (ways.filter((isAsked) => isAsked).length !== 1) {
    const expected =
      "expected one of --pin, --card, --enrol and --mobile, or --mobile with --enrol";
    throw new CommandFailed(2, expected);
  }
  const limits = {
    traits,
    ...(starts !== undefined && { starts }),
    ...(ends !== undefined && { ends }),
    ...(uses !== undefined && { uses }),
  };
  if (reader !== undefined) {
    const { enrolPass } = await import("./enrol.ts");
    const { onInterrupt, pause } = host;
    const options = { ...(await issuing(host, flags)), onInterrupt, pause };
    return enrolPass(options, { user, reader, what: mobile ? "phone" : "card", limits });
  }
  const { addPass } = await import("./pass.ts");
  if (card !== undefined) {
    return addPass(await issuing(host, flags), { user, pass: { kind: "card", card }, limits });
  }
  if (pin === undefined) {
    return addPass(await issuing(host, flags), { user, pass: { kind: "mobile" }, limits });
  }
  const given = await pinOf(host, pin);
  await addPass(await issuing(host, flags), { user, pass: { kind: "pin", ...given }, limits });
}

async function pinOf(host: IssuingHost, how: string): Promise<{ readonly digits?: string }> {
  if (how === "random") return {};
  if (how === "-") return { digits: await host.readPin() };
  // Whatever it was, it is in the shell's history now, and must not be in our words too.
  const why = "what is typed here is in the shell's history and in every process list";
  throw new CommandFailed(2, `--pin: expected random, or - to be asked for it: ${why}`);
}

function addPeopleFiles(postern: Command, host: IssuingHost): void {
  siteVerb(postern, "import <file>", host)
    .description("make the people of a CSV file the site's, with their passes and groups")
    .option("--dry-run", "say what is wrong and what would be changed, and change nothing", false)
    .option("--skip-bad", "leave out users with whom anything is wrong", false)
    .option(
      "--pins <file>",
      "where the PINs that are drawn are written, which nobody has afterwards",
    )
    .addHelpText("after", peopleFileHelp)
    .action(async (file: string, flags: ImportFlags) => {
      const { importPeople } = await import("./import.ts");
      const { dryRun, skipBad, pins } = flags;
      await importPeople({
        ...(await issuing(host, flags)),
        file,
        run: dryRun ? "dry" : "write",
        whenBad: skipBad ? "skip" : "stop",
        progress: host.progress,
        ...(pins !== undefined && { pinsFile: pins }),
      });
    });
  postern
    .command("export")
    .description("everybody with cards and groups, as `postern import` takes them: secret, no PINs")
    .addOption(new Option("--config <file>", "the site's").default(host.configFile))
    .option("--out <file>", "a new file, for its owner alone (default: standard output)")
    .action(async ({ config, out }: { readonly config: string; readonly out?: string }) => {
      const { exportPeople } = await import("./export.ts");
      const client = await host.openClient(config);
      await exportPeople({ client, terminal: host.terminal, ...(out !== undefined && { out }) });
    });
}

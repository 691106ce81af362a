import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import {
  type ProvisionOptions,
  provisionController,
} from "../../../src/compose/provision-controller.ts";
import { controllerId } from "../../../src/domain/ids.ts";
import { parseProvision } from "../../../src/protocols/sync/provision.ts";
import { one, type SiteRig, siteFile, startSite, temporaryFolder } from "../site/site-rig.ts";

/** Where the site's secrets are, by their path in its folder; but for what changes with each use. */
function keyFiles(rig: SiteRig): readonly string[] {
  return readdirSync(join(rig.folder, "site"), { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(key|pem)$/.test(path))
    .sort();
}

/** A site that runs, with doors at the controllers `one` and `two`; and its verb. */
async function running(t: Test, { applied = siteFile() }: { readonly applied?: string } = {}) {
  const rig = await startSite(t);
  if (applied !== "") t.ok(rig.service.apply(applied, "site.toml").ok);
  const config = join(rig.folder, "site.toml");
  writeFileSync(config, 'site_file = "not-there.toml"\n');
  const out = join(temporaryFolder(t), "provision.json");
  let printed = "";
  const provision = (asked: Partial<ProvisionOptions> = {}) => {
    printed = "";
    provisionController({
      configFile: config,
      env: { POSTERN_STATE_DIR: rig.folder },
      controller: one,
      out,
      doors: "required",
      print: (text) => {
        printed += text;
      },
      ...asked,
    });
    return printed;
  };
  /** What it says against it: an error's class by name, and its words. */
  const refusal = (asked: Partial<ProvisionOptions> = {}): string => {
    try {
      return `none: ${provision(asked)}`;
    } catch (error) {
      return String(error);
    }
  };
  return { rig, out, provision, refusal };
}

function read(file: string) {
  const parsed = parseProvision(readFileSync(file, "utf8"));
  return parsed.ok ? parsed.value : parsed.fault;
}

t.test("a running site's controller gets the keys that the site has for it", async (t) => {
  const { rig, out, provision } = await running(t);
  const printed = provision();
  t.same(read(out), rig.service.provisionFor(one));
  t.equal((statSync(out).mode & 0o777).toString(8), "600");
  t.match(printed, /keys of controller one of site test \(doors: front\)/);
  const { controller_key: key, pin_key: pin } = JSON.parse(readFileSync(out, "utf8"));
  t.notOk(printed.includes(key) || printed.includes(pin), "no secret in what was printed");

  rig.service.rotateKey();
  const asked = parseProvision(provision({ out: "-" }));
  const expected = { ok: true, value: rig.service.provisionFor(one) };
  t.same(asked, expected, "asked for, it is printed and nothing else; with the newest key");
});

t.test("a file that is there is not overwritten, nor what a link names", async (t) => {
  const { out, refusal } = await running(t);
  writeFileSync(out, "another's keys");
  t.match(refusal(), /StartRefused: .*provision\.json: is there already/);
  t.equal(readFileSync(out, "utf8"), "another's keys");
  const [link, target] = [`${out}.link`, `${out}.target`];
  symlinkSync(target, link);
  t.match(refusal({ out: link }), /is there already/);
  t.notOk(existsSync(target));
  t.match(refusal({ out: join(out, "below") }), /below: cannot be made: ENOTDIR/);
  t.match(refusal({ out: join(out, "../none/file") }), /file: cannot be made: ENOENT/);
});

t.test("a name that no door has makes no keys, unless its doors are to come", async (t) => {
  const { rig, out, provision, refusal } = await running(t);
  const annex = controllerId("annex");
  const before = keyFiles(rig);
  t.match(
    refusal({ controller: annex }),
    /StartRefused: annex: .*there are: one, two\. .*--without-doors/,
  );
  t.same(keyFiles(rig), before);
  t.notOk(existsSync(out));
  t.match(provision({ controller: annex, doors: "to_come" }), /controller annex .*no door yet/);
  t.same(keyFiles(rig), [...before, "controllers/annex.key"].sort());

  const applied = siteFile().replace('controller = "two"', 'controller = "annex"');
  t.ok(rig.service.apply(applied, "site.toml").ok);
  t.same(read(out), rig.service.provisionFor(annex), "the site goes by the key that was made");
});

t.test("a controller whose door was taken away is named as one without", async (t) => {
  const { rig, refusal } = await running(t);
  const applied = siteFile().replace('controller = "two"', 'controller = "one"');
  t.ok(rig.service.apply(applied, "site.toml").ok);
  t.match(refusal({ controller: controllerId("two") }), /there are: one\./);
});

t.test("a folder that is no site's is left as it was", async (t) => {
  const { refusal, out } = await running(t);
  const empty = temporaryFolder(t);
  for (const folder of [empty, join(empty, "none")]) {
    const said = refusal({ env: { POSTERN_STATE_DIR: folder } });
    t.match(said, /StartRefused: .*: no site has run on this folder.*POSTERN_STATE_DIR/);
    t.ok(said.includes(folder));
  }
  t.same(readdirSync(empty), []);
  writeFileSync(join(empty, "file"), "");
  const below = { POSTERN_STATE_DIR: join(empty, "file") };
  t.match(refusal({ env: below }), /file\/site: cannot be looked at \(ENOTDIR\)/);
  t.notOk(existsSync(out));
});

t.test("before the first site file there is nobody to make keys for", async (t) => {
  const { refusal } = await running(t, { applied: "" });
  t.match(refusal({ doors: "to_come" }), /no site has run on this folder/);
});

t.test("what the site has lost is not made anew behind its back", async (t) => {
  for (const lost of ["site-signing-key.pem", "pin.key", "controllers/one.key"]) {
    const { rig, out, refusal } = await running(t);
    rmSync(join(rig.folder, "site", lost));
    t.match(refusal(), new RegExp(`StateError: .*${lost}: is missing`));
    t.notOk(existsSync(join(rig.folder, "site", lost)), lost);
    t.notOk(existsSync(out));
  }
});

t.test("a list of doors that is damaged is named", async (t) => {
  const { rig, refusal } = await running(t);
  for (const text of ["{", "{}", '{"site":"test","doors":[{"id":7}]}']) {
    writeFileSync(join(rig.folder, "site/doors.json"), text);
    t.match(refusal(), /StartRefused: .*list of the site's doors is damaged/);
  }
});

t.test("a folder that others may write is refused", async (t) => {
  const { rig, refusal } = await running(t);
  chmodSync(join(rig.folder, "site"), 0o777);
  t.match(refusal(), /StateError: .*others may write/);
});

const skip = process.getuid?.() === 0 ? false : "needs root, to give a folder away";

t.test(
  "another's site is refused, even to root: it could not read the key",
  { skip },
  async (t) => {
    const { rig, out, refusal } = await running(t);
    chownSync(join(rig.folder, "site"), 12_345, 12_345);
    t.match(refusal(), /StartRefused: .*is user 12345's, and this is user 0.*sudo -u '#12345'/);
    t.notOk(existsSync(out));
  },
);
